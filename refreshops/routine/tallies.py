"""How the logins of runs stand, counted in one question for as many runs as a page shows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import (
    CharField,
    Count,
    Func,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)

from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.rules.lifecycle import AttemptState
from refreshops.rules.outcomes import Outcome

# Institution, code, outcome, and how many ended so.
Cell = tuple[str, str, str, int]

STATES_WITHOUT_END = (*OPEN_ATTEMPT, AttemptState.CANCELLED.value)
# Every state with the outcomes that go with it: one, if it is done, else none.
ENDS = (
    *((state, "") for state in STATES_WITHOUT_END),
    *((AttemptState.DONE.value, outcome.value) for outcome in Outcome),
)


@dataclass
class Tally:
    """How many logins of a run stand how. `cells` is empty unless counted closely.

    The one call about the provider as a whole is no login and is not counted.
    """

    due: int = 0
    calling: int = 0
    done: int = 0
    cancelled: int = 0
    outcomes: "Counter[str]" = field(default_factory=Counter)
    data_states: "Counter[str]" = field(default_factory=Counter)
    cells: list[Cell] = field(default_factory=list)

    @property
    def logins(self) -> int:
        """All of them."""
        return self.due + self.calling + self.done + self.cancelled

    @property
    def left(self) -> int:
        """Those to whom something more happens."""
        return self.due + self.calling

    def add(self, state: str, outcome: str, number: int) -> None:
        """Count `number` more logins of one state; an outcome goes with those that are done."""
        setattr(self, state, getattr(self, state) + number)
        if state == AttemptState.DONE.value:
            self.outcomes[outcome] += number


def tally_of_totals(totals: Mapping[str, Any]) -> Tally:
    """Return the tally that an ended run keeps itself: it outlives its attempts."""
    return Tally(
        done=totals.get("done", 0),
        cancelled=totals.get("cancelled", 0),
        outcomes=Counter(totals.get("outcomes", {})),
        data_states=Counter(totals.get("data_states", {})),
    )


def tallies(attempts: QuerySet[Attempt], runs: Iterable[int]) -> dict[int, Tally]:
    """Count those of `attempts` that belong to `runs`; one question, whatever their number."""
    found = {pk: Tally() for pk in runs}
    if not found:
        return found
    # Each of part of them has to be looked at: then once, and not once for each state.
    counted = _grouped if attempts.query.where else _ranged
    for pk, state, outcome, number in counted(attempts, list(found)):
        found[pk].add(state, outcome, number)
    return found


def _ranged(attempts: QuerySet[Attempt], runs: list[int]) -> Iterator[tuple[int, str, str, int]]:
    """Count each state and outcome by itself: a range of one index.

    A grouping of many attempts would compare them one by one, and to look whether each has a login
    takes half as long again: the one that has none is found by itself and taken off.
    """
    rows = attempts.filter(run=OuterRef("pk"))
    whole = rows.filter(login__isnull=True).order_by()
    of_provider = (Subquery(whole.values(name)[:1]) for name in ("state", "outcome"))
    counts = [count_of(rows.filter(state=state, outcome=outcome)) for state, outcome in ENDS]
    counted = Run.objects.filter(pk__in=runs).values_list("pk", *of_provider, *counts)
    for pk, its_state, its_outcome, *numbers in counted:
        for (state, outcome), number in zip(ENDS, numbers, strict=True):
            if left := number - ((state, outcome) == (its_state, its_outcome)):
                yield pk, state, outcome, left


def _grouped(attempts: QuerySet[Attempt], runs: list[int]) -> Iterator[tuple[int, str, str, int]]:
    rows = attempts.filter(run__in=runs, login__isnull=False).order_by()
    yield from rows.values_list("run_id", "state", "outcome").annotate(number=Count("*"))


def count_of(rows: QuerySet[Any]) -> Subquery:
    """Return the number of `rows` as part of another question.

    COUNT(*), for a COUNT of a column has PostgreSQL read the rows when an index would do.
    """
    counted = Func(template="COUNT(*)", output_field=IntegerField())
    return Subquery(rows.order_by().annotate(number=counted).values("number"))


def tally_closely(attempts: QuerySet[Attempt], *, run: int) -> Tally:
    """Count those of `attempts` that belong to a run, by data state, institution and code as well.

    One question: what has not ended is counted without a look at its logins.
    """
    mine = attempts.filter(run=run, login__isnull=False).order_by()
    by = ("state", "outcome", "data_state", "provider_code", "login__institution")
    ended = mine.filter(state=AttemptState.DONE.value).values_list(*by)
    parts = [_number_of(mine, run, state) for state in STATES_WITHOUT_END]
    tally = Tally()
    cells: Counter[tuple[str, str, str]] = Counter()
    for state, outcome, data, code, bank, number in ended.annotate(number=Count("*")).union(
        *parts, all=True
    ):
        tally.add(state, outcome, number)
        if state == AttemptState.DONE.value:
            tally.data_states[data] += number
            cells[bank, code, outcome] += number
    tally.cells = [(*cell, number) for cell, number in cells.items()]
    return tally


def _number_of(mine: QuerySet[Attempt], run: int, state: str) -> QuerySet[Any]:
    """Return one row like those of a grouping, but for a range of an index, counted as a whole."""
    nothing = {name: Value("", output_field=CharField()) for name in ("a", "b", "c", "d")}
    rows = mine.filter(state=state, outcome="")
    counted = Run.objects.filter(pk=run).order_by().values_list(Value(state), *nothing.values())
    return counted.annotate(number=count_of(rows))
