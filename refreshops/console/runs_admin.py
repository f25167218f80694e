"""Runs in the browser: the list, and the addresses of what belongs to one run."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.text import Truncator

from refreshops import wiring
from refreshops.console import filters, run_page, run_steps
from refreshops.console.approval_filter import ApprovalFilter
from refreshops.console.badges import purpose_words
from refreshops.console.call_filters import choice_filter, day_filter
from refreshops.console.cards import Card, cards_of, opener_words
from refreshops.console.charts import stacked_bar
from refreshops.console.keyset import KeysetAdmin, KeysetChangeList
from refreshops.console.moments import moment
from refreshops.console.receipt_pages import RunReceipts
from refreshops.console.run_export import RunExport
from refreshops.console.run_report import RunReport
from refreshops.console.search import is_number
from refreshops.routine.models import Run
from refreshops.rules.lifecycle import Origin, Purpose, RunState

ORIGIN_WORDS = {
    Origin.DAILY.value: "daily",
    Origin.PERSON.value: "a person",
    Origin.API.value: "API",
    Origin.RETRY.value: "retry",
    Origin.CONNECT.value: "a customer",
}
STATE_WORDS = {
    RunState.WAITING.value: "waiting",
    RunState.OPEN.value: "running",
    RunState.PAUSED.value: "paused",
    RunState.CLOSED.value: "closed",
    RunState.CANCELLED.value: "cancelled",
}
# Two lines of the list; the whole stands in the title, and on the run's page.
SHOWN_OF_A_REASON = 80


class RunList(KeysetChangeList):
    """A page of runs, each with how its logins stand: counted for the whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and count it."""
        super().get_results(request)
        now, window = wiring.clock(), wiring.window()
        cards = cards_of(self.result_list, user=request.user, now=now, window=window)
        for run, card in zip(self.result_list, cards, strict=True):
            run.card = card


@admin.register(Run)
class RunAdmin(RunExport, RunReport, RunReceipts, KeysetAdmin):
    """One order to do one thing to many logins."""

    page_template = "console/run.html"
    list_display = (
        "number",
        "opened",
        "what",
        "came_from",
        "who_and_why",
        "progress",
        "bar",
        "stands",
    )
    list_display_links = ("number", "opened")
    list_filter = (
        ApprovalFilter,
        choice_filter("state", title="state", choices=STATE_WORDS),
        choice_filter(
            "purpose",
            title="purpose",
            choices={row.value: purpose_words(row.value) for row in Purpose},
        ),
        choice_filter("origin", title="origin", choices=ORIGIN_WORDS),
        day_filter("opened_at"),
        filters.ProviderFilter,
    )
    search_fields = ("pk",)
    search_help_text = "The number of a run"
    ordering = ("-opened_at", "-id")
    nothing_yet = "The daily run and every order make one."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Read what every page says of a run together with it."""
        rows: QuerySet[Run] = super().get_queryset(request)
        return rows.select_related("provider", "opened_by", "approved_by")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the list that counts its page."""
        return RunList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Search by number alone; anything else finds nothing."""
        term = search_term.strip().removeprefix("#")
        if not term:
            return queryset, False
        return queryset.filter(pk=int(term)) if is_number(term) else queryset.none(), False

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
        return run_page.context_of(request, row)

    def progress_json(self, request: HttpRequest, pk: int) -> JsonResponse:
        """Answer the run page's polling."""
        return run_page.live_answer(request, self.row_or_404(request, str(pk)))

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

    @admin.display(description="origin")
    def came_from(self, run: Run) -> str:
        """Render where the order came from."""
        return ORIGIN_WORDS.get(run.origin, run.origin)

    @admin.display(description="who and why")
    def who_and_why(self, run: Run) -> str:
        """Render the person and the reason, the whole of it in the title."""
        return format_html(
            '<span title="{}"><b>{}</b> <span class="quiet">{}</span></span>',
            run.reason,
            opener_words(run),
            Truncator(run.reason).chars(SHOWN_OF_A_REASON),
        )

    @admin.display(description="asked")
    def progress(self, run: Run) -> str:
        """Render how many of how many."""
        card = _card(run)
        return f"{card.done} of {card.planned}"

    @admin.display(description="outcomes")
    def bar(self, run: Run) -> str:
        """Render the small stacked bar."""
        card = _card(run)
        return stacked_bar(
            outcomes=card.outcomes,
            planned=card.planned,
            cancelled=card.cancelled,
            good=card.good,
        )

    @admin.display(description="state")
    def stands(self, run: Run) -> str:
        """Render the state: one that nobody works on does not run."""
        return _card(run).mark


def _card(run: Any) -> Card:
    """Return what the list has counted of a run."""
    card: Card = run.card
    return card
