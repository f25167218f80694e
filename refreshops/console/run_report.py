"""A run as a report on paper: who, why and when, what it came to, and what is left to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from refreshops import wiring
from refreshops.console.badges import NOT_REFRESHING, outcome_label_of, purpose_words
from refreshops.console.cards import opener_words
from refreshops.console.charts import in_bar_order
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.run_page import view_of
from refreshops.console.run_parts import matrix_part
from refreshops.console.scoping import attempts_of, sees_everything
from refreshops.console.words import WHO_ACTS
from refreshops.routine.models import Attempt, Run
from refreshops.routine.receipt_lines import approved
from refreshops.routine.tallies import Tally
from refreshops.rules.lifecycle import AttemptState
from refreshops.rules.outcomes import MEANING_OF, Outcome, OutcomeMeaning

# More nobody reads on paper; the CSV file has them all.
MOST_LISTED = 1000


@dataclass(frozen=True)
class Ending:
    """One outcome of the run, and how many logins ended so."""

    outcome: str
    label: str
    number: int
    share: int
    who: str


@dataclass
class Step:
    """What is to be done next about some logins that did not end well."""

    outcome: str
    label: str
    words: str
    number: int = 0
    codes: set[str] = field(default_factory=set)
    rows: list[Attempt] = field(default_factory=list)

    @property
    def not_listed(self) -> int:
        """How many of them are left out of the list."""
        return max(0, self.number - len(self.rows))


class RunReport(PageAdmin):
    """What a run's admin adds: its report, to be printed."""

    def get_urls(self) -> list[Any]:
        """Add the document."""
        view = self.admin_site.admin_view(require_safe(self.report))
        own: list[URLPattern] = [path("<int:pk>/report/", view, name="run_report")]
        return own + super().get_urls()

    def report(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the report: of a run that goes on, as it stands now."""
        run: Run = self.row_or_404(request, str(pk))
        view = view_of(run, user=request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Report of run {run.pk}",
            "run": run,
            "view": view,
            "card": view.card,
            "what": purpose_words(run.purpose),
            "opener": opener_words(run),
            "approved": approved(run),
            "environment": wiring.environment_label(run.provider.name),
            "made_at": view.now,
            "whole": sees_everything(request.user),
            "endings": list(_endings(run, view.card.outcomes)),
            "todo": _steps(request.user, run, view.tally),
            "matrix": matrix_part(run, view.tally.cells),
            "story": view.story,
        }
        return TemplateResponse(request, "console/run_report.html", context)


def _endings(run: Run, outcomes: dict[str, int]) -> Iterator[Ending]:
    asked = sum(outcomes.values()) or 1
    for name, number in in_bar_order(outcomes):
        meaning = _meaning(name)
        yield Ending(
            outcome=name,
            label=outcome_label_of(name, run),
            number=number,
            share=round(100 * number / asked),
            who=WHO_ACTS[meaning.actor] if meaning else "",
        )


def _steps(user: Any, run: Run, tally: Tally) -> list[Step]:
    """Group the logins that did not end well by what to do next, in the order of the outcomes."""
    order = [name for name, _ in in_bar_order(tally.outcomes)]
    found: dict[tuple[str, str], Step] = {}
    for _, code, outcome, number in tally.cells:
        if outcome != Outcome.FRESH.value:
            step = _step(found, run, outcome, code)
            step.number += number
            step.codes.add(code)
    for attempt in _failed(user, run):
        _step(found, run, attempt.outcome, attempt.provider_code).rows.append(attempt)
    return sorted(found.values(), key=lambda step: (order.index(step.outcome), -step.number))


def _step(found: dict[tuple[str, str], Step], run: Run, outcome: str, code: str) -> Step:
    words = next_step(outcome, code, provider=run.provider.name, purpose=run.purpose)
    label = outcome_label_of(outcome, run)
    return found.setdefault((outcome, words), Step(outcome, label, words))


def next_step(outcome: str, code: str, *, provider: str, purpose: str) -> str:
    """Say what is done next about a login; "" where the run was no refresh: see its receipt."""
    if purpose in NOT_REFRESHING:
        return ""
    row = wiring.explain(provider, code=code) if code else None
    if row is not None and row.outcome == outcome:
        return row.next_step
    meaning = _meaning(outcome)
    return meaning.next_step if meaning else ""


def _meaning(outcome: str) -> OutcomeMeaning | None:
    """Return the row of the table; None for an outcome that a newer release may have stored."""
    try:
        return MEANING_OF[Outcome(outcome)]
    except ValueError:
        return None


def _failed(user: Any, run: Run) -> list[Attempt]:
    """Return the first `MOST_LISTED` logins that did not end well."""
    ended = attempts_of(user).filter(run=run, state=AttemptState.DONE.value, login__isnull=False)
    failed = ended.exclude(outcome=Outcome.FRESH.value).select_related("login__customer")
    return list(failed.order_by("pk")[:MOST_LISTED])
