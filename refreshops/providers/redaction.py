"""What may be kept of a foreign text or body: allowlists for fields, a scrubber for free text.

A field is dropped until it is listed (fault G-1, G-2). Knows no provider.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

Clean = Callable[[str], str]

HIDDEN = "[hidden]"
# A secret shorter than this would blank half of every sentence; settings refuse such keys.
SHORTEST_SECRET = 4
MESSAGE_LIMIT = 500

_MARKED_TEXT = re.compile(
    r"""
    (?P<kept>
        (?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])
      | (?<!\d)(?:0001|19\d\d|20\d\d)-[01]\d-[0-3]\d
        (?:[T\ ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?![\d-])
    )
    | (?P<scheme>\bbearer(?=\s+\S)|\bbasic(?=\s+\S{8}))\s+[^\s"',;}]+
    | (?P<json>[\[{]\s*[\[{"].*)
    | (?P<name>
        [\w-]{0,40}(?:auth-key|api-key|authorization|password|secret|token|username)["']?\s*[:=]\s*
      )
      (?!(?:bearer|basic)\s)["']?[^\s"',;}]+
    | (?P<email>[^\s@<>"'()]{1,64}@[^\s@<>"'()]{1,255})
    | (?P<digits>\d(?:[\ .-]?\d){5,})
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Keep:
    """Marks a listed field whose value is a scalar: kept, its text cleaned."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP = Keep()
Allowed = Mapping[str, "Keep | Allowed"]
_DROPPED = object()


def keep(body: Any, *, allowed: Allowed, clean: Clean | None = None) -> dict[str, Any]:
    """Return the listed fields of a JSON object, and nothing else.

    `allowed` maps a field name (matched without regard to case) to `KEEP` for a scalar or to a
    mapping for an object or a list of objects. A text that holds JSON itself is dropped. `clean`
    is applied to every text that stays. Anything but an object gives `{}`.
    """
    kept = _kept(body, {name.lower(): rule for name, rule in allowed.items()}, clean or scrub)
    return kept if isinstance(kept, dict) else {}


def _kept(value: Any, rule: Any, clean: Clean) -> Any:
    if isinstance(value, list):
        found = [_kept(item, rule, clean) for item in value]
        return [item for item in found if item is not _DROPPED]
    if isinstance(rule, Keep):
        return _kept_scalar(value, clean)
    if not isinstance(value, dict):
        return _DROPPED
    rules = {name.lower(): inner for name, inner in rule.items()}
    kept = {}
    for name, inner in value.items():
        wanted = rules.get(name.lower()) if isinstance(name, str) else None
        if wanted is None:
            continue
        found = _kept(inner, wanted, clean)
        if found is not _DROPPED:
            kept[name] = found
    return kept


def _kept_scalar(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return _DROPPED if value.lstrip()[:1] in ("{", "[") else clean(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _DROPPED


class Scrubber:
    """Makes a foreign text safe to keep; knows the secrets that must never be in it."""

    def __init__(self, *, secrets: Iterable[str] = (), limit: int = MESSAGE_LIMIT) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        forms = {form for form in forms if len(form) >= SHORTEST_SECRET}
        longest_first = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        self._knows_secrets = bool(longest_first)
        self._limit = limit

    def __call__(self, text: str) -> str:
        """Return `text` without secrets, card-like numbers, addresses and control characters."""
        text = printable(text)
        if self._knows_secrets:
            text = self._secrets.sub(HIDDEN, text)
        # The patterns only see what can still be shown: a megabyte of text costs nothing.
        text = _MARKED_TEXT.sub(_hide, text[: self._limit * 4])
        return text if len(text) <= self._limit else text[: self._limit - 1] + "…"

    def finds_secret(self, text: str) -> bool:
        """Tell whether a known secret stands in `text`."""
        return self._knows_secrets and self._secrets.search(text) is not None


def scrub(text: str, *, secrets: Iterable[str] = (), limit: int = MESSAGE_LIMIT) -> str:
    """Return `text` as it may be stored and shown, at most `limit` characters.

    Hides the given secrets, runs of six or more digits outside GUIDs and dates, e-mail addresses
    and credentials behind words like Bearer; drops control and bidirectional characters.
    """
    return Scrubber(secrets=secrets, limit=limit)(text)


def printable(text: str) -> str:
    """Return `text` on one line, without control, format, surrogate or unassigned characters."""
    if text.isprintable():
        return text
    return "".join(_printed(mark) for mark in text).strip()


def _printed(mark: str) -> str:
    if mark.isprintable():
        return mark
    if mark.isspace():
        return " "
    return "" if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Cn", "Co") else " "


def _hide(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["scheme"]:
        return f"{found['scheme']} {HIDDEN}"
    if found["name"]:
        return f"{found['name']}{HIDDEN}"
    if found["json"]:
        return HIDDEN
    return "[e-mail]" if found["email"] else "[number]"
