"""What may be kept of a foreign text or body: allowlists for fields, a scrubber for free text.

A field is dropped until it is listed (fault G-1, G-2). Knows no provider.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from refreshops.providers.marks import HIDDEN, PLAIN, Marker

__all__ = [
    "HIDDEN",
    "KEEP",
    "Allowed",
    "Clean",
    "Scrubber",
    "keep",
    "names_of",
    "printable",
    "scrub",
]

Clean = Callable[[str], str]

# A secret shorter than this would blank half of every sentence; settings refuse such keys.
SHORTEST_SECRET = 4
MESSAGE_LIMIT = 500
MOST_ITEMS = 20
MOST_KEPT = 16 * 1024
# A longer number could be an account's, as in a text.
LONGEST_NUMBER = 10**5

_QUOTES = " \t\"'"
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
    | (?P<beside>\b(?:cards?|accounts?|acct)\b\.?[\ #:]{0,3}(?:(?:number|no|nr)\b[.\ #:]{0,3})?)
      \d{5}(?!\d)
    | (?P<card>(?<!\d)\d{4}(?:[\W_]{1,3}\d{4}){2,3}(?:[\W_]{1,3}\d{1,4})?(?!\d)
      | (?<!\d)\d{4}[\W_]{1,3}\d{6}[\W_]{1,3}\d{5}(?!\d))
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

    `allowed` maps a field name (matched without regard to case; the first of several spellings
    counts) to `KEEP` for a scalar or to a mapping for an object or a list of objects. A text that
    holds JSON itself, a list in a list and a number of six digits or more are dropped. `clean` is
    applied to every text that stays. Of a list `MOST_ITEMS` are kept, of a text `MESSAGE_LIMIT`
    characters, and fields that would make the whole larger than `MOST_KEPT` characters are left
    out. Anything but an object gives `{}`.
    """
    if not isinstance(body, dict):
        return {}
    kept = {}
    room = MOST_KEPT
    for name, value in _kept_fields(body, allowed, clean or scrub).items():
        size = len(json.dumps({name: value}))
        if size <= room:
            kept[name] = value
            room -= size
    return kept


def names_of(allowed: Allowed) -> list[str]:
    """Return the listed fields, in the order of the list, as "Login.Id" where one holds others."""
    return [
        name if isinstance(rule, Keep) else f"{name}.{inner}"
        for name, rule in allowed.items()
        for inner in ([""] if isinstance(rule, Keep) else names_of(rule))
    ]


def _kept(value: Any, rule: Any, clean: Clean) -> Any:
    """Return what a rule keeps of a value. Goes down no further than the rules do."""
    if not isinstance(value, list):
        return _kept_one(value, rule, clean)
    found = (_kept_one(item, rule, clean) for item in value[:MOST_ITEMS])
    return [item for item in found if item is not _DROPPED]


def _kept_one(value: Any, rule: Any, clean: Clean) -> Any:
    if isinstance(rule, Keep):
        return _kept_scalar(value, clean)
    return _kept_fields(value, rule, clean) if isinstance(value, dict) else _DROPPED


def _kept_fields(body: Mapping[Any, Any], allowed: Allowed, clean: Clean) -> dict[str, Any]:
    rules = {name.lower(): rule for name, rule in allowed.items()}
    kept = {}
    for name, value in body.items():
        rule = rules.pop(name.lower(), None) if isinstance(name, str) else None
        found = _DROPPED if rule is None else _kept(value, rule, clean)
        if found is not _DROPPED:
            kept[name] = found
    return kept


def _kept_scalar(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return _DROPPED if value.lstrip()[:1] in ("{", "[") else clean(value)[:MESSAGE_LIMIT]
    if isinstance(value, int | float):
        # False for an infinity and for NaN, which no JSON column takes.
        return value if abs(value) < LONGEST_NUMBER else _DROPPED
    return None if value is None else _DROPPED


class Scrubber:
    """Makes a foreign text safe to keep; knows the secrets that must never be in it.

    They leave a plain `[hidden]`; what only looks like a secret leaves a mark of `marker`.
    """

    def __init__(
        self,
        *,
        secrets: Iterable[str] = (),
        limit: int = MESSAGE_LIMIT,
        marker: Marker = PLAIN,
    ) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        forms = {form for form in forms if len(form) >= SHORTEST_SECRET}
        longest_first = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        self._knows_secrets = bool(longest_first)
        self._limit = limit
        self.marker = marker

    def __call__(self, text: str) -> str:
        """Return `text` without secrets, card-like numbers, addresses and control characters."""
        text = self.without_secrets(text)
        # The patterns only see what can still be shown: a megabyte of text costs nothing.
        text = _MARKED_TEXT.sub(self._hide, text[: self._limit * 4])
        return text if len(text) <= self._limit else text[: self._limit - 1] + "…"

    def without_secrets(self, text: str) -> str:
        """Return `text` on one line without the known secrets; numbers and addresses stay."""
        text = printable(text)
        return self._secrets.sub(HIDDEN, text) if self._knows_secrets else text

    def finds_secret(self, text: str) -> bool:
        """Tell whether a known secret stands in `text`."""
        return self._knows_secrets and self._secrets.search(text) is not None

    def _hide(self, found: re.Match[str]) -> str:
        if found["kept"]:
            return found["kept"]
        for before in ("scheme", "name", "beside"):
            if found[before]:
                value = found[0][len(found[before]) :]
                gap = " " if before == "scheme" else ""
                kind = "number" if before == "beside" else "hidden"
                return f"{found[before]}{gap}{self.marker(value.strip(_QUOTES), kind=kind)}"
        kinds = {"json": "hidden", "email": "e-mail", "card": "number", "digits": "number"}
        return self.marker(found[0], kind=kinds[found.lastgroup or "digits"])


def scrub(
    text: str,
    *,
    secrets: Iterable[str] = (),
    limit: int = MESSAGE_LIMIT,
    marker: Marker = PLAIN,
) -> str:
    """Return `text` as it may be stored and shown, at most `limit` characters.

    Hides the given secrets, runs of six or more digits outside GUIDs and dates, e-mail addresses
    and credentials behind words like Bearer; drops control and bidirectional characters.
    """
    return Scrubber(secrets=secrets, limit=limit, marker=marker)(text)


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
