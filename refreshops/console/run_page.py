"""One run's page and its live answer: eight questions to the database, however large the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from refreshops import wiring
from refreshops.console import live, run_steps
from refreshops.console.addresses import bundle_of, calls_list
from refreshops.console.cards import Card, cards_of, opener_words
from refreshops.console.receipt_pages import receipt_url
from refreshops.console.run_parts import asked_for, attempts_part, choices, matrix_part
from refreshops.console.scoping import attempts_by_login, sees_everything
from refreshops.console.story import Told, story_of_run
from refreshops.routine import cells
from refreshops.routine.models import Run
from refreshops.routine.progress import kept_tally
from refreshops.routine.tallies import Tally, tally_closely
from refreshops.tracing.events import Action

PARTS = {
    "head": "console/parts/run_head.html",
    "progress": "console/parts/run_progress.html",
    "matrix": "console/parts/run_matrix.html",
    "attempts": "console/parts/run_attempts.html",
    "story": "console/parts/run_story.html",
}
# Counting a run takes the longer the more logins it has: a large one is asked about less often.
LOGINS_PER_MS = 20
# A late answer still changes a run that has ended; after this nothing does.
SETTLED = timedelta(hours=1)


@dataclass(frozen=True)
class RunView:
    """What the page draws of a run. `tally` counts the attempts that are kept, and readable."""

    run: Run
    card: Card
    tally: Tally
    story: Sequence[Told]
    now: datetime

    @property
    def not_kept(self) -> int:
        """Logins of an ended run whose attempts are past the time for which they are kept."""
        return max(0, self.card.done + self.card.cancelled - self.tally.logins)

    @property
    def settled(self) -> bool:
        """Tell whether nothing about the run changes any more."""
        return self.run.closed_at is not None and self.now - self.run.closed_at > SETTLED


def view_of(run: Run, *, user: Any) -> RunView:
    """Count a run and tell its story, as far as they are this person's to know."""
    now = wiring.clock()
    whole = sees_everything(user)
    tally = cells.kept(run) if whole else None
    if tally is None:
        tally = tally_closely(attempts_by_login(user), run=run.pk)
    # An ended run keeps its own totals: they outlive its attempts.
    counted = {run.pk: (kept_tally(run) if whole else None) or tally}
    card = cards_of([run], user=user, now=now, window=wiring.window(), counted=counted)[0]
    return RunView(run, card, tally, story_of_run(user, run), now)


def context_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return what the templates draw."""
    view = view_of(run, user=request.user)
    may_bundle = request.user.has_perm("tracing.bundle_call")
    return {
        "title": view.card.title,
        "view": view,
        "card": view.card,
        "run": run,
        "opener": opener_words(run),
        "steps": run_steps.offered(run, view.card, user=request.user),
        "matrix": matrix_part(run, view.tally.cells),
        "attempts": attempts_part(request, run),
        "choices": choices(view.tally, run, asked_for(request)),
        "searched": asked_for(request).get("q", ""),
        "story": view.story,
        "paused": _last_pause(run, view.story),
        "calls_url": calls_list(q=run.pk),
        "receipt_url": receipt_url(run),
        "report_url": reverse("admin:run_report", args=[run.pk]),
        "export_url": reverse("admin:run_export", args=[run.pk]),
        "bundle_url": bundle_of("run", run.pk) if may_bundle else "",
        "live_url": reverse("admin:run_progress", args=[run.pk]),
    }


def live_answer(request: HttpRequest, run: Run) -> JsonResponse:
    """Answer the page's polling: the parts that move, a few words to be spoken, bare numbers."""
    context = context_of(request, run)
    view, card = context["view"], context["card"]
    return live.answer(
        request,
        parts=PARTS,
        context=context,
        moving=card.moving,
        slower_ms=view.tally.logins // LOGINS_PER_MS,
        settled=view.settled,
        said=_said(card),
        numbers={
            "run": run.pk,
            "state": run.state,
            "planned": card.planned,
            "done": card.done,
            "cancelled": card.cancelled,
            "percent": card.percent,
            "outcomes": card.outcomes,
        },
    )


def _said(card: Card) -> str:
    """Return what a screen reader is told: it changes at each tenth and with the state alone."""
    return f"Run {card.run.pk}: {card.percent // 10 * 10} %, {card.run.state}"


def _last_pause(run: Run, story: Sequence[Told]) -> Told | None:
    """Return who paused the run, when and why, while it is paused."""
    if run.state != "paused":
        return None
    pauses = [told for told in story if told.action == Action.PAUSE_RUN.value]
    return pauses[-1] if pauses else None
