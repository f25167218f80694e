"""Reading and judging the environment, for settings.py alone.

Every reader raises ImproperlyConfigured with one sentence that names the setting and says why.
"""

import logging
import os
import re
import warnings
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
# A name that no resolver takes for a number: its last label begins with a letter.
NAMED = re.compile(r"(?:[A-Za-z0-9-]+\.)*[A-Za-z][A-Za-z0-9-]*")

MAIL_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+")


def read_env_file(*, default: Path) -> None:
    """Read ENV_FILE, or `default` when that is not set; what the environment says goes first."""
    found = Path(os.environ.get("ENV_FILE", default))
    if "ENV_FILE" in os.environ and not found.exists():
        raise refuse("ENV_FILE", f"names a file that is not there: {found}")
    if found.is_file():
        # It would print a malformed line, which may hold a key.
        logging.getLogger("environ").setLevel(logging.CRITICAL)
        environ.Env.read_env(found)


def refuse(name: str, why: str) -> ImproperlyConfigured:
    """Return the error that stops the start with one sentence."""
    return ImproperlyConfigured(f"{name} {why}")


def text(name: str, default: str | None = None) -> str:
    """Return a text, or its default; without a default it must be there."""
    # Not through django-environ's readers: they take a value that begins with $ for a name.
    value = os.environ.get(name, default or "").strip()
    if default is None and not value:
        raise refuse(name, "is missing: set it in the environment or in .env (see .env.example).")
    return value


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no."""
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise refuse(name, f"must be true or false, not {value!r}.")
    return value in {"true", "1", "yes", "on"}


def number(name: str, default: float, *, low: float, high: float) -> float:
    """Return a number within its bounds."""
    written = text(name, str(default))
    try:
        value = float(written)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise refuse(name, f"must be a number from {low:g} to {high:g}, not {written!r}.")
    return value


def whole(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number within its bounds."""
    value = number(name, default, low=low, high=high)
    if value != int(value):
        raise refuse(name, f"must be a whole number from {low} to {high}, not {value:g}.")
    return int(value)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def provider_url(name: str) -> str:
    """Return a provider's address, ending in /v3/; https unless it is this machine."""
    return _up_to(name, text(name), "/v3", example="https://INSTANCE-api.private.fin.ag/v3/")


def page_url(name: str) -> str:
    """Return the address of a provider's page for customers, ending in /v2/; empty when not set."""
    value = text(name, "")
    if not value:
        return ""
    return _up_to(name, value, "/v2", example="https://INSTANCE-iframe.private.fin.ag/v2/")


def root_url(name: str) -> str:
    """Return the address of a host that holds no version, ending in /; empty when not set."""
    value = text(name, "")
    if not value:
        return ""
    parts = _web_address(name, value, example="https://api.flanks.io/")
    if parts.path not in {"", "/"}:
        raise refuse(name, "must hold no path: versions are added to it.")
    return value.rstrip("/") + "/"


def words(name: str, default: str) -> tuple[str, ...]:
    """Return lower-case words that stand separated by commas, each once."""
    found = [word.strip().lower() for word in (text(name, default) or default).split(",")]
    if not all(re.fullmatch(r"[a-z_]{1,40}", word) for word in found):
        raise refuse(name, f"must be words separated by commas, such as {default}")
    return tuple(dict.fromkeys(found))


def _up_to(name: str, value: str, version: str, *, example: str) -> str:
    parts = _web_address(name, value, example=example)
    if not parts.path.rstrip("/").endswith(version):
        raise refuse(name, f"must go up to and including {version}/.")
    return value.rstrip("/") + "/"


def public_url(name: str) -> str:
    """Return where customers reach us, without a slash at the end; empty when not set."""
    value = text(name, "")
    if not value:
        return ""
    parts = _web_address(name, value, example="https://connect.lender.example")
    if parts.path not in {"", "/"}:
        raise refuse(name, "must hold no path: links add their own.")
    return value.rstrip("/")


