"""The script that switches a nightly refresh on or off and proves it.

SetScheduledRefresh answers a bare sentence; what counts is `Login.IsScheduledRefresh` of one
cached Authorize afterwards, or of a summary where the Authorize hides it. Sources: seed 003
step 3, reference/flinks-api.md section 2.
"""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from refreshops.providers.contract import Ask, Call, Done, Policy, State, Step, Subject, Wait
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.script import Script
from refreshops.providers.flinks.turns import Turn
from refreshops.providers.redaction import Scrubber
from refreshops.rules.outcomes import Outcome, Reason

_KINDS = {
    "patch": CallKind.SCHEDULE,
    "token": CallKind.TOKEN,
    "authorize": CallKind.CACHED,
    "summary": CallKind.DATA,
}
# What belongs to one RequestId, and to no later look.
_OF_A_SESSION = ("request_id", "used_at", "learned", "looked")
# These reasons say more than "refused" would.
_ENDS_AS_IT_IS = frozenset({Reason.TOO_FAST, Reason.BUSY, Reason.KEYS, Reason.UNKNOWN_LOGIN})
_SOUNDS_LIKE_NO = re.compile(r"\b(invalid|error|fail\w*|not found|unable|cannot|denied)\b", re.I)
# "… has now been activated for automatic refresh" is documented; the other word is public nowhere.
_SAYS_THE_CONTRARY = {
    True: re.compile(r"\bde-?activated\b", re.I),
    False: re.compile(r"(?<!\bde-)\bactivated\b", re.I),
}


class SwitchSchedule(Script):
    """Order the nightly refresh on or off, read it back, and order again while it is wrong.

    A `Done` that claims the order (outcome `fresh`) needs Flinks's yes: `verified` when the flag
    was read back as ordered; reason `unconfirmed` when Flinks accepted but the login's own error
    hid the flag, and no summary told it either. Silence is never taken for a yes. A login that
    Flinks does not know ends as gone.
    """

    first_state = {"step": "patch"}

    def __init__(
        self,
        *,
        on: bool,
        policy: Policy,
        mints_token: bool = False,
        scrubber: Scrubber | None = None,
    ) -> None:
        super().__init__(policy=policy, mints_token=mints_token, scrubber=scrubber)
        self._on = on

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call again; with a new Authorize when the RequestId lay idle too long."""
        if state["step"] == "summary" and self._lay_idle(state, now):
            state = {**_without_session(state), "step": "authorize"}
        return self._ask(subject, state)

    def _call(self, subject: Subject, state: State) -> Call:
        match state["step"]:
            case "patch":
                return calls.set_scheduled_refresh(subject.login_id, on=self._on)
            case "summary":
                return calls.accounts_summary(state["request_id"])
        return calls.authorize_cached(subject.login_id)

    def _kind(self, state: State) -> CallKind:
        return _KINDS[state["step"]]

    def _next(self, turn: Turn) -> Step:
        match turn.state["step"]:
            case "patch":
                return self._after_order(turn)
            case "token" if turn.succeeded:
                state = {**turn.state, "step": "authorize"}
                call = calls.authorize_cached(turn.subject.login_id, token=turn.answer.token)
                return Ask(call, state)
            case "token":
                return self._look_again(turn)
        return self._after_look(turn)

    def _after_order(self, turn: Turn) -> Step:
        if turn.succeeded and not _SOUNDS_LIKE_NO.search(turn.answer.message):
            said = self._message(turn)
            accepted = self._is_our_yes(turn)
            state = {**turn.state, "step": "authorize", "accepted": accepted, "said": said}
            return self._ask(turn.subject, state)
        if turn.succeeded or turn.meaning.outcome is Outcome.PROVIDER_FAULT:
            # Flinks may have acted: look before ordering again.
            return self._look_again(turn)
        if turn.meaning.reason in _ENDS_AS_IT_IS:
            return self._end(turn, nightly=None)
        # What an error says beside itself is no word about the flag.
        return self._end(turn, reason=Reason.REFUSED, nightly=None)

    def _is_our_yes(self, turn: Turn) -> bool:
        """Tell whether Flinks said yes about this login and this order: such a word may stand alone
        where the flag stays hidden. Any other success needs the read-back.
        """
        said = turn.answer.message
        names_it = turn.subject.login_id.lower() in said.lower()
        return names_it and not _SAYS_THE_CONTRARY[self._on].search(said)

    def _after_look(self, turn: Turn) -> Step:
        flag = None if turn.detail else turn.answer.nightly
        if flag is self._on:
            return self._ordered(turn, verified=True, reason=Reason.NONE)
        if flag is not None:
            return self._later(turn, "patch", "the flag is not as ordered") or self._unconfirmed(
                turn, nightly=flag
            )
        if turn.state["step"] == "summary":
            return self._hidden(turn)
        if turn.is_fault or turn.meaning.outcome is Outcome.PENDING:
            return self._look_again(turn)
        if _knows_no_such_login(turn):
            return self._end(turn, nightly=None)
        if turn.meaning.reads_data and turn.answer.request_id:
            return self._read_summary(turn)
        return self._hidden(turn)

    def _read_summary(self, turn: Turn) -> Step:
        looked = {"provider_code": self._code(turn), "message": self._message(turn)}
        state = {**self._opened(turn), "step": "summary", "looked": looked}
        return self._ask(turn.subject, state)

    def _hidden(self, turn: Turn) -> Step:
        if turn.state.get("accepted"):
            # The login's own error hides the flag, tonight and tomorrow: Flinks's word must do.
            return self._ordered(turn, verified=False, reason=Reason.UNCONFIRMED)
        return self._later(turn, "patch", "the order is not confirmed") or self._unconfirmed(turn)

    def _look_again(self, turn: Turn) -> Step:
        waiting = self._later(turn, "authorize", turn.detail or "the order is not confirmed")
        if waiting:
            return waiting
        if turn.state.get("accepted"):
            return self._ordered(turn, verified=False, reason=Reason.UNCONFIRMED)
        return self._unconfirmed(turn)

    def _later(self, turn: Turn, step: str, note: str) -> Wait | None:
        changes: dict[str, Any] = {"step": step}
        if step == "patch":
            changes["accepted"] = False
        turn = replace(turn, state=_without_session(turn.state))
        return self._rest(turn, "tries", self._policy.confirm_waits, note=note, **changes)

    def _ordered(self, turn: Turn, *, verified: bool, reason: Reason) -> Done:
        said = turn.state.get("said")
        words = {"message": said} if said else {}
        return self._end(
            turn,
            outcome=Outcome.FRESH,
            reason=reason,
            nightly=self._on,
            verified=verified,
            **words,
        )

    def _unconfirmed(self, turn: Turn, *, nightly: bool | None = None) -> Done:
        return self._end(
            turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.UNCONFIRMED, nightly=nightly
        )

    def _end(self, turn: Turn, **changes: Any) -> Done:
        # A summary adds the flag; how the login stands is what its Authorize said.
        return super()._end(turn, **(turn.state.get("looked", {}) | changes))


def _without_session(state: State) -> State:
    return {name: value for name, value in state.items() if name not in _OF_A_SESSION}


def _knows_no_such_login(turn: Turn) -> bool:
    """Tell whether Flinks named the LoginId as what is wrong.

    INVALID_LOGIN without a message may mean the bank credentials of a login that is there.
    """
    return turn.meaning.reason is Reason.UNKNOWN_LOGIN and bool(turn.meaning.message_pattern)
