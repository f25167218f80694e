"""Settings, read from the environment here and nowhere else.

A missing or senseless value stops the start with one sentence that says which and why.
"""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
_env_file = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
if _env_file.is_file():
    environ.Env.read_env(_env_file)


def _refuse(name: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} {why}")


def _text(name: str, default: str | None = None) -> str:
    value = env.str(name, default=default if default is not None else "").strip()
    if default is None and not value:
        raise _refuse(name, "is missing: set it in the environment or in .env (see .env.example).")
    return value


def _flag(name: str, default: bool) -> bool:
    value = _text(name, "true" if default else "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise _refuse(name, f"must be true or false, not {value!r}.")
    return value in {"true", "1", "yes", "on"}


def _number(name: str, default: float, *, low: float, high: float) -> float:
    text = _text(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise _refuse(name, f"must be a number from {low:g} to {high:g}, not {text!r}.")
    return value


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _provider_url(name: str) -> str:
    value = _text(name)
    parts = urlsplit(value)
    try:
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _refuse(name, "has a senseless host or port.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise _refuse(name, "must be a web address such as https://INSTANCE-api.private.fin.ag/v3/")
    if parts.scheme != "https" and not _is_loopback(host):
        raise _refuse(name, "must begin with https:// (plain http only for this machine itself).")
    if parts.scheme == "https" and host[0].isdigit() and host.replace(".", "").isdigit():
        raise _refuse(name, "must name a host, not a bare IP address.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refuse(name, "must hold no credentials, query or fragment.")
    if not parts.path.rstrip("/").endswith("/v3"):
        raise _refuse(name, "must go up to and including /v3/.")
    return value.rstrip("/") + "/"


def _fernet_keys(name: str) -> list[str]:
    keys = [key.strip() for key in _text(name).split(",") if key.strip()]
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise _refuse(
                name, "must be Fernet keys separated by commas, newest first (make key prints one)."
            ) from error
    return keys


def _zone(name: str, default: str) -> str:
    value = _text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise _refuse(name, f"is no known time zone: {value!r}.") from error
    return value


def _log_level(name: str, default: str) -> str:
    value = _text(name, default).upper()
    if value not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise _refuse(name, f"must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {value!r}.")
    return value


def _database() -> dict[str, Any]:
    default = f"sqlite:///{BASE_DIR / 'var' / 'refreshops.sqlite3'}"
    try:
        found = env.db_url("DATABASE_URL", default=default)
    except ValueError as error:
        raise _refuse("DATABASE_URL", "cannot be read as a database address.") from error
    if "sqlite3" in found["ENGINE"]:
        # Django's default (deferred) transactions lose django-q2 results under writers.
        found["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON;",
        }
        if str(found["NAME"]) not in {"", ":memory:"}:
            Path(str(found["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    elif "postgresql" in found["ENGINE"]:
        found["CONN_MAX_AGE"] = 60
        found["CONN_HEALTH_CHECKS"] = True
    else:
        raise _refuse(
            "DATABASE_URL", "must name SQLite (sqlite:///…) or PostgreSQL (postgres://…)."
        )
    return found


DEBUG = _flag("DEBUG", False)
SECRET_KEY = _text("SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise _refuse("SECRET_KEY", "must be at least 50 characters of chance (make key prints one).")
HTTPS_ONLY = _flag("HTTPS_ONLY", True)
ALLOWED_HOSTS = [host.strip() for host in _text("ALLOWED_HOSTS").split(",") if host.strip()]
if not all(_is_loopback(host.strip("[]")) for host in ALLOWED_HOSTS):
    if DEBUG:
        raise _refuse("DEBUG", "may be true only where ALLOWED_HOSTS names this machine alone.")
    if not HTTPS_ONLY:
        raise _refuse(
            "HTTPS_ONLY", "may be false only where ALLOWED_HOSTS names this machine alone."
        )
CSRF_TRUSTED_ORIGINS = [
    origin.strip() for origin in _text("CSRF_TRUSTED_ORIGINS", "").split(",") if origin.strip()
]

DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = _zone("TIME_ZONE", "America/Toronto")
USE_TZ = True
LANGUAGE_CODE = "en-ca"
USE_I18N = True

FIELD_ENCRYPTION_KEYS = _fernet_keys("FIELD_ENCRYPTION_KEYS")

FLINKS_API_URL = _provider_url("FLINKS_API_URL")
FLINKS_CUSTOMER_ID = _text("FLINKS_CUSTOMER_ID")
FLINKS_SECRET_KEY = _text("FLINKS_SECRET_KEY", "")
FLINKS_X_API_KEY = _text("FLINKS_X_API_KEY", "")
FLINKS_BEARER_SECRET = _text("FLINKS_BEARER_SECRET", "")

LOGINS_PER_MINUTE = int(_number("LOGINS_PER_MINUTE", 20, low=1, high=10_000))
THROTTLE_WINDOW_SECONDS = _number("THROTTLE_WINDOW_SECONDS", 60, low=0.1, high=3600)
POLL_SECONDS = _number("POLL_SECONDS", 10, low=0.05, high=600)
POLL_LIMIT_SECONDS = _number("POLL_LIMIT_SECONDS", 1800, low=0.1, high=86_400)
LEASE_SECONDS = _number("LEASE_SECONDS", 10, low=0.5, high=3600)
CONCURRENCY = int(_number("CONCURRENCY", 4, low=1, high=64))
CALL_DEADLINE_SECONDS = _number("CALL_DEADLINE_SECONDS", 240, low=0.2, high=240)
# Shortens waits after silence for rehearsals against the simulator.
WAIT_SCALE = _number("WAIT_SCALE", 1, low=0.0001, high=1)
CALL_RETENTION_DAYS = int(_number("CALL_RETENTION_DAYS", 90, low=1, high=36_500))
ATTEMPT_RETENTION_DAYS = int(_number("ATTEMPT_RETENTION_DAYS", 400, low=1, high=36_500))

# Only for `make run`: the password of the demo people; empty means a new one at each start.
DEMO_PASSWORD = _text("DEMO_PASSWORD", "")

INSTALLED_APPS = [
    "refreshops.console.apps.ConsoleAdminConfig",
    "refreshops.console",
    "refreshops.logins",
    "refreshops.routine",
    "refreshops.tracing",
    "refreshops.bankdata",
    "refreshops.runtime",
    "refreshops.simulator",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "refreshops.urls"
WSGI_APPLICATION = "refreshops.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# WhiteNoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Without a `collectstatic` (make run, tests) files are served from where they lie.
WHITENOISE_USE_FINDERS = not any(STATIC_ROOT.iterdir())
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # No manifest: the first `collectstatic` could not write one with the storage chosen before it.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"

SESSION_COOKIE_AGE = 10 * 3600
SESSION_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS_ONLY and _flag("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
# "Select all" of a large register posts many ids (fault D7).
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# Why each value: reference/dependencies.md section 2. A call may last 230 s, a driving slice 30 s.
Q_CLUSTER: dict[str, Any] = {
    "name": "refreshops",
    "orm": "default",
    "workers": int(_number("WORKERS", 2, low=1, high=32)),
    "timeout": 300,
    "retry": 900,
    "queue_limit": int(_number("WORKERS", 2, low=1, high=32)),
    "bulk": 1,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": -1,
    "recycle": 200,
    "max_rss": 400_000,
    "poll": 0.5,
    "time_zone": TIME_ZONE,
    "label": "Queue",
    "log_level": "WARNING",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": _log_level("LOG_LEVEL", "INFO")},
    "loggers": {
        # These print URLs, which hold the customer id.
        "urllib3": {"level": "ERROR"},
        "requests": {"level": "ERROR"},
        # At INFO it writes three lines for each ping.
        "django-q": {"level": "WARNING"},
    },
}
