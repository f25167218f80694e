"""The parts of a run's page that need their own questions: matrix and list of attempts."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from refreshops.console.badges import outcome_label
from refreshops.console.matrix import Matrix, build
from refreshops.console.scoping import attempts_of
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import AttemptState

PER_PAGE = 50
NARROWED_BY = ("outcome", "code", "institution")
WAITING = "waiting"


@dataclass(frozen=True)
class AttemptsPart:
    """One page of a run's attempts, and what narrows it."""

    page: Page[Attempt]
    narrowed: list[tuple[str, str]]
    query: str


def attempts_part(request: HttpRequest, run: Run) -> AttemptsPart:
    """Return the page of attempts that the address asks for; a senseless page gives the nearest."""
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in NARROWED_BY}
    chosen = {name: value for name, value in asked.items() if value}
    rows = _narrowed(attempts_of(request.user).filter(run=run), chosen)
    newest_first = rows.select_related("login__customer").order_by("-finished_at", "-pk")
    return AttemptsPart(
        page=Paginator(newest_first, PER_PAGE).get_page(request.GET.get("page")),
        narrowed=[(name, _words(name, value)) for name, value in chosen.items()],
        query=urlencode(chosen),
    )


def matrix_part(request: HttpRequest, run: Run) -> Matrix:
    """Return the matrix of the reader's own logins; a cell narrows the list of attempts below."""
    ended = attempts_of(request.user).filter(
        run=run, state=AttemptState.DONE.value, login__isnull=False
    )
    rows = ended.values_list("login__institution", "provider_code", "outcome").annotate(Count("pk"))
    counted = ((bank or "?", code, outcome, number) for bank, code, outcome, number in rows)

    def link(institution: str, code: str, outcome: str) -> str:
        chosen = {"outcome": outcome, "code": code, "institution": institution}
        return f"?{urlencode({k: v for k, v in chosen.items() if v})}#attempts"

    return build(counted, link=link)


def _narrowed(rows: QuerySet[Attempt], chosen: dict[str, str]) -> QuerySet[Attempt]:
    outcome = chosen.get("outcome")
    if outcome == WAITING:
        rows = rows.filter(state__in=[AttemptState.DUE.value, AttemptState.CALLING.value])
    elif outcome == AttemptState.CANCELLED:
        rows = rows.filter(state=AttemptState.CANCELLED.value)
    elif outcome:
        rows = rows.filter(outcome=outcome)
    if "code" in chosen:
        rows = rows.filter(provider_code=chosen["code"])
    if "institution" in chosen:
        name = "" if chosen["institution"] == "?" else chosen["institution"]
        rows = rows.filter(login__institution=name)
    return rows


def _words(name: str, value: str) -> str:
    if name != "outcome":
        return value
    return {WAITING: "still waiting", "cancelled": "cancelled"}.get(value) or outcome_label(value)
