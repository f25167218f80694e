"""The matrix institution × code: worst first, an outage of one bank told in one line beside it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from refreshops.console.addresses import NO_CODE
from refreshops.console.badges import outcome_label
from refreshops.console.charts import BAR_ORDER, in_bar_order
from refreshops.rules.outages import looks_down
from refreshops.rules.outcomes import Outcome

HEAT_STEPS = 4
# More columns nobody reads: the codes of the outcomes with the fewest logins are summed up.
MOST_COLUMNS = 14

# Institution, code, outcome, how many.
Counted = tuple[str, str, str, int]
# What gives an address: institution, code ("" for any, NO_CODE for none), outcome.
Link = Callable[[str, str, str], str]


@dataclass(frozen=True, order=True)
class Column:
    """One code with its outcome; `code` is empty where the outcome had none.

    With `codes` it sums up so many codes of the outcome.
    """

    rank: int
    outcome: str
    code: str
    codes: int = 0

    @property
    def title(self) -> str:
        """Return the code as it came, or the outcome's words."""
        if self.codes:
            return f"{outcome_label(self.outcome)}, {self.codes} codes"
        return self.code or outcome_label(self.outcome)

    @property
    def hint(self) -> str:
        """Return the code and the outcome's words, for the tooltip: the heading may be cut."""
        words = outcome_label(self.outcome)
        return f"{self.code}: {words}" if self.code else self.title


@dataclass(frozen=True)
class Cell:
    """How many logins of one institution ended so; `heat` is 0 (none) to 4."""

    count: int
    heat: int
    url: str
    outcome: str


@dataclass(frozen=True)
class Line:
    """One institution."""

    institution: str
    cells: list[Cell]
    fresh: int
    total: int
    fresh_url: str = ""
    total_url: str = ""


@dataclass(frozen=True)
class Rest:
    """Logins of a bank that looks down which ended otherwise."""

    outcome: str
    label: str
    count: int
    url: str


@dataclass(frozen=True)
class Outage:
    """Most logins of one bank failed on the bank's side: a line instead of one in the matrix."""

    institution: str
    count: int
    total: int
    url: str
    rest: list[Rest] = field(default_factory=list)
    bundle: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """Everything the template draws."""

    columns: list[Column] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)


class _Bank:
    """What was counted of one institution."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fresh = 0
        self.cells: Counter[tuple[str, str]] = Counter()

    @property
    def total(self) -> int:
        return self.fresh + self.cells.total()

    @property
    def by_outcome(self) -> "Counter[str]":
        found: Counter[str] = Counter()
        for (outcome, _), number in self.cells.items():
            found[outcome] += number
        return found

    @property
    def looks_down(self) -> bool:
        down = self.by_outcome[Outcome.INSTITUTION_UNAVAILABLE.value]
        return bool(self.name) and looks_down(failing=down, total=self.total)


def build(
    counted: Iterable[Counted],
    *,
    link: Link,
    whole_bank: Callable[[str], str] | None = None,
) -> Matrix:
    """Lay out rows of (institution, code, outcome, count).

    `link(institution, code, outcome)` gives a cell's address, "" for none, and `whole_bank` that
    of all logins of an institution. Fresh logins get no column: they count in the totals.
    """
    banks: dict[str, _Bank] = {}
    for institution, code, outcome, number in counted:
        bank = banks.setdefault(institution, _Bank(institution))
        if outcome == Outcome.FRESH:
            bank.fresh += number
        else:
            bank.cells[outcome, code] += number
    up = [bank for bank in banks.values() if not bank.looks_down]
    columns = _columns(up)
    coded = {column.outcome for column in columns if column.code}
    lines = [
        _line(bank, columns, coded=coded, link=link, whole_bank=whole_bank)
        for bank in sorted(up, key=lambda bank: (bank.fresh - bank.total, bank.name))
    ]
    down = [_outage(bank, link=link) for bank in banks.values() if bank.looks_down]
    down.sort(key=lambda outage: (-outage.count, outage.institution))
    return Matrix(columns=columns, lines=lines, outages=down)


def _columns(banks: list[_Bank]) -> list[Column]:
    """Return a column for each code, or for a whole outcome where there are too many."""
    sums: dict[str, Counter[str]] = {}
    for bank in banks:
        for (outcome, code), number in bank.cells.items():
            sums.setdefault(outcome, Counter())[code] += number
    summed_up: set[str] = set()
    fewest_first = sorted(sums, key=lambda outcome: (sums[outcome].total(), outcome))
    for outcome in fewest_first:
        if sum(1 if name in summed_up else len(codes) for name, codes in sums.items()) <= (
            MOST_COLUMNS
        ):
            break
        if len(sums[outcome]) > 1:
            summed_up.add(outcome)
    return sorted(
        column
        for outcome, codes in sums.items()
        for column in _columns_of(outcome, codes, summed_up=outcome in summed_up)
    )


def _columns_of(outcome: str, codes: "Counter[str]", *, summed_up: bool) -> list[Column]:
    rank = _rank(outcome)
    if summed_up:
        return [Column(rank, outcome, "", codes=len(codes))]
    return [Column(rank, outcome, code) for code in codes]


def _line(
    bank: _Bank,
    columns: list[Column],
    *,
    coded: set[str],
    link: Link,
    whole_bank: Callable[[str], str] | None,
) -> Line:
    cells = [_cell(bank, column, coded=coded, link=link) for column in columns]
    return Line(
        institution=bank.name,
        cells=cells,
        fresh=bank.fresh,
        total=bank.total,
        fresh_url=link(bank.name, "", Outcome.FRESH.value) if bank.fresh else "",
        total_url=whole_bank(bank.name) if whole_bank else "",
    )


def _cell(bank: _Bank, column: Column, *, coded: set[str], link: Link) -> Cell:
    if column.codes:
        number = bank.by_outcome[column.outcome]
        code = ""
    else:
        number = bank.cells[column.outcome, column.code]
        # An address without a code would lead to those with one as well.
        code = column.code or (NO_CODE if column.outcome in coded else "")
    return Cell(
        count=number,
        heat=_heat(number, bank.total),
        url=link(bank.name, code, column.outcome) if number else "",
        outcome=column.outcome,
    )


def _outage(bank: _Bank, *, link: Link) -> Outage:
    bank_side = Outcome.INSTITUTION_UNAVAILABLE.value
    ended = {**bank.by_outcome, Outcome.FRESH.value: bank.fresh}
    return Outage(
        institution=bank.name,
        count=ended[bank_side],
        total=bank.total,
        url=link(bank.name, "", bank_side),
        rest=[
            Rest(outcome, outcome_label(outcome).lower(), number, link(bank.name, "", outcome))
            for outcome, number in in_bar_order(ended)
            if outcome != bank_side
        ],
        bundle={"institution": bank.name, "outcome": bank_side},
    )


def _heat(count: int, total: int) -> int:
    return min(HEAT_STEPS, 1 + count * HEAT_STEPS // (total + 1)) if count else 0


def _rank(outcome: str) -> int:
    # Fresh stands first in a bar; in the matrix what a person must act on stands first.
    urgent = (Outcome.OUR_CONFIG, Outcome.USER_ACTION, Outcome.LOGIN_GONE, Outcome.UNKNOWN)
    order = [row.value for row in (*urgent, *(row for row in BAR_ORDER if row not in urgent))]
    return order.index(outcome) if outcome in order else len(order)
