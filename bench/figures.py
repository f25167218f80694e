"""What one race gave, and the medians of several."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.watched import Spent


@dataclass(frozen=True)
class Figures:
    """One race of one contestant."""

    logins_per_s: float
    cpu_ms_per_login: float
    start_cpu_s: float
    peak_rss_mb: float

    def as_json(self) -> dict[str, float]:
        """Return the numbers, rounded."""
        return {name: round(value, 3) for name, value in vars(self).items()}


def figures_of(lines: list[dict[str, Any]], spent: list[Spent], *, logins: int) -> Figures:
    """Judge a race by the simulator's log: from its first arrival to its last answer.

    Raises RuntimeError unless every login was asked exactly twice: a race that loses or doubles
    something has no figures.
    """
    told = {(line["login_id"], line["endpoint"]) for line in lines if line["status"] == 200}
    if len(lines) != 2 * logins or len(told) != 2 * logins:
        raise RuntimeError(f"{logins} logins, but {len(lines)} calls, {len(told)} of them right")
    begun, ended = min(line["arrived"] for line in lines), max(line["answered"] for line in lines)
    return Figures(
        logins_per_s=logins / (ended - begun),
        cpu_ms_per_login=sum(one.cpu_s for one in spent) * 1000 / logins,
        start_cpu_s=max(one.start_cpu_s for one in spent),
        peak_rss_mb=max(one.peak_rss_mb for one in spent),
    )


def spread(values: list[float], *, digits: int = 0) -> str:
    """Return `median [min-max]`."""
    middle, low, high = median(values), min(values), max(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
