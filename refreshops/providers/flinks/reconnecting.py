"""The scripts behind a connect link: cure an existing login, invite a new customer, meet a new one.

A customer is present. What needs them ends with a handover to Flinks Connect, which opens with the
RequestId of a challenge or as plain onboarding. Source: reference/flinks-api.md section 3.
"""

from datetime import datetime

from refreshops.providers.contract import (
    Ask,
    Call,
    Done,
    Handover,
    Result,
    State,
    Step,
    Subject,
    Wait,
)
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.refreshing import CachedRefresh, LiveRefresh
from refreshops.providers.flinks.script import Script
from refreshops.providers.flinks.turns import Turn
from refreshops.rules.outcomes import Outcome, Reason

# With these Flinks's page would refuse us as well.
_CLOSES_THE_PAGE = frozenset({Reason.KEYS, Reason.TOO_FAST})
# Once Flinks let us in, only these are the login's own failure.
_OF_THE_LOGIN = frozenset(
    {Outcome.USER_ACTION, Outcome.LOGIN_GONE, Outcome.INSTITUTION_UNAVAILABLE, Outcome.UNKNOWN}
)
_CHALLENGED = 203


class _Handing(Script):
    """Mints the token of a handover. Its step is `hand`; no Authorize follows, so no slot."""

    def _call(self, subject: Subject, state: State) -> Call:
        if state["step"] == "hand":
            return calls.token_for_connect()
        return super()._call(subject, state)

    def _kind(self, state: State) -> CallKind:
        return CallKind.TOKEN if state["step"] == "hand" else super()._kind(state)

    def _mint_again(self, turn: Turn) -> Wait | None:
        """Rest after a fault of the mint, counted apart: the login may have used up its own."""
        if not turn.is_fault:
            return None
        note = f"asking again for a token after: {self._message(turn) or 'a failure at Flinks'}"
        return self._rest(turn, "hand_faults", self._policy.network_waits, note=note)


class Reconnect(_Handing, LiveRefresh):
    """Refresh a login live while its customer waits; what fails is handed over to Flinks Connect.

    A 200 is the cure: the data is fetched. After another answer about the login the attempt ends
    as that answer says, with a handover: to the waiting session after a 203, else to onboarding.
    Where Flinks wants tokens and gives none, it ends without one. The state says by its step which
    token is asked for: `token` (its slot is spent by the Authorize that follows) or `hand`.
    """

    def resume(self, subject: Subject, state: State, *, now: datetime) -> Ask:
        """Give the call again; a challenge that lay idle too long is not handed over any more."""
        if state["step"] == "hand" and self._lay_idle(state, now):
            state = {**state, "challenge": ""}
        return super().resume(subject, state, now=now)

    def _next(self, turn: Turn) -> Step:
        if turn.state["step"] == "hand":
            return self._after_mint(turn)
        step = super()._next(turn)
        if isinstance(step, Done) and _is_for_the_page(turn, step.result):
            return self._hand_over(turn, step.result)
        return step

    def _after_authorize(self, turn: Turn) -> Step:
        if turn.meaning.outcome is Outcome.USER_ACTION:
            # The customer is here to do better than the old data behind such an answer.
            return self._end(turn)
        return super()._after_authorize(turn)

    def _hand_over(self, turn: Turn, ended: Result) -> Step:
        state = {
            **turn.state,
            "step": "hand",
            "challenge": _challenge(turn),
            "used_at": turn.now.isoformat(),
            "learned": self._learned(turn).to_state(),
            "ending": {
                "outcome": str(ended.outcome),
                "reason": str(ended.reason),
                "provider_code": ended.provider_code,
                "message": ended.message,
            },
        }
        if self._mints_token:
            return self._ask(turn.subject, state)
        return self._end(turn, handover=Handover(_challenge(turn)), **_ending(state))

    def _after_mint(self, turn: Turn) -> Step:
        handover = None
        if turn.succeeded:
            handover = Handover(turn.state["challenge"], turn.answer.token)
        elif again := self._mint_again(turn):
            return again
        return self._end(turn, handover=handover, **_ending(turn.state))


class Invite(_Handing):
    """Mint the token with which a new customer opens Flinks Connect. Of no login."""

    first_state = {"step": "hand"}

    def _next(self, turn: Turn) -> Step:
        if turn.succeeded:
            return self._end(turn, handover=Handover(token=turn.answer.token))
        return self._mint_again(turn) or self._end(turn)


class Connect(CachedRefresh):
    """Ask about a LoginId that somebody brought back from Flinks Connect, and fetch its data.

    The subject's `login_id` is a claim. `Result.tag` is what Flinks says it was connected for; that
    it is ours is for the caller to check before anything is registered.
    """


def _is_for_the_page(turn: Turn, ended: Result) -> bool:
    """Tell whether the customer can go on at Flinks's page after such an end."""
    if ended.bank_data is not None or ended.reason in _CLOSES_THE_PAGE:
        return False
    if turn.kind in (CallKind.DATA, CallKind.POLL):
        return ended.outcome in _OF_THE_LOGIN
    return turn.kind is not CallKind.TOKEN


def _challenge(turn: Turn) -> str:
    """Return the RequestId of the session that waits for the customer's answer; empty for none.

    Only a live refresh opens one.
    """
    asks = turn.answer.status == _CHALLENGED and turn.answer.http_status < 400
    waits = asks and turn.kind is CallKind.LIVE and turn.meaning.reason is Reason.MFA
    return turn.answer.request_id if waits else ""


def _ending(state: State) -> dict[str, object]:
    kept = state["ending"]
    return kept | {"outcome": Outcome(kept["outcome"]), "reason": Reason(kept["reason"])}
