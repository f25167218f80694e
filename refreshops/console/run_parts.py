"""The parts of a run's page that say more than its card: the matrix, and the list of its logins."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from refreshops import wiring
from refreshops.console.addresses import NO_BANK, NO_CODE, bundle_of_cell
from refreshops.console.badges import data_words, good_end_of, outcome_label_of
from refreshops.console.charts import in_bar_order
from refreshops.console.matrix import Matrix, build
from refreshops.console.scoping import attempts_of
from refreshops.console.search import is_number, spellings
from refreshops.logins.models import Login
from refreshops.routine.models import Attempt, Run
from refreshops.routine.tallies import Cell, Tally
from refreshops.rules.lifecycle import AttemptState

PER_PAGE = 50
NARROWED_BY = ("outcome", "code", "institution", "data", "q")
# Values of a filter that stand for what has no value of its own.
WAITING, CALLING, CANCELLED = "waiting", "calling", "cancelled"
ENDED, FAILED = "ended", "failed"
AFTER, BEFORE, LAST = "after", "before", "last"

STATES = {
    WAITING: (AttemptState.DUE.value, "Still waiting"),
    CALLING: (AttemptState.CALLING.value, "Being asked"),
    CANCELLED: (AttemptState.CANCELLED.value, "Called off"),
    ENDED: (AttemptState.DONE.value, "All that were asked"),
}


@dataclass(frozen=True)
class AttemptsPart:
    """One page of a run's attempts, what narrows it, and the addresses of other pages."""

    rows: list[Attempt]
    narrowed: list[tuple[str, str]]
    pages: list[tuple[str, str]]
    bundle_url: str


@dataclass(frozen=True)
class Choice:
    """One box of the form that narrows the list; `options` are value and words."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


def asked_for(request: HttpRequest) -> dict[str, str]:
    """Return what the address narrows the list of attempts by."""
    asked = {name: request.GET.get(name, "").replace("\0", "").strip() for name in NARROWED_BY}
    return {name: value for name, value in asked.items() if value}


def attempts_part(request: HttpRequest, run: Run) -> AttemptsPart:
    """Return the page of attempts that the address asks for, in the order in which they are asked.

    A page is named by the attempt it follows, or stands before: it costs the same at any depth.
    A senseless one gives the first.
    """
    chosen = asked_for(request)
    mine = narrowed(attempts_of(request.user).filter(run=run), chosen)
    rows, earlier, later = _page(
        mine.select_related("login__customer"),
        after=request.GET.get(AFTER, ""),
        before=request.GET.get(BEFORE, ""),
    )
    return AttemptsPart(
        rows=rows,
        narrowed=[(name, _words(name, value, run)) for name, value in chosen.items()],
        pages=list(_pages(rows, chosen, earlier=earlier, later=later)),
        bundle_url=_bundle_url(request, run, chosen),
    )


def narrowed(rows: QuerySet[Attempt], chosen: dict[str, str]) -> QuerySet[Attempt]:
    """Keep the attempts that fit every choice; any choice leaves out the provider's report."""
    if chosen:
        rows = rows.filter(login__isnull=False)
    for name, value in chosen.items():
        rows = rows.filter(_CONDITIONS[name](value))
    return rows


def choices(tally: Tally, run: Run, chosen: dict[str, str]) -> list[Choice]:
    """Return the boxes that narrow the list, with what occurs in the run."""
    outcomes = [(name, outcome_label_of(name, run)) for name, _ in in_bar_order(tally.outcomes)]
    counts = {WAITING: tally.due, CALLING: tally.calling, CANCELLED: tally.cancelled}
    states = [(name, STATES[name][1]) for name, number in counts.items() if number]
    banks = sorted({cell[0] for cell in tally.cells})
    codes = sorted({cell[1] for cell in tally.cells if cell[1]})
    data = [(name, data_words(name)) for name in sorted(tally.data_states) if name]
    boxes = (
        ("outcome", "Outcome", [(FAILED, _all_but_good(run)), *outcomes, *states]),
        ("institution", "Institution", [(name or NO_BANK, name or NO_BANK) for name in banks]),
        ("code", wiring.words(run.provider.name).code, [(code, code) for code in codes]),
        ("data", "Data we hold", data),
    )
    return [
        Choice(name, label, options, chosen.get(name, ""))
        for name, label, options in boxes
        if options
    ]


