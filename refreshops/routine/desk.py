"""What one driving process holds in its hands while it works for one provider."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from refreshops.bankdata.vault import Vault
from refreshops.logins.models import Login
from refreshops.logins.models import Provider as ProviderRow
from refreshops.providers.contract import (
    Call,
    Conversation,
    NotOffered,
    Policy,
    Provider,
    State,
    Subject,
)
from refreshops.routine.access import Held
from refreshops.routine.models import Attempt
from refreshops.routine.writers import Line
from refreshops.rules.lifecycle import Purpose

# A customer connects a bank for the first time: there is no login to speak for, or not yet.
OF_NO_LOGIN_YET = frozenset({Purpose.INVITE, Purpose.CONNECT})


@dataclass(frozen=True)
class Pace:
    """The times and sizes the engine works with.

    `window` is the throttle's window, `lease` how long a claim holds without renewal, `concurrency`
    how many calls one process makes at once, `call_deadline_s` the ceiling of one exchange,
    `customers_percent` the share of the slots for customers who come by a link.
    """

    window: timedelta
    lease: timedelta
    concurrency: int
    policy: Policy
    call_deadline_s: float = 240.0
    customers_percent: int = 20


@dataclass
class Work:
    """One call that is written down and about to be sent, for an attempt we hold.

    `token_serial` says which shared token it carries; with `fetches_token` it fetches another, and
    `state` still stands before the attempt's own call.
    """

    attempt: Attempt
    subject: Subject
    conversation: Conversation
    state: State
    call: Call
    call_id: int
    slot_id: int | None
    token_serial: int | None = None
    fetches_token: bool = False
    written_s: float = field(default_factory=time.monotonic)


@dataclass
class Desk:
    """Everything a claim, an exchange and a record need; shared by the threads of one process.

    `held` are the attempts this process speaks for, with their lease tokens; `empty_handed` says
    that the last claim found nothing. Who holds `watch` looks for work, and is woken by `stirred`.
    """

    provider: Provider
    row: ProviderRow
    clock: Callable[[], datetime]
    pace: Pace
    vault: Vault
    chance: random.Random = field(default_factory=random.SystemRandom)
    held: dict[int, str] = field(default_factory=dict)
    empty_handed: bool = False
    calls_made: int = 0
    halting: bool = False
    line: Line = field(default_factory=Line)
    watch: threading.Lock = field(default_factory=threading.Lock)
    stirred: threading.Event = field(default_factory=threading.Event)
    token: Held | None = None

    @property
    def policy(self) -> Policy:
        """The policy with the provider row's own freshness."""
        return replace(
            self.pace.policy,
            fresh_within=self.row.fresh_within,
            usable_within=self.row.usable_within,
            window=self.pace.window,
        )

    def script(self, attempt: Attempt) -> Conversation:
        """Return the conversation of an attempt; raise `NotOffered` when there is none."""
        purpose = Purpose(attempt.purpose)
        if attempt.login is None and purpose not in OF_NO_LOGIN_YET:
            opening = self.provider.opening(self.policy)
            if opening is None:
                raise NotOffered("This provider has no call that begins a run.")
            return opening
        return self.provider.conversation(purpose, self.policy)

    def deadline(self, call: Call) -> timedelta:
        """Return how long one exchange may take."""
        return timedelta(seconds=min(call.deadline_s, self.pace.call_deadline_s))

    def writing(self) -> AbstractContextManager[None]:
        """One transaction of this process."""
        return self.line.writing()


def subject_of(attempt: Attempt) -> Subject:
    """Return what the conversation may know of the login."""
    if attempt.login is None:
        return Subject(login_id=attempt.claimed_login_id)
    return subject_of_login(attempt.login)


def subject_of_login(login: Login) -> Subject:
    """Return what may be known of a login where something is heard of it without a question."""
    return Subject(
        login_id=login.login_id,
        held_as_of=login.data_as_of,
        last_code=login.provider_code,
        same_code_runs=login.same_code_runs,
        worked_before=login.fresh_at is not None,
        last_refresh_at=login.last_refresh_at,
        last_asked_at=login.last_asked_at,
    )
