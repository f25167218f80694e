"""The script behind a connect link: see how a login stands, and open a page for its customer.

A session token comes with the status, or is asked for; it leads straight to a session and is never
stored. Source: reference/flanks-api.md sections 2 and 3.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from refreshops.providers.contract import Ask, Call, Handover, State, Step, Subject
from refreshops.providers.flanks import calls, signs
from refreshops.providers.flanks.answers import LOGIN_ID, SESSION_TOKEN, matched
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.refreshing import Refresh
from refreshops.providers.flanks.turns import Turn
from refreshops.rules.outcomes import Outcome, Reason

# How often a session is tried before the attempt ends without one.
MOST_SESSIONS = 3
_KINDS = {"force": CallKind.FORCE, "session": CallKind.SESSION}
_OVER = ("Finished:OK", "Finished:Error")
_URLS = ("url", "session_url", "link")


class Reconnect(Refresh):
    """Refresh a login that needs nobody; open a session for the customer of one that does.

    Such an attempt ends as its status says, with a handover. The state says by its step which call
    is under way: `force` asks for a session token, `session` for the page.
    """

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call again; a session begins at the status, for its token is not kept."""
        if state["step"] == "session":
            state = {**state, "step": "status"}
        return super().resume(subject, state, now=now)

    def _call(self, subject: Subject, state: State) -> Call:
        if state["step"] == "force":
            return calls.force(subject.login_id, step=state["force"])
        return super()._call(subject, state)

    def _kind(self, state: State) -> CallKind:
        return _KINDS.get(state["step"]) or super()._kind(state)

    def _longest(self) -> timedelta:
        # The customer waits at a page.
        return self._policy.poll_limit

    def _next(self, turn: Turn) -> Step:
        match turn.state["step"]:
            case "force":
                return self._after_force(turn)
            case "session":
                return self._after_session(turn)
        return super()._next(turn)

    def _after_status(self, turn: Turn) -> Step:
        if turn.meaning.outcome is not Outcome.USER_ACTION:
            return super()._after_status(turn)
        state = {**turn.state, "learned": self._learned(turn)}
        verdict = {
            "outcome": str(turn.meaning.outcome),
            "reason": str(turn.meaning.reason),
            "provider_code": self._code(turn),
            "message": self._message(turn),
        }
        return self._towards_session(replace(turn, state=state), verdict)

    def _by_sign(self, turn: Turn, sign: signs.Sign) -> Step:
        if not sign.is_for_the_customer:
            return super()._by_sign(turn, sign)
        return self._towards_session(turn, sign.verdict)

    def _towards_session(self, turn: Turn, verdict: dict[str, str]) -> Step:
        step = "sca" if verdict["reason"] == Reason.MFA else "reset"
        state = {**turn.state, "verdict": verdict, "force": step}
        turn = replace(turn, state=state)
        if self._token_in(turn):
            return self._open(turn)
        return self._ask(turn.subject, {**state, "step": "force"})

    def _token_in(self, turn: Turn) -> str:
        body = turn.answer.body
        token = body.get(f"{turn.state['force']}_token") if isinstance(body, dict) else ""
        return matched(SESSION_TOKEN, token)

    def _open(self, turn: Turn) -> Step:
        opened = turn.state.get("sessions", 0)
        if opened >= MOST_SESSIONS:
            return self._end(turn)
        state = {**turn.state, "step": "session", "sessions": opened + 1}
        name = f"{turn.state['force']}_token"
        call = calls.create_session(
            turn.subject.login_id,
            redirect_url=self._return_url,
            tokens={name: self._token_in(turn)},
        )
        return Ask(call, state)

    def _after_force(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        if turn.succeeded and self._token_in(turn):
            return self._open(turn)
        return self._end(turn)

    def _after_session(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        return self._end(turn, handover=_handover(turn) if turn.succeeded else None)


def _handover(turn: Turn) -> Handover | None:
    """Return the way to the page: by the address that Flanks gave, else by the session's id."""
    body = turn.answer.body
    session = body.get("session") if isinstance(body, dict) else None
    session = session if isinstance(session, dict) else {}
    session_id = matched(LOGIN_ID, session.get("session_id"))
    if not session_id or session.get("status") in _OVER:
        return None
    urls = (matched(SESSION_TOKEN, session.get(name)) for name in _URLS)
    return Handover(session_id, next((url for url in urls if url), session_id))
