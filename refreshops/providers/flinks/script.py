"""What all Flinks scripts share: taking turns, pausing the lane, waiting, and ending."""

from datetime import datetime
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
from refreshops.providers.flinks.codes import escalated, is_in_table
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.persons import told, without_persons
from refreshops.providers.flinks.turns import Learned, Turn, turn_of
from refreshops.providers.redaction import HIDDEN, Scrubber
from refreshops.providers.scripts import KEYS_PAUSE, BaseScript, pause_until
from refreshops.rules.outcomes import Outcome, Reason

MOST_BUSY_WAITS = 2


class Script(BaseScript):
    """Base of the scripts. A subclass names its calls and reads what they bring."""

    first_state: State = {"step": "authorize"}

    def __init__(
        self, *, policy: Policy, mints_token: bool = False, scrubber: Scrubber | None = None
    ) -> None:
        super().__init__(policy=policy, scrubber=scrubber)
        self._mints_token = mints_token

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
        said = self._message(turn)
        return self._pause(turn, kind, f"{reason.rstrip('.')}: {said}" if said else reason, until)

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

    def _code(self, turn: Turn) -> str:
        code = turn.answer.code
        code = code if is_in_table(code) else without_persons(code, turn.answer.body)
        return HIDDEN if self._scrubber.finds_secret(code) else code

    def _message(self, turn: Turn) -> str:
        if turn.detail:
            return self._scrubber(turn.detail)
        return told(turn.answer, minting=turn.kind is CallKind.TOKEN, clean=self._scrubber)
