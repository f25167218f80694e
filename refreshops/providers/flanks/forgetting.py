"""The scripts that need no data: delete a login's credentials, and a switch that Flanks lacks."""

from refreshops.providers.contract import Call, Done, Result, State, Step, Subject
from refreshops.providers.flanks import calls
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.script import Script
from refreshops.providers.flanks.turns import Turn
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason

STOPPED_ASKING = (
    "Flanks has no switch for its daily refresh, so nothing was sent: we stopped asking for this "
    "login. To stop paying for it, order its credentials deleted."
)
ASKING_AGAIN = (
    "Flanks has no switch for its daily refresh, so nothing was sent: we ask for this login again "
    "from the next run on."
)


class Forget(Script):
    """Have Flanks delete the credentials and all it holds with them.

    `Done` with outcome `fresh` and `nightly` False means deleted. After a silence an answer that
    there is no such thing means the same: the first order had worked.
    """

    first_state = {"step": "delete"}

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.delete(subject.login_id)

    def _kind(self, state: State) -> CallKind:
        return CallKind.DELETE

    def _next(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        was_sent = turn.meaning.reason is Reason.UNKNOWN_LOGIN and turn.state.get("faults")
        if turn.succeeded or was_sent:
            return self._end(turn, outcome=Outcome.FRESH, reason=Reason.NONE, nightly=False)
        return self._end(turn)


class HereOnly(Script):
    """End at once: Flanks cannot be told to refresh a login or to leave it alone.

    Without a clock at hand, data that is held counts as stale but usable.
    """

    def __init__(self, *, on: bool, **terms: object) -> None:
        super().__init__(**terms)  # type: ignore[arg-type]
        self._on = on

    def begin(self, subject: Subject) -> Done:
        """End the attempt, without any call."""
        held = DataState.NONE if subject.held_as_of is None else DataState.STALE_USABLE
        return Done(
            Result(
                Outcome.FRESH,
                held,
                reason=Reason.HERE_ONLY,
                message=ASKING_AGAIN if self._on else STOPPED_ASKING,
            )
        )

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.status(subject.login_id)

    def _kind(self, state: State) -> CallKind:
        return CallKind.STATUS

    def _next(self, turn: Turn) -> Step:
        # No call of this script is ever sent, but whatever is heard ends it.
        ended = self.begin(turn.subject)
        return self._end(
            turn, outcome=Outcome.FRESH, reason=Reason.HERE_ONLY, message=ended.result.message
        )
