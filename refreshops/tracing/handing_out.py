"""A traced call as it may be handed to the provider's support: cleaned once more, marked anew.

No person of ours and no customer stands in a trace; LoginId and RequestId stay, support needs them.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from refreshops.providers.marks import Marker, renewed
from refreshops.providers.redaction import printable
from refreshops.rules.lifecycle import CallState
from refreshops.tracing.models import Call

# What an address shows where our customer id stood.
CUSTOMER = "[customer]"
# Fields of a call as a document gives them, under their own labels.
FIELDS = (
    "sent_at",
    "answered_at",
    "endpoint",
    "method",
    "url",
    "state",
    "http_status_code",
    "provider_code",
    "message",
    "request_id",
    "login_id",
    "institution",
    "run_id",
    "attempt_id",
    "error",
)
LABELS = {field.name: str(field.verbose_name) for field in Call._meta.fields}
_SPOKEN = frozenset({"message", "error"})
_IDS = frozenset({"request_id", "login_id"})


@dataclass(frozen=True)
class Case:
    """What a bundle is about.

    `subject` names it for support, `rule` says which calls were chosen and `left_out` how many
    were not; None when nobody counted them. `salt` keeps two bundles from being compared. `names`
    are the provider's own for our labels, where it has others.
    """

    subject: str
    environment: str
    made_at: datetime
    rule: str
    left_out: int | None
    salt: bytes = field(repr=False)
    names: Mapping[str, str] = field(default_factory=dict)

    def named(self, label: str) -> str:
        """Return what the provider calls the field under one of our labels."""
        return self.names.get(label, label)


class Words(Protocol):
    """What a provider's side knows of handing out its calls."""

    title: str

    @property
    def kept_of_requests(self) -> Sequence[str]:
        """Return the names of the fields of a request that are ever stored."""
        ...

    @property
    def kept_of_answers(self) -> Sequence[str]:
        """Return the names of the fields of an answer that are ever stored."""
        ...

    def address(self, url: str) -> str:
        """Return the URL of a call without our keys."""
        ...

    def cleaned(self, text: str) -> str:
        """Return a code or a name without secrets."""
        ...

    def said(self, text: str) -> str:
        """Return a message without secrets, values and people."""
        ...

    def request(self, body: Any) -> dict[str, Any]:
        """Return the listed parameters of a request."""
        ...

    def answer(self, body: Any) -> dict[str, Any]:
        """Return the listed fields of an answer."""
        ...

    def expected(
        self,
        *,
        endpoint: str,
        body: Mapping[str, Any],
        code: str,
        message: str,
        http_status: int | None,
        stale: bool,
    ) -> str:
        """Return what was expected instead of an answer; empty when it was as expected."""
        ...


class Desk:
    """Hands out calls one by one; `removed` counts what is missing in them."""

    def __init__(self, *, words: Words, marker: Marker, stale: Container[int]) -> None:
        """Take the attempts whose data was too old as `stale`."""
        self.words = words
        self.removed: Counter[str] = Counter()
        self._marker = marker
        self._stale = stale

    def document(self, call: Call) -> dict[str, Any]:
        """Return everything about a call that may be handed out, by the labels of its fields."""
        found: dict[str, Any] = {LABELS[name]: self._field(call, name) for name in FIELDS}
        found["took_ms"] = took_ms(call)
        found["expected"] = self.expected(call)
        found[LABELS["body"]] = self._value(self.words.request(call.body))
        found["answer"] = self._value(self.words.answer(call.answer))
        return found

    def expected(self, call: Call) -> str:
        """Return what was expected instead; empty for a call that went well or is on its way."""
        if call.state == CallState.SENT:
            return ""
        return self.words.expected(
            endpoint=call.endpoint,
            body=call.body if isinstance(call.body, dict) else {},
            code=call.provider_code,
            message=call.message or call.error,
            http_status=call.http_status_code,
            stale=call.attempt_id in self._stale,
        )

    def said(self, text: str) -> str:
        """Return a message of an attempt as it may be handed out."""
        return self._marked(self.words.said(text))

    def cleaned(self, text: str) -> str:
        """Return any other text as it may be handed out."""
        return self._marked(self.words.cleaned(text))

    def _field(self, call: Call, name: str) -> Any:
        value = getattr(call, name)
        if isinstance(value, datetime):
            return moment(value)
        if not isinstance(value, str) or not value:
            return value
        if name in _IDS:
            return printable(value)
        if name == "url":
            return self._marked(self.words.address(value))
        return self.said(value) if name in _SPOKEN else self.cleaned(value)

    def _value(self, value: Any) -> Any:
        """Mark anew whatever texts a JSON value holds; its fields are listed ones."""
        if isinstance(value, dict):
            return {name: self._value(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner) for inner in value]
        return self._marked(value) if isinstance(value, str) else value

    def _marked(self, text: str) -> str:
        self.removed[CUSTOMER] += text.count(CUSTOMER)
        return renewed(text, marker=self._marker, counted=self.removed)


def moment(at: datetime | None) -> str:
    """Return a time in UTC to the millisecond, as 2026-11-20T17:00:00.000Z."""
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def took_ms(call: Call) -> int | None:
    """Return how long the provider took; None while there is no end."""
    if call.answered_at is None:
        return None
    return round((call.answered_at - call.sent_at).total_seconds() * 1000)
