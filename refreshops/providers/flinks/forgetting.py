"""The script that has Flinks delete all it holds about a login."""

from refreshops.providers.contract import Call, State, Step, Subject
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.script import Script
from refreshops.providers.flinks.turns import Turn
from refreshops.rules.outcomes import Outcome, Reason


class Forget(Script):
    """Delete the login at Flinks; wait while it is in use there (CARD_IN_USE, seed 001).

    `Done` with outcome `fresh` and `nightly` False means deleted. After a silence an answer that
    the login is unknown means the same: the first order had worked.
    """

    first_state = {"step": "delete"}

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.delete_card(subject.login_id)

    def _kind(self, state: State) -> CallKind:
        return CallKind.DELETE

    def _next(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        # One client of the field reads a plain text "Invalid LoginId" here, under any status.
        unknown = turn.meaning.reason is Reason.UNKNOWN_LOGIN or _says_unknown(turn)
        if unknown and not turn.state.get("faults"):
            return self._end(turn, outcome=Outcome.LOGIN_GONE, reason=Reason.UNKNOWN_LOGIN)
        if unknown or turn.succeeded:
            return self._end(turn, outcome=Outcome.FRESH, reason=Reason.NONE, nightly=False)
        return self._end(turn)


def _says_unknown(turn: Turn) -> bool:
    return not turn.answer.code and "invalid loginid" in turn.answer.message.lower()
