"""The scripts that read a login: from the cache, live at the bank, and the flag alone.

Authorize, fetch the data with its RequestId, poll while a 202 says so. Sources: seeds 000, 002
and 003; reference/flinks-api.md sections 0 and 2.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from refreshops.providers.contract import Ask, Call, Done, State, Step, Subject, Wait
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.accounts import bank_data
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.script import Script
from refreshops.providers.flinks.turns import Learned, Turn
from refreshops.rules.outcomes import Outcome, Reason

_KINDS = {
    "token": CallKind.TOKEN,
    "authorize": CallKind.CACHED,
    "detail": CallKind.DATA,
    "poll": CallKind.POLL,
    "summary": CallKind.DATA,
}
# What survives a new Authorize: everything else in a state belongs to the old RequestId.
_OUTLIVES_A_SESSION = ("halts", "busy", "faults", "learned", "verdict")


class CachedRefresh(Script):
    """Ask how last night's refresh ended and fetch the data, whatever its age."""

    data_step = "detail"

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call again; with a new Authorize when the RequestId lay idle too long."""
        uses_a_session = state["step"] in ("detail", "summary") and not state.get("again")
        if uses_a_session and self._lay_idle(state, now):
            state = _new_session(state)
        return self._ask(subject, state)

    def _call(self, subject: Subject, state: State) -> Call:
        match state["step"]:
            case "detail":
                return calls.accounts_detail(state["request_id"])
            case "poll":
                return calls.accounts_detail_async(state["request_id"])
        return self._authorize(subject, state)

    def _authorize(self, subject: Subject, state: State, token: str = "") -> Call:
        return calls.authorize_cached(subject.login_id, token=token)

    def _kind(self, state: State) -> CallKind:
        return _KINDS[state["step"]]

    def _next(self, turn: Turn) -> Step:
        match turn.state["step"]:
            case "token":
                return self._after_token(turn)
            case "authorize":
                return self._after_authorize(turn)
        return self._after_data(turn)

    def _after_token(self, turn: Turn) -> Step:
        if turn.succeeded:
            state = {**turn.state, "step": "authorize"}
            return Ask(self._authorize(turn.subject, state, turn.answer.token), state)
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        return self._end(turn)

    def _after_authorize(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        if turn.meaning.outcome is Outcome.PENDING:
            return self._poll(turn, self._opened(turn))
        if turn.answer.request_id and (turn.succeeded or turn.meaning.reads_data):
            return self._fetch(turn)
        return self._end(turn)

    def _fetch(self, turn: Turn) -> Step:
        state = {**self._opened(turn), "step": self.data_step}
        if turn.meaning.outcome is Outcome.USER_ACTION:
            # The customer must act whatever the data call says (seed 000).
            state["verdict"] = self._verdict(turn)
        return self._ask(turn.subject, state)

    def _verdict(self, turn: Turn) -> dict[str, str]:
        return {
            "outcome": str(turn.meaning.outcome),
            "reason": str(turn.meaning.reason),
            "provider_code": self._code(turn),
            "message": self._message(turn),
        }

    def _after_data(self, turn: Turn) -> Step:
        polling = turn.state["step"] == "poll"
        if turn.meaning.outcome is Outcome.PENDING:
            return self._poll(turn, turn.state)
        if turn.succeeded:
            return self._finish(turn)
        if turn.is_fault:
            # Half an hour of polling outlasts a short failure; the limit ends it.
            return (
                self._poll(turn, turn.state)
                if polling
                else self._ask_again(turn) or self._end(turn)
            )
        if turn.meaning.reason is Reason.SESSION_OVER and not turn.state.get("again"):
            return self._ask(turn.subject, _new_session(turn.state))
        return self._end(turn)

    def _poll(self, turn: Turn, state: State) -> Wait | Done:
        since = state.get("pending_since") or turn.now.isoformat()
        state = {**state, "step": "poll", "pending_since": since}
        until = turn.now + self._policy.poll_every
        if until - datetime.fromisoformat(since) > self._policy.poll_limit:
            return self._end(turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.TOO_LONG)
        return Wait(until, state, note="Flinks is still working on this login")

    def _finish(self, turn: Turn) -> Done:
        learned = self._learned(turn)
        judged = self._judged(learned, turn.now)
        believed_at = judged["last_refresh_at"]
        brought = bank_data(turn.answer.body, as_of=believed_at)
        return self._end(turn, **judged, bank_data=brought, tag=self._tag(turn))

    def _tag(self, turn: Turn) -> str:
        return "" if self._scrubber.finds_secret(turn.answer.tag) else turn.answer.tag

    def _judged(self, learned: Learned, now: datetime) -> dict[str, Any]:
        """Judge freshness by LastRefresh alone, whatever the status said (seed 000)."""
        return self._judged_by_age(learned.last_refresh_at, now)

    def _end(self, turn: Turn, **changes: Any) -> Done:
        verdict = turn.state.get("verdict")
        if verdict:
            changes |= verdict | {
                "outcome": Outcome(verdict["outcome"]),
                "reason": Reason(verdict["reason"]),
            }
        return super()._end(turn, **changes)


class LiveRefresh(CachedRefresh):
    """Let Flinks refresh the login at its bank now. Nobody is present, so a 203 ends it."""

    first_state = {"step": "authorize", "live": True}

    def _authorize(self, subject: Subject, state: State, token: str = "") -> Call:
        if state.get("live"):
            return calls.authorize_live(subject.login_id, token=token)
        return super()._authorize(subject, state, token)

    def _kind(self, state: State) -> CallKind:
        kind = super()._kind(state)
        return CallKind.LIVE if kind is CallKind.CACHED and state.get("live") else kind

    def _after_authorize(self, turn: Turn) -> Step:
        if turn.is_fault:
            # It may have reached the bank. A second live call can lock the customer out and is
            # billed; the cache knows how the first one ended.
            turn = replace(turn, state={**turn.state, "live": False})
        return super()._after_authorize(turn)


class CheckSchedule(CachedRefresh):
    """Learn the nightly flag and the last refresh from a cached Authorize, without the data.

    An error that hides them may still open the data: one summary then tells, and is not kept.
    """

    data_step = "summary"

    def _call(self, subject: Subject, state: State) -> Call:
        if state["step"] == "summary":
            return calls.accounts_summary(state["request_id"])
        return super()._call(subject, state)

    def _fetch(self, turn: Turn) -> Step:
        if turn.meaning.reads_data and turn.answer.nightly is None:
            return super()._fetch(turn)
        if turn.meaning.outcome is Outcome.USER_ACTION:
            return self._end(turn)
        return self._finish(turn)

    def _after_data(self, turn: Turn) -> Step:
        if turn.state["step"] != "summary" or turn.succeeded:
            return super()._after_data(turn)
        if turn.meaning.outcome is Outcome.PENDING:
            # Nobody waits for data that is not wanted: the next check tells.
            return self._end(turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.TOO_LONG)
        return self._end(turn)

    def _finish(self, turn: Turn) -> Done:
        judged = self._judged(self._learned(turn), turn.now)
        return self._end(turn, **(judged | {"data_state": self._held(turn)}))


def _new_session(state: State) -> State:
    """Return the state that authorizes once more, from the cache, after a RequestId died."""
    kept = {name: state[name] for name in _OUTLIVES_A_SESSION if name in state}
    return {**kept, "step": "authorize", "again": True}
