"""What the import says about a file: how much it would change, and what looks odd in it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from refreshops.logins.cells import visible
from refreshops.logins.customer_import import Report, Shown
from refreshops.routine.roles import ACCOUNT_MANAGERS

LABELS = {
    "reference": "reference",
    "name": "name",
    "account_manager": "account manager",
    "last_activity_at": "last activity",
    "email": "e-mail",
    "language": "language",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One cell that changes, as people read it."""

    line: int
    reference: str
    new: bool
    column: str
    before: str
    after: str


def about(report: Report) -> dict[str, Any]:
    """Return what the page shows of a report."""
    return {
        "facts": _facts(report),
        "notices": _notices(report),
        "sample": [line for change in report.sample for line in _lines(change)],
        "more_faults": report.faults.count - len(report.faults.kept),
    }


def _lines(change: Shown) -> Iterator[Line]:
    for name, before, after in change.columns or [("reference", "", change.reference)]:
        yield Line(
            change.line,
            visible(change.reference),
            change.new,
            LABELS[name],
            _text(before),
            _text(after),
        )


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M %Z")
    return visible(str(value or "")) or "–"


def _facts(report: Report) -> list[tuple[str, str]]:
    numbers = [
        ("Rows", str(report.rows)),
        ("New customers", str(report.new)),
        ("Changed", f"{report.changed}{_columns(report.columns)}"),
        ("As they are", str(report.unchanged)),
    ]
    bad = report.faults.count
    return [*numbers, ("Bad rows", str(bad))] if bad else numbers


def _columns(columns: Counter[str]) -> str:
    told = ", ".join(f"{LABELS[name]} of {columns[name]}" for name in LABELS if columns[name])
    return f" ({told})" if told else ""


def _notices(report: Report) -> list[str]:
    """Return what is no fault, but worth a look before confirming."""
    found = []
    if report.moved_back:
        found.append(
            f"{_customers(report.moved_back)} would have an earlier last activity than the "
            "register knows."
        )
    for person, count in report.elsewhere.most_common(5):
        found.append(f"{_customers(count)} would go to {person}, who is not in {ACCOUNT_MANAGERS}.")
    return found


def said(report: Report) -> str:
    """Return one line about an import that was carried out."""
    return f"{report.new} new, {report.changed} changed, {report.unchanged} as they were."


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count} customers"