def matrix_part(run: Run, cells: Iterable[Cell]) -> Matrix:
    """Lay out the counted cells; each narrows the list of attempts below to exactly its rows."""

    def link(institution: str, code: str, outcome: str) -> str:
        return _narrowed_to(institution=institution or NO_BANK, code=code, outcome=outcome)

    def whole_bank(institution: str) -> str:
        return _narrowed_to(institution=institution or NO_BANK, outcome=ENDED)

    return build(cells, link=link, whole_bank=whole_bank)


def _narrowed_to(**chosen: str) -> str:
    order = {name: chosen.get(name, "") for name in NARROWED_BY}
    return f"?{urlencode({name: value for name, value in order.items() if value})}#attempts"


def _page(rows: QuerySet[Attempt], *, after: str, before: str) -> tuple[list[Attempt], bool, bool]:
    """Return the rows of a page, and whether there are earlier and later ones."""
    if before == LAST or is_number(before):
        earlier = rows if before == LAST else rows.filter(pk__lt=int(before))
        found = list(earlier.order_by("-pk")[: PER_PAGE + 1])
        if found:
            return found[:PER_PAGE][::-1], len(found) > PER_PAGE, before != LAST
    past = is_number(after)
    found = list((rows.filter(pk__gt=int(after)) if past else rows).order_by("pk")[: PER_PAGE + 1])
    if past and not found:
        return _page(rows, after="", before="")
    return found[:PER_PAGE], past, len(found) > PER_PAGE


def _pages(
    rows: list[Attempt], chosen: dict[str, str], *, earlier: bool, later: bool
) -> Iterator[tuple[str, str]]:
    def to(**where: object) -> str:
        return f"?{urlencode({**chosen, **where})}#attempts"

    if earlier:
        yield "First", to()
    if earlier and rows:
        yield "Before", to(**{BEFORE: rows[0].pk})
    if later:
        yield "Next", to(**{AFTER: rows[-1].pk})
        yield "Last", to(**{BEFORE: LAST})


def _bundle_url(request: HttpRequest, run: Run, chosen: dict[str, str]) -> str:
    """Return the support bundle of the cell shown; "" when the list shows no cell of the matrix."""
    outcome = chosen.get("outcome", "")
    of_a_cell = chosen.keys() <= {"outcome", "code", "institution"}
    if not chosen or not of_a_cell or outcome in (*STATES, FAILED):
        return ""
    if not request.user.has_perm("tracing.bundle_call"):
        return ""
    cell = {name: value for name, value in chosen.items() if value != NO_CODE}
    return bundle_of_cell(**cell, run=run.pk)


def _by_outcome(value: str) -> Q:
    if value in STATES:
        return Q(state=STATES[value][0])
    done = Q(state=AttemptState.DONE.value)
    return done & ~Q(outcome="fresh") if value == FAILED else done & Q(outcome=value)


def _by_search(value: str) -> Q:
    """Find one login by its id, or those of one customer by the reference: both are exact."""
    login = Login.objects.filter(login_id__in=spellings(value))
    of_customer = Login.objects.filter(customer__reference__in={value, value.upper()})
    return Q(login__in=login.values("pk")) | Q(login__in=of_customer.values("pk"))


_CONDITIONS: dict[str, Any] = {
    "outcome": _by_outcome,
    "code": lambda value: Q(provider_code="" if value == NO_CODE else value),
    "institution": lambda value: Q(login__institution="" if value == NO_BANK else value),
    "data": lambda value: Q(data_state=value),
    "q": _by_search,
}


def _words(name: str, value: str, run: Run) -> str:
    if name == "outcome":
        if value == FAILED:
            return _all_but_good(run)
        return STATES[value][1] if value in STATES else outcome_label_of(value, run)
    if name == "data":
        return data_words(value)
    if name == "code" and value == NO_CODE:
        return "without a code"
    return value


def _all_but_good(run: Run) -> str:
    return f"All but {good_end_of(run).lower()}"
