"""Reads what Flanks answers, tolerantly: nothing in a body can raise here.

A field that is missing or senseless reads as empty; unknown keys are left alone. Whether an answer
is believed is decided in the conversations. Sources: seed 004, reference/flanks-api.md section 2.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from refreshops.providers.contract import Answer
from refreshops.providers.redaction import printable, scrub

CODE_LIMIT = 64
NAME_LIMIT = 100
MESSAGE_LIMIT = 8 * 1024
MOST_ITEMS = 10_000

# Each opens something, so it is shown as present or absent alone.
TOKENS = ("access_token", "sca_token", "reset_token", "transaction_token")
LOGIN_ID = re.compile(r"[A-Za-z0-9_.~-]{8,64}")
SESSION_TOKEN = re.compile(r"[!-~]{1,2048}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")
_TRACE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,63}")
# A timestamp that large cannot be in seconds: it would lie thousands of years ahead.
_IN_MILLISECONDS = 10**11
# One says "2024-05-14" and "04:12", the other counts; both mean one moment in UTC.
_MAY_DIFFER = timedelta(hours=26)
_KNOWN_FIELDS = ("pending", "blocked", "last_update_timestamp", "errored", "created")


@dataclass(frozen=True)
class FlanksAnswer:
    """One answer in our words.

    `code` is the `error_code` as text, or that of an `error` object; `trace_id` what Flanks calls
    the exchange, where it does. `body` is the JSON value as it came.
    """

    http_status: int
    code: str = ""
    message: str = ""
    trace_id: str = ""
    login_id: str = ""
    retry_after: str = ""
    body: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Status:
    """A status object. `None` where a flag is not given.

    `tokens` names the session tokens that are there. `errored` and `not_created` hold names like
    "investment" and "account transactions". `odd` says why it cannot be believed.
    """

    blocked: bool = False
    pending: bool = False
    tokens: frozenset[str] = frozenset()
    errored: frozenset[str] = frozenset()
    all_errored: bool = False
    not_created: frozenset[str] = frozenset()
    none_created: bool = False
    name: str = ""
    last_update_at: datetime | None = None
    created_at: datetime | None = None
    odd: str = ""


def canonical_login_id(text: str) -> str:
    """Return the credentials_token without surrounding spaces and invisible characters.

    Case counts. Raises ValueError with a sentence for people.
    """
    plain = printable(text).strip()
    if not LOGIN_ID.fullmatch(plain):
        raise ValueError(
            "A credentials_token has 8 to 64 letters, digits and the characters - _ . ~ only."
        )
    return plain


def read(answer: Answer) -> FlanksAnswer:
    """Read an answer of any endpoint. Never raises."""
    body = answer.body
    retry_after = str(answer.headers.get("retry-after", ""))
    if not isinstance(body, dict):
        text = printable(body[:MESSAGE_LIMIT]) if isinstance(body, str) else ""
        return FlanksAnswer(answer.http_status, message=text, retry_after=retry_after, body=body)
    code, said = body.get("error_code"), body.get("error")
    if isinstance(said, dict):
        code = code or said.get("code") or "?"
        said = _details(said.get("details"))
    return FlanksAnswer(
        http_status=answer.http_status,
        code=_code(code),
        message=_text(said, MESSAGE_LIMIT) or _text(body.get("message"), MESSAGE_LIMIT),
        trace_id=matched(_TRACE_ID, body.get("trace_id")),
        login_id=matched(LOGIN_ID, body.get("credentials_token")),
        retry_after=retry_after,
        body=body,
    )


def read_status(body: Any) -> Status | None:
    """Read a status object; None when it is nothing like one."""
    if not isinstance(body, dict) or not any(name in body for name in _KNOWN_FIELDS):
        return None
    last_update_at = moment(body.get("last_update_timestamp"))
    if not _agrees(last_update_at, body.get("last_update"), body.get("time")):
        last_update_at = None
    errored, created = body.get("errored"), body.get("created")
    return Status(
        blocked=body.get("blocked") is True,
        pending=body.get("pending") is True,
        tokens=frozenset(name for name in TOKENS if body.get(name) not in (None, "", False)),
        errored=_named(errored, counts=lambda value: value not in (None, False)),
        all_errored=any(said not in (None, False) for said in _summed_up(errored)),
        not_created=_named(created, counts=lambda value: value is False),
        none_created=False in _summed_up(created)[:1],
        name=_text(body.get("name"), NAME_LIMIT),
        last_update_at=last_update_at,
        created_at=moment(body.get("created_at_timestamp")),
        odd=_odd(body),
    )


def moment(value: Any) -> datetime | None:
    """Read a timestamp in seconds or milliseconds, told apart by size; None for nonsense."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value >= _IN_MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def listed(body: Any) -> tuple[list[dict[str, str]], int | None] | None:
    """Read a page of credentials: its logins and how many pages there are (None: not said).

    `None` when the answer holds no list. Each login: `login_id` (canonical, or empty when it is
    none) and `state` as Flanks calls it.
    """
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        return None
    found = [_listed(item if isinstance(item, dict) else {}) for item in items[: MOST_ITEMS + 1]]
    return found, whole_number(body.get("pages"))


