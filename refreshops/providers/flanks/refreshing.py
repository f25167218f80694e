"""The scripts that read a login: its status, and the data behind it.

A status first; then every kind of data into a piece of its own. While Flanks is at work its status
is asked by the minute for an hour, then seldom. Sources: seed 004, outcomes.md 5b.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from refreshops.providers.contract import (
    Ask,
    Call,
    Done,
    Piece,
    Result,
    State,
    Step,
    Subject,
    Wait,
)
from refreshops.providers.flanks import accounts, calls, signs
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.script import Script
from refreshops.providers.flanks.turns import Turn
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason

# A first extraction, or a check of its quality, that takes longer is a fault of Flanks.
TOO_LONG = timedelta(hours=48)
# So many daily runs that ended with the same check before this one are those 48 hours.
RUNS_IN_TOO_LONG = 2
FAILED = "error at Flanks"
UNFINISHED = "not fetched yet"
UNANSWERED = "no answer of use"
# What a data call may say of its own kind of data alone; the others may be good.
_OF_ONE_KIND = frozenset({Outcome.INSTITUTION_UNAVAILABLE, Outcome.PROVIDER_FAULT, Outcome.UNKNOWN})
_NOTE = "Flanks is still fetching this login's data"
_CHECKING = "20003"
NO_WORDS: Mapping[str, str] = {}


class Refresh(Script):
    """Ask for the status and fetch the data, whatever its age, as far as it is good."""

    gathers = True

    def gathered(self, result: Result, pieces: Mapping[str, Any]) -> Result:
        """Put the pieces together where the result says that all that can come has come."""
        if result.bank_data is None:
            return result
        data = accounts.bank_data(result.bank_data, pieces, self._products)
        return replace(result, bank_data=data)

    def _call(self, subject: Subject, state: State) -> Call:
        if state["step"] == "data":
            name = state["left"][0]
            despite = self._despite(state, name)
            return calls.product(subject.login_id, name, despite_errors=despite)
        return calls.status(subject.login_id, again="learned" in state)

    def _kind(self, state: State) -> CallKind:
        return CallKind.DATA if state["step"] == "data" else CallKind.STATUS

    def _next(self, turn: Turn) -> Step:
        if turn.state["step"] == "data":
            return self._after_data(turn)
        return self._after_status(turn)

    def _after_status(self, turn: Turn) -> Step:
        if turn.is_fault:
            # Hours of polling outlast a short failure; the limit ends it.
            waiting = "since" in turn.state
            return self._wait(turn) if waiting else self._ask_again(turn) or self._end(turn)
        turn = replace(turn, state={**turn.state, "learned": self._learned(turn)})
        if turn.meaning.outcome is Outcome.PENDING:
            return self._checked(turn) if turn.answer.code == _CHECKING else self._wait(turn)
        if turn.status is None:
            return self._end(turn)
        return self._by_sign(turn, signs.of(turn.status, self._products))

    def _by_sign(self, turn: Turn, sign: signs.Sign) -> Step:
        turn.state.pop("verdict", None)
        if sign.is_for_the_customer:
            turn = replace(turn, state={**turn.state, "verdict": sign.verdict})
            return self._fetch(turn, sign) if self._is_newer(turn) else self._end(turn)
        if sign.name == signs.PENDING:
            return self._after_pending(turn, sign)
        return self._fetch(turn, sign)

    def _after_pending(self, turn: Turn, sign: signs.Sign) -> Step:
        """Fetch what is ready, and wait for the rest; one that takes too long is named missing."""
        words = {"provider_code": sign.name, "message": sign.message}
        too_long = self._takes_too_long(turn)
        if sign.unfinished < set(self._products):
            return self._fetch(turn, sign, gives_up=too_long)
        if too_long:
            return self._end(turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.TOO_LONG, **words)
        turn.state.pop("slow", None)
        return self._wait(turn, words=words)

    def _takes_too_long(self, turn: Turn) -> bool:
        """Tell whether Flanks has been at it for two days.

        By our own runs, for a login that its customer has just cured is old as well; or since it
        was made, where nothing ever came.
        """
        status, subject = turn.status, turn.subject
        if status and status.last_update_at is None and status.created_at:
            return turn.now - status.created_at > TOO_LONG
        seen = subject.same_code_runs if subject.last_code == signs.PENDING else 0
        return seen >= RUNS_IN_TOO_LONG

    def _checked(self, turn: Turn) -> Step:
        """Wait for Flanks's own check of the data, which takes a day or two: never the customer."""
        seen = turn.subject.same_code_runs if turn.subject.last_code == _CHECKING else 0
        if seen >= RUNS_IN_TOO_LONG:
            return self._end(turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.TOO_LONG)
        return self._wait(replace(turn, state={**turn.state, "slow": True}))

    def _wait(
        self, turn: Turn, piece: Piece | None = None, words: Mapping[str, str] = NO_WORDS
    ) -> Wait | Done:
        """Ask for the status again later; the attempt ends as pending at the limit."""
        policy, since = self._policy, turn.state.get("since") or turn.now.isoformat()
        first = turn.now - datetime.fromisoformat(since) < policy.long_work_first
        often = first and not turn.state.get("slow")
        every = policy.long_work_every if often else policy.long_work_later_every
        until = turn.now + every
        state = {**turn.state, "step": "status", "since": since}
        if until - datetime.fromisoformat(since) > self._longest():
            return self._still_pending(replace(turn, state=state), piece, words)
        return Wait(until, state, spread=every / 10, note=_NOTE, piece=piece)

    def _longest(self) -> timedelta:
        return self._policy.long_work_limit

    def _still_pending(self, turn: Turn, piece: Piece | None, words: Mapping[str, str]) -> Done:
        changes: dict[str, Any] = {"outcome": Outcome.PENDING, "reason": Reason.NONE, **words}
        if turn.state.get("got"):
            missing = turn.state["missing"] | dict.fromkeys(turn.state["waiting"], UNFINISHED)
            changes |= self._data(turn, missing) | {"message": signs.not_all(missing)}
        return replace(self._end(turn, **changes), piece=piece)

    def _is_newer(self, turn: Turn) -> bool:
        """Tell whether Flanks has newer data than we hold, behind a login that needs its owner."""
        at = self._believed(turn.state["learned"], turn.now)
        held = turn.subject.held_as_of
        return at is not None and (held is None or at > held)

    def _fetch(self, turn: Turn, sign: signs.Sign, *, gives_up: bool = False) -> Step:
        """Ask for all kinds of data that are ready, or for those that were not before.

        Who `gives_up` waits for no other.
        """
        of = turn.state["learned"].get("last_refresh", "")
        state = {**turn.state, "step": "data", "note": sign.note}
        missing = dict.fromkeys(sorted(sign.errored), FAILED)
        goes_on = state.get("waiting") and state.get("of") == of
        wanted = state["waiting"] if goes_on else list(self._products)
        late = [name for name in wanted if name in sign.unfinished and "verdict" not in state]
        if gives_up:
            missing |= dict.fromkeys(late, UNFINISHED)
        if goes_on:
            state |= {"missing": state["missing"] | missing}
            state["signed"] = sign.name or state["signed"]
        else:
            state |= {"missing": missing, "got": [], "of": of, "signed": sign.name}
        skipped = {*late, *({} if self._ignores_errors else missing)}
        state["left"] = [name for name in wanted if name not in skipped]
        state["waiting"] = [] if gives_up else late
        return self._go_on(replace(turn, state=state))

    def _go_on(self, turn: Turn, piece: Piece | None = None) -> Step:
        """Ask for the next kind of data, wait for those that are not ready, or end."""
        state = turn.state
        if state["left"]:
            return Ask(self._call(turn.subject, state), state, piece)
        if state["waiting"]:
            return self._wait(turn, piece)
        return replace(self._finish(turn), piece=piece)

    def _despite(self, state: State, name: str) -> bool:
        return self._ignores_errors and (name in state["missing"] or "verdict" in state)

    def _after_data(self, turn: Turn) -> Step:
        name = turn.state["left"][0]
        if turn.is_fault:
            return self._ask_again(turn) or self._lost(turn, name)
        turn = replace(turn, state={**turn.state, "faults": 0})
        if turn.succeeded:
            state = {**turn.state, "got": [*turn.state["got"], name]}
            return self._after_product(replace(turn, state=state), Piece(name, turn.answer.body))
        if turn.meaning.reason is Reason.PARTIAL:
            return self._failed(turn, name)
        if turn.meaning.outcome is Outcome.PENDING:
            return self._unfinished(turn, name)
        if turn.meaning.outcome in _OF_ONE_KIND:
            state = {**turn.state, "signed": turn.state["signed"] or self._code(turn)}
            return self._lost(replace(turn, state=state), name)
        return self._end(turn)

    def _unfinished(self, turn: Turn, name: str) -> Step:
        """Ask for the others first, and then wait; not where the customer must act anyway."""
        state = {**turn.state, "slow": turn.answer.code == _CHECKING}
        if "verdict" in state:
            state["missing"] = {**state["missing"], name: UNFINISHED}
        else:
            state["waiting"] = [*state["waiting"], name]
        return self._after_product(replace(turn, state=state))

    def _failed(self, turn: Turn, name: str) -> Step:
        state = {**turn.state, "missing": {**turn.state["missing"], name: FAILED}}
        state["signed"] = state["signed"] or turn.answer.code
        if self._ignores_errors and not self._despite(turn.state, name):
            return self._ask(turn.subject, state)
        return self._after_product(replace(turn, state=state))

    def _lost(self, turn: Turn, name: str) -> Step:
        """Go on without a kind of data that brings no answer; where nothing came at all, end so."""
        others = [*turn.state["got"], *turn.state["waiting"], *turn.state["left"][1:]]
        if not others:
            return self._end(turn)
        state = {**turn.state, "missing": {**turn.state["missing"], name: UNANSWERED}, "faults": 0}
        return self._after_product(replace(turn, state=state))

    def _after_product(self, turn: Turn, piece: Piece | None = None) -> Step:
        state = {**turn.state, "left": turn.state["left"][1:]}
        return self._go_on(replace(turn, state=state), piece)

    def _finish(self, turn: Turn) -> Done:
        missing, judged = turn.state["missing"], self._judged(turn)
        judged |= {"provider_code": "", "message": turn.state["note"]}
        if missing:
            judged |= {
                "outcome": Outcome.PROVIDER_FAULT,
                "reason": Reason.PARTIAL,
                "provider_code": turn.state["signed"],
                "message": " ".join(filter(None, (signs.not_all(missing), turn.state["note"]))),
            }
        if not turn.state["got"]:
            # Nothing came: what we hold is as old as it was.
            return self._end(turn, **(judged | {"data_state": self._held(turn)}))
        return self._end(turn, **(judged | self._data(turn, missing)))

    def _data(self, turn: Turn, missing: Mapping[str, str]) -> dict[str, Any]:
        judged = self._judged(turn)
        age = judged["data_state"]
        if missing.keys() - signs.BESIDE and age is DataState.FRESH:
            age = DataState.STALE_USABLE
        brought = accounts.shell(as_of=judged["last_refresh_at"], missing=missing)
        return {"data_state": age, "bank_data": brought}

    def _end(self, turn: Turn, **changes: Any) -> Done:
        verdict = turn.state.get("verdict")
        if verdict:
            # The customer must act, whatever the data calls say.
            changes |= signs.read_verdict(verdict)
        return super()._end(turn, **changes)


class Check(Script):
    """Learn from one status how a login stands and that Flanks refreshes it; fetch nothing."""

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.status(subject.login_id)

    def _kind(self, state: State) -> CallKind:
        return CallKind.STATUS

    def _next(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        if turn.status is None:
            return self._end(turn)
        sign = signs.of(turn.status, self._products)
        judged = {**self._judged(turn), "data_state": self._held(turn), "message": sign.message}
        if sign.name:
            judged |= signs.read_verdict(sign.verdict)
        return self._end(turn, **judged)
