"""What all Flanks scripts share: taking turns, renewing the token, pausing the lane, and ending."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from refreshops.providers.contract import (
    Ask,
    Call,
    Done,
    Halt,
    Heard,
    Policy,
    Renew,
    Result,
    State,
    Step,
    Subject,
    Wait,
)
from refreshops.providers.flanks.codes import is_in_table
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.turns import Turn, told, turn_of
from refreshops.providers.redaction import HIDDEN, Scrubber
from refreshops.providers.scripts import KEYS_PAUSE, BaseScript, pause_until
from refreshops.providers.values import without_values
from refreshops.rules.freshness import is_in_the_future
from refreshops.rules.outcomes import Reason


class Script(BaseScript):
    """Base of the scripts. A subclass names its calls and reads what they bring.

    `products` are the endpoints of the data we ask for; `ignore_data_errors` says that what Flanks
    still holds of a failed one is asked for as well; `return_url` is where a customer's session
    sends them back to.
    """

    first_state: State = {"step": "status"}

    def __init__(
        self,
        *,
        policy: Policy,
        scrubber: Scrubber | None = None,
        products: Sequence[str] = (),
        ignore_data_errors: bool = True,
        return_url: str = "",
    ) -> None:
        super().__init__(policy=policy, scrubber=scrubber)
        self._products = tuple(products)
        self._ignores_errors = ignore_data_errors
        self._return_url = return_url

    def begin(self, subject: Subject) -> Ask | Done:
        """Give the first call."""
        return self._ask(subject, {**self.first_state})

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call that `state` stands before."""
        return self._ask(subject, state)

    def heard(self, subject: Subject, state: State, heard: Heard, *, now: datetime) -> Step:
        """Say what follows from an answer."""
        turn = turn_of(subject, state, heard, now=now, kind=self._kind(state))
        return self._held_up(turn) or self._next(turn)

    def _call(self, subject: Subject, state: State) -> Call:
        raise NotImplementedError

    def _kind(self, state: State) -> CallKind:
        raise NotImplementedError

    def _next(self, turn: Turn) -> Step:
        raise NotImplementedError

    def _ask(self, subject: Subject, state: State) -> Ask:
        return Ask(self._call(subject, state), state)

    def _held_up(self, turn: Turn) -> Step | None:
        """Answer what concerns our access to the provider as a whole."""
        match turn.meaning.reason:
            case Reason.TOO_FAST:
                until = pause_until(
                    turn.answer.retry_after, now=turn.now, otherwise=self._policy.window
                )
                return self._halt(turn, "throttled", "Flanks asks us to slow down", until)
            case Reason.KEYS if turn.is_refused_token and not turn.state.get("renewed"):
                return Renew({**turn.state, "renewed": 1})
            case Reason.KEYS:
                return self._halt(turn, "keys", turn.meaning.meaning, turn.now + KEYS_PAUSE)
        return None

    def _halt(self, turn: Turn, kind: str, reason: str, until: datetime) -> Halt | None:
        said = self._message(turn)
        halt = self._pause(turn, kind, f"{reason.rstrip('.')}: {said}" if said else reason, until)
        if halt:
            # After the pause another token may be tried again, once.
            halt.state.pop("renewed", None)
        return halt

    def _ask_again(self, turn: Turn) -> Wait | None:
        """Rest after a fault, then repeat the call; None when it was repeated often enough."""
        note = f"asking again after: {self._message(turn) or 'a failure at Flanks'}"
        return self._rest(turn, "faults", self._policy.network_waits, note=note)

    def _end(self, turn: Turn, **changes: Any) -> Done:
        """End by the meaning of the last answer, without new data. `changes` override."""
        learned = self._learned(turn)
        ending: dict[str, Any] = {
            "outcome": turn.meaning.outcome,
            "reason": turn.meaning.reason,
            "provider_code": self._code(turn),
            "message": self._message(turn),
            "data_state": self._held(turn),
            "last_refresh_at": self._believed(learned, turn.now),
            "nightly": learned.get("nightly"),
            "institution": learned.get("institution", ""),
        }
        return Done(Result(**(ending | changes)))

    def _learned(self, turn: Turn) -> dict[str, Any]:
        """Return what this answer and the earlier ones told of the login, as JSON."""
        learned = dict(turn.state.get("learned", {}))
        if turn.is_of_a_held_one:
            # Flanks refreshes all that it holds once a day, and has no switch for it.
            learned["nightly"] = True
        if turn.status is not None:
            at = turn.status.last_update_at
            learned["last_refresh"] = at.isoformat() if at else ""
            learned["institution"] = self._shown(turn.status.name)
        return learned

    def _believed(self, learned: dict[str, Any], now: datetime) -> datetime | None:
        at = _read_moment(learned)
        return None if at is None or is_in_the_future(refreshed_at=at, now=now) else at

    def _judged(self, turn: Turn) -> dict[str, Any]:
        """Judge freshness by last_update_timestamp alone."""
        return self._judged_by_age(_read_moment(self._learned(turn)), turn.now)

    def _shown(self, text: str) -> str:
        return without_values(self._scrubber(text), marker=self._scrubber.marker)

    def _code(self, turn: Turn) -> str:
        code = turn.answer.code
        if self._scrubber.finds_secret(code):
            return HIDDEN
        return code if is_in_table(code) else self._shown(code)

    def _message(self, turn: Turn) -> str:
        if turn.detail:
            return self._scrubber(turn.detail)
        return told(turn.answer, clean=self._scrubber)


def _read_moment(learned: dict[str, Any]) -> datetime | None:
    text = learned.get("last_refresh")
    return datetime.fromisoformat(text) if text else None