def _web_address(name: str, value: str, *, example: str) -> SplitResult:
    """Return the parts of an address that secrets or customers may be sent to."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        senseless = parts.port == 0 or not HOST.fullmatch(host)
    except ValueError:
        parts, host, senseless = urlsplit(value.split(":")[0] + "://"), "", True
    if senseless and parts.scheme in {"http", "https"}:
        raise refuse(name, "has a senseless host or port.")
    if parts.scheme not in {"http", "https"} or not host:
        raise refuse(name, f"must be a web address such as {example}")
    if parts.scheme != "https" and not is_loopback(host):
        raise refuse(name, "must begin with https:// (plain http only for this machine itself).")
    if parts.scheme == "https" and not is_loopback(host) and not NAMED.fullmatch(host):
        raise refuse(name, "must name a host, not a bare IP address.")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise refuse(name, "must hold no credentials, query or fragment.")
    return parts


def mail(name: str, default: str) -> dict[str, Any]:
    """Return Django's settings of outgoing mail, from an address such as smtp+tls://…"""
    value = text(name, default) or default
    try:
        found = dict(environ.Env.email_url_config(value))
        # What is missing is an empty text to Django.
        found = {setting: "" if one is None else one for setting, one in found.items()}
    except (ValueError, ImproperlyConfigured):
        # Without the cause: it names the address, which may hold a password.
        raise refuse(
            name, "must be consolemail://, filemail:////FOLDER or smtp+tls://USER:PASSWORD@HOST:587"
        ) from None
    backend = str(found["EMAIL_BACKEND"])
    if "smtp" in backend:
        if not found["EMAIL_HOST"]:
            raise refuse(name, "must name the host that takes our mail.")
        standard = 587 if "EMAIL_USE_TLS" in found else 465 if "EMAIL_USE_SSL" in found else 25
        found["EMAIL_PORT"] = found["EMAIL_PORT"] or standard
    if "filebased" in backend:
        folder = Path(str(found["EMAIL_FILE_PATH"]))
        if not folder.is_absolute() or urlsplit(value).netloc:
            raise refuse(name, "must name a folder from the root: filemail:////FOLDER")
        # The links in it are as good as a key: nobody else's to read.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def sender(name: str, default: str) -> str:
    """Return who our mail is from: an address, or a name and an address."""
    value = phrase(name, default, longest=200)
    if not MAIL_ADDRESS.fullmatch(parseaddr(value)[1]):
        raise refuse(name, "must be an address such as Lender <connect@lender.example>")
    return value


def phrase(name: str, default: str, *, longest: int) -> str:
    """Return a short text for people, on one line."""
    value = text(name, default) or default
    if not value.isprintable() or len(value) > longest:
        raise refuse(name, f"must be one line of at most {longest} characters.")
    return value


def fernet_keys(name: str) -> list[str]:
    """Return the keys of bank data at rest, newest first."""
    keys = [key.strip() for key in text(name).split(",") if key.strip()]
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise refuse(
                name, "must be Fernet keys separated by commas, newest first (make key prints one)."
            ) from error
    return keys


def zone(name: str, default: str) -> str:
    """Return the name of a time zone that exists."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise refuse(name, f"is no known time zone: {value!r}.") from error
    return value


def log_level(name: str, default: str) -> str:
    """Return the name of a log level."""
    value = text(name, default).upper()
    if value not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise refuse(name, f"must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {value!r}.")
    return value


def database(name: str, *, folder: Path) -> dict[str, Any]:
    """Return Django's settings of the database; SQLite in `folder` when nothing is said."""
    default = f"sqlite:///{folder / 'refreshops.sqlite3'}"
    try:
        with warnings.catch_warnings():
            # It would print the address, which may hold a password.
            warnings.simplefilter("ignore")
            found = env.db_url(name, default=default)
    except ValueError as error:
        raise refuse(name, "cannot be read as a database address.") from error
    engine = str(dict(found)["ENGINE"]) if "ENGINE" in found else ""
    if "sqlite3" in engine:
        # Django's default (deferred) transactions lose django-q2 results under writers.
        found["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            # Deleted rows are overwritten with zeros, not only marked as free (decision 12).
            "PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;",
        }
        if str(found["NAME"]) not in {"", ":memory:"}:
            # It holds balances, sessions and password hashes: nobody else's to read.
            Path(str(found["NAME"])).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif "postgresql" in engine:
        found["CONN_MAX_AGE"] = 60
        found["CONN_HEALTH_CHECKS"] = True
    else:
        raise refuse(name, "must name SQLite (sqlite:///…) or PostgreSQL (postgres://…).")
    return found
