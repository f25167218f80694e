"""What the scripts of every provider share: pausing the lane, resting, and the age of the data.

Pure: no clock, no HTTP, no database. A state is small JSON without secrets; its `step` names the
call it stands before.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from refreshops.providers.contract import Halt, Policy, Result, State, Subject, Wait
from refreshops.providers.redaction import Scrubber
from refreshops.rules.freshness import DataState, data_state, is_in_the_future
from refreshops.rules.outcomes import Outcome, Reason

# A wrong key is looked at again after this long, unless a person resumes earlier.
KEYS_PAUSE = timedelta(minutes=15)
# How often one login may hold up the whole provider before it ends: a login that is throttled or
# refused for a reason of its own must not stop everybody for ever.
MOST_HALTS = 3
LONGEST_PAUSE = timedelta(hours=1)
NOTE_LIMIT = 120


class Spoken(Protocol):
    """What is known when an answer was heard."""

    @property
    def subject(self) -> Subject:
        """Return whom it is about."""
        ...

    @property
    def state(self) -> State:
        """Return the state that stood before the call."""
        ...

    @property
    def now(self) -> datetime:
        """Return when it was heard."""
        ...


class BaseScript:
    """Base of the scripts of all providers."""

    gathers = False

    def __init__(self, *, policy: Policy, scrubber: Scrubber | None = None) -> None:
        self._policy = policy
        self._scrubber = scrubber or Scrubber()

    def gathered(self, result: Result, pieces: Mapping[str, Any]) -> Result:
        """Return the result as it is: no answer is a piece here."""
        return result

    def _pause(self, turn: Spoken, kind: str, reason: str, until: datetime) -> Halt | None:
        """Halt the provider; None when this login did so often enough."""
        halts = turn.state.get("halts", 0)
        if halts >= MOST_HALTS:
            return None
        return Halt(kind, reason, until, {**turn.state, "halts": halts + 1})

    def _rest(
        self, turn: Spoken, count: str, waits: tuple[timedelta, ...], *, note: str, **changes: Any
    ) -> Wait | None:
        """Return the next of `waits`, counted in the state under `count`; None when used up."""
        used = turn.state.get(count, 0)
        if used >= len(waits):
            return None
        return Wait(
            turn.now + waits[used],
            {**turn.state, count: used + 1, **changes},
            spread=waits[used],
            note=self._scrubber(note)[:NOTE_LIMIT],
        )

    def _held(self, turn: Spoken) -> DataState:
        return self._age(turn.subject.held_as_of, turn.now)

    def _age(self, refreshed_at: datetime | None, now: datetime) -> DataState:
        return data_state(
            refreshed_at=refreshed_at,
            now=now,
            fresh_within=self._policy.fresh_within,
            usable_within=self._policy.usable_within,
        )

    def _judged_by_age(self, at: datetime | None, now: datetime) -> dict[str, Any]:
        """Judge freshness by the provider's own time of the last refresh alone (seed 000)."""
        age = self._age(at, now)
        if at is None:
            outcome, reason = Outcome.STALE, Reason.NO_TIMESTAMP
        elif is_in_the_future(refreshed_at=at, now=now):
            outcome, reason, at = Outcome.STALE, Reason.FUTURE_TIMESTAMP, None
        else:
            outcome = Outcome.FRESH if age is DataState.FRESH else Outcome.STALE
            reason = Reason.NONE
        return {"outcome": outcome, "reason": reason, "data_state": age, "last_refresh_at": at}


def pause_until(
    retry_after: str, *, now: datetime, otherwise: timedelta, at_most: timedelta = LONGEST_PAUSE
) -> datetime:
    """Return when to ask again: by Retry-After (seconds or date), never later than `at_most`.

    Missing, past and senseless values give `now + otherwise` (fault C5).
    """
    text = retry_after.strip()
    pause = timedelta(0)
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        pause = timedelta(seconds=int(text))
    elif text:
        try:
            moment = parsedate_to_datetime(text)
            # A date in "-0000" comes without a zone; HTTP dates are UTC anyway.
            pause = moment.replace(tzinfo=moment.tzinfo or UTC) - now
        except (ValueError, TypeError, OverflowError):
            pause = timedelta(0)
    return now + (min(pause, at_most) if pause > timedelta(0) else otherwise)
