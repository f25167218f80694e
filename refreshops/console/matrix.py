"""The matrix institution × code: worst first, an outage of one bank shown as one line."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from refreshops.console.badges import outcome_label
from refreshops.console.charts import BAR_ORDER
from refreshops.rules.outcomes import Outcome

# From here on a bank-side failure is one story about the bank, not many about customers.
OUTAGE_LOGINS = 3
OUTAGE_SHARE = 0.5
HEAT_STEPS = 4


@dataclass(frozen=True, order=True)
class Column:
    """One code with its outcome; `code` is empty where the outcome had none."""

    rank: int
    outcome: str
    code: str

    @property
    def title(self) -> str:
        """Return the code as it came, or the outcome's words."""
        return self.code or outcome_label(self.outcome)

    @property
    def hint(self) -> str:
        """Return the outcome's words, for the tooltip."""
        return outcome_label(self.outcome)


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


@dataclass(frozen=True)
class Outage:
    """Most logins of one bank failed on the bank's side."""

    institution: str
    count: int
    total: int
    url: str


@dataclass(frozen=True)
class Matrix:
    """Everything the template draws."""

    columns: list[Column] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)


Counted = tuple[str, str, str, int]


def build(counted: Iterable[Counted], *, link: Callable[[str, str, str], str]) -> Matrix:
    """Lay out rows of (institution, code, outcome, count).

    `link(institution, code, outcome)` gives a cell's address, "" for none. Fresh logins get no
    column: they count in the totals.
    """
    cells: dict[str, Counter[Column]] = {}
    fresh: Counter[str] = Counter()
    for institution, code, outcome, count in counted:
        named = cells.setdefault(institution, Counter())
        if outcome == Outcome.FRESH:
            fresh[institution] += count
        else:
            named[Column(_rank(outcome), outcome, code)] += count
    columns = sorted({column for row in cells.values() for column in row})
    lines = [
        _line(name, row, fresh=fresh[name], columns=columns, link=link)
        for name, row in cells.items()
    ]
    lines.sort(key=lambda line: (line.fresh - line.total, line.institution))
    return Matrix(columns=columns, lines=lines, outages=_outages(cells, fresh, link))


def _line(
    name: str,
    row: "Counter[Column]",
    *,
    fresh: int,
    columns: list[Column],
    link: Callable[[str, str, str], str],
) -> Line:
    total = fresh + row.total()
    cells = [
        Cell(
            count=row[column],
            heat=_heat(row[column], total),
            url=link(name, column.code, column.outcome) if row[column] else "",
            outcome=column.outcome,
        )
        for column in columns
    ]
    return Line(institution=name, cells=cells, fresh=fresh, total=total)


def _outages(
    cells: dict[str, "Counter[Column]"],
    fresh: "Counter[str]",
    link: Callable[[str, str, str], str],
) -> list[Outage]:
    found = []
    for name, row in cells.items():
        bank_side = Outcome.INSTITUTION_UNAVAILABLE.value
        down = sum(n for column, n in row.items() if column.outcome == bank_side)
        total = fresh[name] + row.total()
        if name and down >= OUTAGE_LOGINS and down >= OUTAGE_SHARE * total:
            found.append(Outage(name, down, total, link(name, "", bank_side)))
    return sorted(found, key=lambda outage: -outage.count)


def _heat(count: int, total: int) -> int:
    return min(HEAT_STEPS, 1 + count * HEAT_STEPS // (total + 1)) if count else 0


def _rank(outcome: str) -> int:
    # Fresh stands first in a bar; in the matrix what a person must act on stands first.
    urgent = (Outcome.OUR_CONFIG, Outcome.USER_ACTION, Outcome.LOGIN_GONE, Outcome.UNKNOWN)
    order = [row.value for row in (*urgent, *(row for row in BAR_ORDER if row not in urgent))]
    return order.index(outcome) if outcome in order else len(order)