def whole_number(value: Any) -> int | None:
    """Return a number of pages, or of one; None for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if whole else None


def session_tokens(body: Any) -> list[str]:
    """Return the tokens in an answer, the longest first: each opens something."""
    found = [body.get(name) for name in TOKENS] if isinstance(body, dict) else []
    texts = (token for token in found if isinstance(token, str) and token)
    return sorted(texts, key=len, reverse=True)


def matched(pattern: re.Pattern[str], value: Any) -> str:
    """Return a text that fits as a whole, else an empty one."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _listed(item: Mapping[str, Any]) -> dict[str, str]:
    login_id = item.get("credentials_token")
    login_id = login_id.strip() if isinstance(login_id, str) else ""
    return {
        "login_id": matched(LOGIN_ID, login_id),
        "state": _text(item.get("status"), CODE_LIMIT),
    }


def _odd(body: Mapping[str, Any]) -> str:
    flags = (name for name in ("blocked", "pending") if name in body)
    odd = (name for name in flags if not isinstance(body[name], bool | None))
    name = next(odd, "")
    return f"the status says {name} in a way that is not documented" if name else ""


def _named(part: Any, *, counts: Any) -> frozenset[str]:
    """Return which kinds of data count in `errored` or `created`, under both inner spellings."""
    found: set[str] = set()
    if not isinstance(part, dict):
        return frozenset()
    for inner, ending in (("product", ""), *((key, " transactions") for key in _TRANSACTIONS)):
        kinds = part.get(inner)
        if isinstance(kinds, dict):
            found |= {f"{kind[:NAME_LIMIT]}{ending}" for kind in kinds if counts(kinds[kind])}
    return frozenset(found)


def _summed_up(part: Any) -> list[Any]:
    """Return what `errored` or `created` says of products at once, and of transactions, where one
    value stands in the place of an object with one for each kind of data.
    """
    said = [part.get(inner) for inner in _INNER] if isinstance(part, dict) else [part]
    return [None if isinstance(each, dict) else each for each in said]


_TRANSACTIONS = ("transaction", "transactions")
_INNER = ("product", *_TRANSACTIONS)


def _agrees(counted: datetime | None, day: Any, clock: Any) -> bool:
    """Tell whether the timestamp means the moment that the date and time beside it say."""
    if counted is None or not isinstance(day, str):
        return True
    time = clock if isinstance(clock, str) and re.fullmatch(r"\d\d:\d\d", clock) else "12:00"
    try:
        written = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
    except ValueError:
        return True
    return abs(counted - written) <= _MAY_DIFFER


def _details(details: Any) -> str:
    """Return what an `error` object complains about, e.g. "configuration: missing"."""
    if not isinstance(details, list):
        return _text(details, MESSAGE_LIMIT)
    rows = (row for row in details[:20] if isinstance(row, dict))
    # Names of fields and of errors only: a value of somebody's may stand in their place.
    told = (
        (matched(_NAME, row.get("field")), matched(_NAME, row.get("error_type"))) for row in rows
    )
    return ", ".join(": ".join(filter(None, pair)) for pair in told if any(pair))


def _text(value: Any, limit: int) -> str:
    return printable(value[:limit]) if isinstance(value, str) else ""


def _code(value: Any) -> str:
    """Return a code as text; one of a wrong type stays a code, so that it is never success."""
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**5 else "?"
    if not isinstance(value, str):
        return "?"
    # A card number or an address in its place would be stored as a code.
    return scrub(value[:CODE_LIMIT], limit=CODE_LIMIT) or "?"
