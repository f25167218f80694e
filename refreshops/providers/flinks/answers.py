"""Reads what Flinks answers, tolerantly: nothing in a body can raise here.

A field that is missing or senseless reads as empty; whether an answer is believed is decided in
the conversations. Sources: reference/flinks-api.md sections 1, 2 and 4, seeds 000 and 003.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from refreshops.providers.contract import Answer
from refreshops.providers.redaction import printable, scrub

CODE_LIMIT = 64
INSTITUTION_LIMIT = 100

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REQUEST_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_TOKEN = re.compile(r"[!-~]{1,512}")
# No "@": other programs may have tagged a login with its customer's address, which we do not keep.
TAG = re.compile(r"[0-9A-Za-z._:~-]{1,120}")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class Timestamp(StrEnum):
    """How a `LastRefresh` was read."""

    READ = "read"
    NEVER = "never"
    MISSING = "missing"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class FlinksAnswer:
    """One answer in our words.

    `status` is the body's HttpStatusCode where there is one, else the HTTP status: the body leads
    (fault C7). `status_in_body` says which. `login_id` is canonical where it is a GUID. `nightly`
    is `Login.IsScheduledRefresh`, `tag` the echo of the tag we gave. `body` is the JSON value as it
    came.
    """

    http_status: int
    status: int
    status_in_body: bool = False
    code: str = ""
    message: str = ""
    request_id: str = ""
    login_id: str = ""
    nightly: bool | None = None
    last_refresh_at: datetime | None = None
    last_refresh: Timestamp = Timestamp.MISSING
    institution: str = ""
    token: str = field(default="", repr=False)
    tag: str = ""
    retry_after: str = ""
    body: Any = field(default=None, repr=False)


def canonical_login_id(text: str) -> str:
    """Return the LoginId as a lower-case GUID with dashes.

    Case, braces, surrounding spaces and invisible characters do not matter (fault D4). Raises
    ValueError with a sentence for people.
    """
    plain = printable(text).strip().lower()
    if plain.startswith("{") and plain.endswith("}"):
        plain = plain[1:-1].strip()
    if re.fullmatch(r"[0-9a-f]{32}", plain):
        plain = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    if not _GUID.fullmatch(plain):
        raise ValueError(
            "A LoginId looks like f427f369-7b0f-45ce-5fe2-08d6386fe6b5: 32 digits from 0 to f "
            "in five groups."
        )
    return plain


def read(answer: Answer) -> FlinksAnswer:
    """Read an answer of any endpoint. Never raises."""
    body = answer.body
    retry_after = str(answer.headers.get("retry-after", ""))
    if not isinstance(body, dict):
        text = printable(body) if isinstance(body, str) else ""
        return FlinksAnswer(
            http_status=answer.http_status,
            status=answer.http_status,
            message=text,
            retry_after=retry_after,
            body=body,
        )
    status = _status(body)
    login = body.get("Login")
    last_refresh_at, last_refresh = read_timestamp(_of(login, "LastRefresh"))
    return FlinksAnswer(
        http_status=answer.http_status,
        status=answer.http_status if status is None else status,
        status_in_body=status is not None,
        code=_code(body.get("FlinksCode")),
        message=_text(body.get("Message") or body.get("message"), 8 * 1024),
        request_id=_matched(_REQUEST_ID, body.get("RequestId")),
        login_id=_login_id(_of(login, "Id")),
        nightly=_flag(_of(login, "IsScheduledRefresh")),
        last_refresh_at=last_refresh_at,
        last_refresh=last_refresh,
        institution=_text(
            body.get("InstitutionName") or body.get("Institution"), INSTITUTION_LIMIT
        ),
        token=_matched(_TOKEN, body.get("Token")),
        tag=_matched(TAG, body.get("Tag")),
        retry_after=retry_after,
        body=body,
    )


def read_timestamp(value: Any) -> tuple[datetime | None, Timestamp]:
    """Read Flinks's UTC time without zone, of 0 to 9 fraction digits; year 1 means never."""
    if value is None or value == "":
        return None, Timestamp.MISSING
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return None, Timestamp.GARBAGE
    day, clock, fraction, zone = found.groups()
    if day.startswith("0001-"):
        return None, Timestamp.NEVER
    zone = "+00:00" if zone in (None, "Z") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}")
        return moment.astimezone(UTC), Timestamp.READ
    except (ValueError, OverflowError):
        return None, Timestamp.GARBAGE


def ineligible_cards(body: Any) -> list[dict[str, str | None]] | None:
    """Read GetNightlyRefreshStatus; `None` when the answer holds no such list.

    Each item: `login_id` (canonical, or empty when it is no LoginId), `last_refresh_at` (ISO or
    None), `state`, `code`. The Message and
    FlinksCode that can stand beside a good list mean nothing (reference/flinks-api.md section 2).
    """
    cards = body.get("IneligibleCards") if isinstance(body, dict) else None
    if not isinstance(cards, list):
        return None
    return [_ineligible(card) for card in cards if isinstance(card, dict)]


def _ineligible(card: Mapping[str, Any]) -> dict[str, str | None]:
    moment, _ = read_timestamp(card.get("LastRefreshDate"))
    return {
        "login_id": _canonical_or_empty(card.get("LoginId")),
        "last_refresh_at": moment.isoformat() if moment else None,
        "state": _text(card.get("LastRefreshState"), CODE_LIMIT),
        "code": _text(card.get("LastRefreshErrorCode"), CODE_LIMIT),
    }


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any, limit: int) -> str:
    return printable(value[:limit]) if isinstance(value, str) else ""


def _code(value: Any) -> str:
    """Return a code as it came; one of a wrong type stays a code, so that it is never success."""
    if value is None or value == "":
        return ""
    if isinstance(value, list | dict):
        return "?"
    # A card number or an address in its place would be stored as a code.
    return scrub(str(value)[:CODE_LIMIT], limit=CODE_LIMIT) or "?"


def _matched(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _login_id(value: Any) -> str:
    text = _text(value, CODE_LIMIT)
    try:
        return canonical_login_id(text)
    except ValueError:
        return text


def _canonical_or_empty(value: Any) -> str:
    # Somebody may order something for this id: what only looks like one must not be kept.
    text = _login_id(value)
    return text if _GUID.fullmatch(text) else ""


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _status(body: Mapping[str, Any]) -> int | None:
    # DeleteCard says StatusCode in one client's reading.
    value = body.get("HttpStatusCode", body.get("StatusCode"))
    if isinstance(value, str) and re.fullmatch(r"\d{3}", value, re.ASCII):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 100 <= value < 1000 else None
