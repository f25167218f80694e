"""Runs in the browser: live progress, and the named orders about a run."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html

from refreshops import wiring
from refreshops.console import live, run_steps
from refreshops.console.addresses import calls_list
from refreshops.console.badges import purpose_words, run_badge
from refreshops.console.cards import card_of, opener_words
from refreshops.console.charts import stacked_bar
from refreshops.console.machine_rows import CappedPaginator
from refreshops.console.moments import moment
from refreshops.console.receipt_pages import RunReceipts, receipt_url
from refreshops.console.run_parts import attempts_part, matrix_part
from refreshops.console.scoping import sees_everything
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import AttemptState

RUN_PARTS = {
    "progress": "console/parts/run_progress.html",
    "matrix": "console/parts/run_matrix.html",
    "attempts": "console/parts/run_attempts.html",
}


@admin.register(Run)
class RunAdmin(RunReceipts):
    """One order to do one thing to many logins."""

    page_template = "console/run.html"
    list_display = (
        "number",
        "opened",
        "what",
        "origin",
        "who_and_why",
        "progress",
        "bar",
        "stands",
    )
    list_display_links = ("number", "opened")
    list_filter = ("purpose", "origin", "state", ("opened_at", admin.DateFieldListFilter))
    list_select_related = ("opened_by", "provider")
    search_fields = ("pk",)
    search_help_text = "The number of a run"
    ordering = ("-opened_at", "-id")
    sortable_by = ()
    paginator = CappedPaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Note on each run whose logins alone may be counted, for a reader who sees only theirs."""
        rows: QuerySet[Run] = super().get_queryset(request)
        if sees_everything(request.user):
            return rows
        return rows.annotate(counted_for=Value(request.user.pk))

    def get_urls(self) -> list[Any]:
        """Add the live answer and the orders."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/progress.json", wrap(self.progress_json), name="run_progress"),
            path("<int:pk>/order/<slug:step>/", wrap(self.step), name="run_step"),
        ]
        return own + super().get_urls()

    def page_context(self, request: HttpRequest, row: Run) -> dict[str, Any]:
        """Return what the run's page draws."""
        now = wiring.clock()
        card = card_of(row, user=request.user, now=now, window=wiring.window())
        steps = run_steps.offered(row, card, user=request.user)
        return {
            "title": card.title,
            "card": card,
            "run": row,
            "opener": opener_words(row),
            "steps": steps,
            "matrix": matrix_part(request, row),
            "attempts": attempts_part(request, row),
            "calls_url": calls_list(q=row.pk),
            "receipt_url": receipt_url(row),
            "live_url": reverse("admin:run_progress", args=[row.pk]),
        }

    def progress_json(self, request: HttpRequest, pk: int) -> JsonResponse:
        """Answer the run page's polling: the parts that move, and the bare numbers."""
        run = self.row_or_404(request, str(pk))
        context = self.page_context(request, run)
        card = context["card"]
        return live.answer(
            request,
            parts=RUN_PARTS,
            context=context,
            moving=card.moving,
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

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Confirm and give one of the orders about a run."""
        run = self.row_or_404(request, str(pk))
        return run_steps.view(request, run, step)

    @admin.display(description="run")
    def number(self, run: Run) -> str:
        """Render the number."""
        return str(run.pk)

    @admin.display(description="when")
    def opened(self, run: Run) -> str:
        """Render when it was opened."""
        return moment(run.opened_at)

    @admin.display(description="purpose")
    def what(self, run: Run) -> str:
        """Render what it does."""
        return purpose_words(run.purpose)

    @admin.display(description="who and why")
    def who_and_why(self, run: Run) -> str:
        """Render the person and the reason."""
        who = opener_words(run)
        return format_html('<b>{}</b> <span class="quiet">{}</span>', who, run.reason)

    @admin.display(description="done")
    def progress(self, run: Run) -> str:
        """Render how many of how many."""
        counts = counts_of(run)
        return f"{counts['done']} of {counts['planned']}"

    @admin.display(description="outcomes")
    def bar(self, run: Run) -> str:
        """Render the small stacked bar."""
        counts = counts_of(run)
        return stacked_bar(
            outcomes=counts["outcomes"], planned=counts["planned"], cancelled=counts["cancelled"]
        )

    @admin.display(description="state")
    def stands(self, run: Run) -> str:
        """Render the state."""
        return run_badge(run.state)


def counts_of(run: Run) -> dict[str, Any]:
    """Return a closed run's own totals, or count its attempts, once per row.

    With `counted_for` on it, only the logins of that account manager count.
    """
    manager = getattr(run, "counted_for", None)
    if run.closed_at and run.totals and manager is None:
        return {**run.totals, "planned": run.planned}
    kept: dict[str, Any] | None = getattr(run, "_counts", None)
    if kept is None:
        rows = Attempt.objects.filter(run=run, login__isnull=False)
        if manager is not None:
            rows = rows.filter(login__customer__account_manager=manager)
        kept = _summed(rows.values_list("state", "outcome").annotate(Count("pk")))
        if manager is None:
            kept["planned"] = run.planned
        run._counts = kept  # type: ignore[attr-defined]
    return kept


def _summed(rows: Any) -> dict[str, Any]:
    counts: dict[str, Any] = {"planned": 0, "done": 0, "cancelled": 0, "outcomes": {}}
    for state, outcome, number in rows:
        counts["planned"] += number
        if state == AttemptState.DONE:
            counts["done"] += number
            counts["outcomes"][outcome] = number
        elif state == AttemptState.CANCELLED:
            counts["cancelled"] += number
    return counts
