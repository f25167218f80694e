"""What all Flinks scripts share: taking turns, pausing the lane, waiting, and ending.

Pure: no clock, no HTTP, no database. A state is small JSON without secrets; its `step` names the
call it stands before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from refreshops.providers.contract import (
    Ask,
    Call,
    Done,
    Halt,
    Heard,
    Policy,
    Result,
    State,
    Step,
    Subject,
    Wait,
)
from refreshops.providers.flinks import calls, staying
from refreshops.providers.flinks.answers import pause_until
from refreshops.providers.flinks.codes import escalated, is_in_table
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.persons import told, without_persons
from refreshops.providers.flinks.turns import Learned, Turn, turn_of
from refreshops.providers.redaction import HIDDEN, Scrubber
from refreshops.rules.freshness import DataState, data_state
from refreshops.rules.outcomes import Outcome, Reason

# A wrong key is looked at again after this long, unless a person resumes earlier.
KEYS_PAUSE = timedelta(minutes=15)
# How often one login may hold up the whole provider before it ends: a login that is throttled or
# refused for a reason of its own must not stop everybody for ever.
MOST_HALTS = 3
MOST_BUSY_WAITS = 2
NOTE_LIMIT = 120


class Script:
    """Base of the scripts. A subclass names its calls and reads what they bring."""

    gathers = False
    first_state: State = {"step": "authorize"}

    def __init__(
        self, *, policy: Policy, mints_token: bool = False, scrubber: Scrubber | None = None
    ) -> None:
        self._policy = policy
        self._mints_token = mints_token
        self._scrubber = scrubber or Scrubber()

    def begin(self, subject: Subject) -> Ask:
        """Give the first call."""
        return self._ask(subject, {**self.first_state})

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call that `state` stands before."""
        return self._ask(subject, state)

    def heard(self, subject: Subject, state: State, heard: Heard, *, now: datetime) -> Step:
        """Say what follows from an answer."""
        turn = turn_of(
            subject, state, heard, now=now, kind=self._kind(state), scrubber=self._scrubber
        )
        return self._held_up(turn) or self._next(turn)

    def gathered(self, result: Result, pieces: Mapping[str, Any]) -> Result:
        """Return the result as it is: no answer of Flinks is a piece."""
        return result

    def _call(self, subject: Subject, state: State) -> Call:
        raise NotImplementedError

    def _kind(self, state: State) -> CallKind:
        raise NotImplementedError

    def _next(self, turn: Turn) -> Step:
        raise NotImplementedError

    def _ask(self, subject: Subject, state: State) -> Ask:
        if state["step"] in ("token", "authorize"):
            # A token is never stored, so an Authorize always begins with minting one.
            state = {**state, "step": "token" if self._mints_token else "authorize"}
        if state["step"] == "token":
            return Ask(calls.generate_authorize_token(), state)
        return Ask(self._call(subject, state), state)

    def _held_up(self, turn: Turn) -> Step | None:
        """Answer what concerns the whole provider, or a login that is busy."""
        match turn.meaning.reason:
            case Reason.TOO_FAST:
                until = pause_until(
                    turn.answer.retry_after, now=turn.now, otherwise=self._policy.window
                )
                return self._halt(turn, "throttled", "Flinks asks us to slow down", until)
            case Reason.KEYS:
                return self._halt(turn, "keys", turn.meaning.meaning, turn.now + KEYS_PAUSE)
            case Reason.BUSY:
                return self._rest(
                    turn,
                    "busy",
                    (self._policy.busy_wait,) * MOST_BUSY_WAITS,
                    note="another session is open for this login",
                )
        return None

    def _halt(self, turn: Turn, kind: str, reason: str, until: datetime) -> Halt | None:
        halts = turn.state.get("halts", 0)
        if halts >= MOST_HALTS:
            return None
        said = self._message(turn)
        reason = f"{reason.rstrip('.')}: {said}" if said else reason
        return Halt(kind, reason, until, {**turn.state, "halts": halts + 1})

    def _rest(
        self, turn: Turn, count: str, waits: tuple[timedelta, ...], *, note: str, **changes: Any
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

    def _ask_again(self, turn: Turn) -> Wait | None:
        """Rest after a fault, then repeat the call; None when it was repeated often enough."""
        note = f"asking again after: {self._message(turn) or 'a failure at Flinks'}"
        return self._rest(turn, "faults", self._policy.network_waits, note=note)

    def _end(self, turn: Turn, **changes: Any) -> Done:
        """End by the meaning of the last answer, without new data. `changes` override."""
        outcome, reason = turn.meaning.outcome, turn.meaning.reason
        due = escalated(
            code=turn.answer.code,
            last_code=turn.subject.last_code,
            same_code_runs=turn.subject.same_code_runs,
        )
        if due and turn.kind in (CallKind.CACHED, CallKind.LIVE):
            outcome, reason = Outcome.USER_ACTION, due.reason
        learned = self._learned(turn)
        ending: dict[str, Any] = {
            "outcome": outcome,
            "reason": reason,
            "provider_code": self._code(turn),
            "message": self._message(turn),
            "data_state": self._held(turn),
            "last_refresh_at": learned.last_refresh_at,
            "nightly": learned.nightly,
            "institution": learned.institution,
            "drops_out_at": staying.drops_out(learned, turn.subject, now=turn.now),
        }
        return Done(Result(**(ending | changes)))

    def _opened(self, turn: Turn) -> State:
        """Return the state with the RequestId that this answer brings, and what it told."""
        return {
            **turn.state,
            "request_id": turn.answer.request_id,
            "used_at": turn.now.isoformat(),
            "learned": self._learned(turn).to_state(),
        }

    def _lay_idle(self, state: State, now: datetime) -> bool:
        """Tell whether the RequestId of a state was unused for so long that it is dead."""
        return now - datetime.fromisoformat(state["used_at"]) > self._policy.session_idle

    def _learned(self, turn: Turn) -> Learned:
        learned = Learned.from_state(turn.state)
        if turn.detail:
            return learned
        institution = without_persons(
            turn.answer.institution, turn.answer.body, marker=self._scrubber.marker
        )
        learned = learned.and_from(turn.answer, institution=self._scrubber(institution))
        return staying.after(learned, turn)

    def _held(self, turn: Turn) -> DataState:
        return self._age(turn.subject.held_as_of, turn.now)

    def _age(self, refreshed_at: datetime | None, now: datetime) -> DataState:
        return data_state(
            refreshed_at=refreshed_at,
            now=now,
            fresh_within=self._policy.fresh_within,
            usable_within=self._policy.usable_within,
        )

    def _code(self, turn: Turn) -> str:
        code = turn.answer.code
        code = code if is_in_table(code) else without_persons(code, turn.answer.body)
        return HIDDEN if self._scrubber.finds_secret(code) else code

    def _message(self, turn: Turn) -> str:
        if turn.detail:
            return self._scrubber(turn.detail)
        return told(turn.answer, minting=turn.kind is CallKind.TOKEN, clean=self._scrubber)
