"""What the engine and a provider say to each other. No Django, no HTTP, no clock.

A conversation is a pure script: `begin` and `resume` give the first or the interrupted call again,
`heard` says what an answer leads to. Its state is a small JSON object without secrets, stored on
the attempt, so that any worker can go on after any crash (design.md section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from refreshops.providers.handing import Account as Account
from refreshops.providers.handing import BankData, Delivered, Envelope, Handover
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason

State = dict[str, Any]


class Pacing(StrEnum):
    """Whether a call takes one of the provider's slots.

    RESERVE is for a call that prepares a paced one (a single-use token): the slot is taken before
    it, so that the token does not age in a queue, and the USE that follows spends it.
    """

    FREE = "free"
    RESERVE = "reserve"
    USE = "use"


@dataclass(frozen=True)
class Call:
    """One HTTP exchange to be made.

    `path` is relative to the provider's base URL, `deadline_s` covers the whole exchange. `auth`
    names the credential added when sending; `token` is a secret that lives only in memory. Neither
    reaches the trace or the conversation's state.
    """

    endpoint: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    auth: str = ""
    token: str = field(default="", repr=False)
    pacing: Pacing = Pacing.FREE
    deadline_s: float = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back, read as JSON; `headers` in lower case. Never logged as it is."""

    http_status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elapsed_ms: int = 0


@dataclass(frozen=True)
class Silence:
    """Why there is no answer to reason about.

    `kind` is `network` (nothing usable arrived; the provider may have acted or not) or `unreadable`
    (something that is not the documented JSON). `detail` is safe to show.
    """

    kind: str
    detail: str
    http_status: int | None = None


Heard = Answer | Silence


@dataclass(frozen=True)
class Subject:
    """The login a conversation speaks for, as far as the script may know it.

    `held_as_of` is the age of the data we hold, `last_refresh_at` the provider's last refresh and
    `last_asked_at` our last cached call before this attempt. `last_code` and `same_code_runs`: the
    code the previous runs ended with and how many in a row (escalations, outcomes.md 5a).
    `worked_before`: this login was fresh once. `login_id` is empty for a call about the provider.
    """

    login_id: str
    held_as_of: datetime | None = None
    last_code: str = ""
    same_code_runs: int = 0
    worked_before: bool = False
    last_refresh_at: datetime | None = None
    last_asked_at: datetime | None = None


@dataclass(frozen=True)
class Policy:
    """The times a conversation obeys, from settings and the Provider row."""

    fresh_within: timedelta = timedelta(hours=36)
    usable_within: timedelta = timedelta(days=7)
    poll_every: timedelta = timedelta(seconds=10)
    poll_limit: timedelta = timedelta(minutes=30)
    session_idle: timedelta = timedelta(minutes=8)
    window: timedelta = timedelta(seconds=60)
    busy_wait: timedelta = timedelta(minutes=5)
    # Waits before asking again after silence; how many there are is how often we try again.
    network_waits: tuple[timedelta, ...] = (timedelta(seconds=5), timedelta(seconds=20))
    # Waits of an order that must be confirmed (a switch-off), growing to a day in all.
    confirm_waits: tuple[timedelta, ...] = (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=16),
    )


@dataclass(frozen=True)
class Result:
    """What an attempt learned. `None` means "not learned", never "cleared".

    `nightly` is what the provider last said of its nightly refresh, `drops_out_at` when that ends
    unless the login is refreshed and asked before. `verified`: a separate read-back confirmed the
    order. `report` is a JSON value about the provider as a whole (never bank data). `handover`: how
    the customer can go on at the provider's page. `tag`: its echo of the tag we gave, if any.
    """

    outcome: Outcome
    data_state: DataState
    reason: Reason = Reason.NONE
    provider_code: str = ""
    message: str = ""
    last_refresh_at: datetime | None = None
    nightly: bool | None = None
    verified: bool = False
    institution: str = ""
    bank_data: BankData | None = None
    report: Any = None
    drops_out_at: datetime | None = None
    handover: Handover | None = None
    tag: str = ""


