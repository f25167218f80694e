"""The script of the one call that begins a daily run: who dropped out of the nightly refresh."""

from refreshops.providers.contract import Call, State, Step, Subject
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.answers import ineligible_cards
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.script import Script
from refreshops.providers.flinks.turns import Turn
from refreshops.rules.outcomes import Outcome, Reason


class NightlyStatus(Script):
    """Ask GetNightlyRefreshStatus; `Result.report` is the list `answers.ineligible_cards` reads.

    The list is the answer: Flinks's own example has an error code and message beside it. Its key
    opens nothing else, so a refused key ends this call and does not pause the provider.
    """

    first_state = {"step": "status"}

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.nightly_refresh_status()

    def _kind(self, state: State) -> CallKind:
        return CallKind.STATUS

    def _held_up(self, turn: Turn) -> Step | None:
        if self._report(turn) is not None or turn.meaning.reason is Reason.KEYS:
            return None
        return super()._held_up(turn)

    def _next(self, turn: Turn) -> Step:
        report = self._report(turn)
        if report is not None:
            return self._end(
                turn,
                outcome=Outcome.FRESH,
                reason=Reason.NONE,
                provider_code="",
                message="",
                report=report,
            )
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        if turn.succeeded:
            return self._end(turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.BAD_ANSWER)
        return self._end(turn)

    def _report(self, turn: Turn) -> list[dict[str, str | None]] | None:
        if turn.answer.http_status >= 300:
            return None
        cards = ineligible_cards(turn.answer.body)
        if cards is None:
            return None
        return [
            {name: self._scrubber(text) if text else text for name, text in card.items()}
            for card in cards
        ]
