"""What the engine and a provider say to each other. No Django, no HTTP, no clock.

A conversation is a pure script: `begin` and `resume` give the first or the interrupted call again,
`heard` says what an answer leads to. Its state is a small JSON object without secrets, stored on
the attempt, so that any worker can go on after any crash (design.md section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from refreshops.providers.exchange import Answer, Call, Heard
from refreshops.providers.exchange import NoAnswer as NoAnswer
from refreshops.providers.exchange import Pacing as Pacing
from refreshops.providers.exchange import Silence as Silence
from refreshops.providers.exchange import UnreadableAnswer as UnreadableAnswer
from refreshops.providers.handing import Account as Account
from refreshops.providers.handing import (
    BankData,
    Delivered,
    Envelope,
    Grant,
    Handover,
    Piece,
    Returned,
)
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason

State = dict[str, Any]


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
    # A provider that works for hours by itself is asked by the minute for an hour, then seldom.
    long_work_every: timedelta = timedelta(minutes=1)
    long_work_first: timedelta = timedelta(hours=1)
    long_work_later_every: timedelta = timedelta(minutes=30)
    long_work_limit: timedelta = timedelta(hours=12)
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
    """Make this call next. `state` is stored before it is sent.

    `piece` is what the answer heard last brought; it is kept, sealed, with the state.
    """

    call: Call
    state: State
    piece: Piece | None = None


@dataclass(frozen=True)
class Wait:
    """Rest until `until`, then `resume(state)`; the engine adds up to `spread` at random.

    `note` says in a few words what is waited for; people read it.
    """

    until: datetime
    state: State
    spread: timedelta = timedelta(0)
    note: str = ""
    piece: Piece | None = None


@dataclass(frozen=True)
class Done:
    """The attempt has ended. With a `piece`, `gathered` makes the last word of `result`."""

    result: Result
    piece: Piece | None = None


@dataclass(frozen=True)
class Halt:
    """The provider as a whole must pause, not to this login's blame, which is asked again.

    `kind`: `keys` (ours to fix) or `throttled`. `until` is when asking again makes sense.
    """

    kind: str
    reason: str
    until: datetime
    state: State


@dataclass(frozen=True)
class Renew:
    """The shared access token was refused: have another fetched, then `resume(state)`.

    The second time in a row a conversation says `Halt` instead: our keys are ours to fix.
    """

    state: State


Step = Ask | Wait | Done | Halt | Renew


class Conversation(Protocol):
    """The pure script of one purpose at one provider.

    `gathers` says that its answers come in pieces, which `gathered` puts together.
    """

    gathers: bool

    def begin(self, subject: Subject) -> Ask | Done:
        """Give the first call; `Done` at once where the provider need not be asked."""
        ...

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call that `state` stands before, after a wait or a crash."""
        ...

    def heard(self, subject: Subject, state: State, heard: Heard, *, now: datetime) -> Step:
        """Say what follows from an answer to the call that `state` stands before."""
        ...

    def gathered(self, result: Result, pieces: Mapping[str, Any]) -> Result:
        """Return the result with what all pieces brought; the content of each by its name."""
        ...


class Provider(Protocol):
    """A provider as the engine uses it: one door out, one script per purpose, one reader."""

    name: str

    def conversation(self, purpose: Purpose, policy: Policy) -> Conversation:
        """Return the script, or raise `NotOffered` when this provider cannot do it."""
        ...

    def opening(self, policy: Policy) -> Conversation | None:
        """Return the script of the one call that begins a daily run, or None."""
        ...

    def about(self, purpose: Purpose) -> str:
        """Say for screens what a purpose is here, or why there is none; empty for the usual."""
        ...

    def token_call(self) -> Call | None:
        """Return the call that fetches the shared access token; None where there is none."""
        ...

    def read_token(self, heard: Heard, *, now: datetime) -> Grant | Halt | None:
        """Read what came of the token call; None means a fault: ask again soon.

        The state of a `Halt` is empty: the attempt on whose behalf was asked keeps its own.
        """
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

    def read_return(self, query: Mapping[str, str]) -> Returned:
        """Read what a browser brought back from the provider's page; raises nothing."""
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