@dataclass(frozen=True)
class Ask:
    """Make this call next. `state` is stored before it is sent."""

    call: Call
    state: State


@dataclass(frozen=True)
class Wait:
    """Rest until `until`, then `resume(state)`; the engine adds up to `spread` at random.

    `note` says in a few words what is waited for; people read it.
    """

    until: datetime
    state: State
    spread: timedelta = timedelta(0)
    note: str = ""


@dataclass(frozen=True)
class Done:
    """The attempt has ended."""

    result: Result


@dataclass(frozen=True)
class Halt:
    """The provider as a whole must pause, not to this login's blame, which is asked again.

    `kind`: `keys` (ours to fix) or `throttled`. `until` is when asking again makes sense.
    """

    kind: str
    reason: str
    until: datetime
    state: State


Step = Ask | Wait | Done | Halt


class Conversation(Protocol):
    """The pure script of one purpose at one provider."""

    def begin(self, subject: Subject) -> Ask:
        """Give the first call."""
        ...

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call that `state` stands before, after a wait or a crash."""
        ...

    def heard(self, subject: Subject, state: State, heard: Heard, *, now: datetime) -> Step:
        """Say what follows from an answer to the call that `state` stands before."""
        ...


class NoAnswer(Exception):
    """Refused, reset, cut off or out of time. `detail` holds no URL, header or body."""

    def __init__(self, detail: str, *, elapsed_ms: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.elapsed_ms = elapsed_ms


class UnreadableAnswer(Exception):
    """The provider answered with something that is not the documented JSON.

    `excerpt` is redacted text of at most 2 KB.
    """

    def __init__(self, detail: str, *, http_status: int, excerpt: str = "", elapsed_ms: int = 0):
        super().__init__(detail)
        self.detail = detail
        self.http_status = http_status
        self.excerpt = excerpt
        self.elapsed_ms = elapsed_ms


class Provider(Protocol):
    """A provider as the engine uses it: one door out, one script per purpose, one reader."""

    name: str

    def conversation(self, purpose: Purpose, policy: Policy) -> Conversation:
        """Return the script, or raise `NotOffered` when this provider cannot do it."""
        ...

    def opening(self, policy: Policy) -> Conversation | None:
        """Return the script of the one call that begins a daily run, or None."""
        ...

    def send(self, call: Call) -> Answer:
        """Make the exchange. Raise `NoAnswer` or `UnreadableAnswer`."""
        ...

    def shown_url(self, call: Call) -> str:
        """Return the URL as the trace may keep it: no secret, no customer id."""
        ...

    def shown_body(self, call: Call) -> dict[str, Any]:
        """Return the allowlisted parameters of the request."""
        ...

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        """Read an answer for the trace, redacted."""
        ...

    def evidence_of(self, endpoint: str) -> str:
        """Say what a traced call proves of an order: `order`, `read_back`, or an empty text."""
        ...

    def connect_url(
        self,
        *,
        handover: Handover | None,
        redirect_url: str,
        tag: str,
        language: str = "en",
        institution: str = "",
        first: bool,
    ) -> str:
        """Return the address of the provider's own page for one customer; it may hold a token.

        `first`: a new connection, to be refreshed nightly. Raises `NotOffered` when there is no
        such page and ValueError for a `redirect_url` or `tag` that cannot be sent.
        """
        ...

    def is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Tell whether the provider signed this raw body; False when we hold no key for that."""
        ...

    def read_delivery(self, body: Any) -> Delivered:
        """Read what the provider sent by itself. Raises ValueError with one sentence."""
        ...

    def judge_delivery(
        self, subject: Subject, body: Any, *, policy: Policy, now: datetime
    ) -> Result:
        """Judge a delivery that `brings_data` as if it had been asked for; else ValueError."""
        ...


class NotOffered(Exception):
    """This provider has no such purpose (a capability, not a failure)."""
