"""The script that begins a daily run: which credentials Flanks holds for us, page by page."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from refreshops.providers.contract import Ask, Call, Done, Piece, Result, State, Step, Subject
from refreshops.providers.flanks import calls
from refreshops.providers.flanks.answers import MOST_ITEMS, listed, whole_number
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.script import Script
from refreshops.providers.flanks.turns import Turn
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason

# More pages than this are no list of ours; a provider that never says it was the last ends here.
MOST_PAGES = 10_000


class Listing(Script):
    """Ask for all pages. `Result.report` names every login that Flanks holds.

    Its shape: {"complete": bool, "logins": [{"login_id", "last_refresh_at": null, "state",
    "code": ""}]}.
    """

    gathers = True
    first_state = {"step": "list", "page": 1}

    def gathered(self, result: Result, pieces: Mapping[str, Any]) -> Result:
        """Put the pages together where the result says that the last one came."""
        if result.report is None:
            return result
        found: dict[str, dict[str, Any]] = {}
        for page in sorted(pieces, key=_number):
            for login in pieces[page]:
                found.setdefault(
                    login["login_id"],
                    {**login, "last_refresh_at": None, "code": ""},
                )
        return replace(result, report={**result.report, "logins": list(found.values())})

    def _call(self, subject: Subject, state: State) -> Call:
        return calls.listing(state["page"])

    def _kind(self, state: State) -> CallKind:
        return CallKind.LIST

    def _next(self, turn: Turn) -> Step:
        if turn.is_fault:
            return self._ask_again(turn) or self._end(turn)
        page = listed(turn.answer.body) if turn.succeeded else None
        if page is None:
            return self._end(turn)
        logins, pages = page
        asked = turn.state["page"]
        piece = Piece(f"page-{asked}", self._shown_of(logins))
        # A row that we cannot use, or another page than we asked for: the list is not whole.
        answered = whole_number(turn.answer.body.get("page"))
        short = len(piece.content) < len(logins) or len(logins) > MOST_ITEMS
        odd = turn.state.get("odd", False) or short or answered not in (None, asked)
        odd = odd or _has_shrunk(turn.state.get("pages"), pages, is_empty=not logins)
        is_last = not logins if pages is None else asked >= pages
        if is_last or asked >= MOST_PAGES:
            return self._complete(turn, piece, complete=is_last and not odd)
        state = {**turn.state, "page": asked + 1, "pages": pages, "odd": odd}
        return Ask(self._call(turn.subject, state), state, piece)

    def _complete(self, turn: Turn, piece: Piece, *, complete: bool) -> Done:
        ended = self._end(
            turn,
            outcome=Outcome.FRESH,
            reason=Reason.NONE,
            data_state=DataState.NONE,
            message="",
            report={"complete": complete},
        )
        return replace(ended, piece=piece)

    def _shown_of(self, logins: list[dict[str, str]]) -> list[dict[str, str]]:
        return [
            {"login_id": login["login_id"], "state": self._shown(login["state"])}
            for login in logins
            if login["login_id"] and not self._scrubber.finds_secret(login["login_id"])
        ]


def _has_shrunk(before: int | None, pages: int | None, *, is_empty: bool) -> bool:
    """Tell whether a list lost rows while it was read: others then moved to pages read before."""
    if pages is None:
        return False
    return (is_empty and pages > 1) or (before is not None and pages < before)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
