"""The banks of a reader's open cases: how many there are at each, and which banks look down."""

from typing import Any, NamedTuple

from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest

from refreshops.console.scoping import logins_by_customer, seen_by, sees_everything
from refreshops.logins import cases, outages
from refreshops.logins.models import Login, ReconnectCase


def open_cases_of(user: Any) -> QuerySet[ReconnectCase]:
    """Return the open cases of wanted logins that this person may see."""
    rows: QuerySet[ReconnectCase] = seen_by(user, cases.open_cases())
    return rows


class AtBank(NamedTuple):
    """What is counted at one bank: the reader's open cases, and everybody's failing logins.

    `failing` is 0 for who sees only part.
    """

    cases: int = 0
    failing: int = 0


def counted_by_bank(request: HttpRequest) -> dict[str, AtBank]:
    """Count the reader's open cases by institution, and what fails there; once a request."""
    known = request.__dict__
    if "cases_by_bank" not in known:
        rows: Any = open_cases_of(request.user).order_by().values_list("login__institution")
        rows = rows.annotate(cases=Count("pk"), failing=Value(0))
        if sees_everything(request.user):
            failing = outages.failing_by_bank().values_list("institution", Value(0), "failing")
            rows = rows.union(failing, all=True)
        counted: dict[str, AtBank] = {}
        for bank, *numbers in rows:
            before = counted.get(bank, AtBank())
            counted[bank] = AtBank(before.cases + numbers[0], before.failing + numbers[1])
        known["cases_by_bank"] = counted
    found: dict[str, AtBank] = known["cases_by_bank"]
    return found


def open_by_bank(request: HttpRequest) -> dict[str, int]:
    """Return the number of the reader's open cases of each institution that has any."""
    return {bank: row.cases for bank, row in counted_by_bank(request).items() if row.cases}


def down_for(request: HttpRequest) -> frozenset[str]:
    """Return the banks that look down over the reader's own logins, once a request.

    Only of those banks where the reader has an open case: no other folds any away.
    """
    known = request.__dict__
    if "banks_down" not in known:
        known["banks_down"] = _asked_down(request)
    found: frozenset[str] = known["banks_down"]
    return found


def _asked_down(request: HttpRequest) -> frozenset[str]:
    counted, user = counted_by_bank(request), request.user
    if sees_everything(user):
        return outages.down_of({bank: row.failing for bank, row in counted.items() if row.cases})
    theirs = logins_by_customer(user).filter(institution__in=sorted(counted))
    return outages.banks_down(theirs) if counted else frozenset()


def is_down_for(request: HttpRequest, institution: str) -> bool:
    """Tell whether one bank looks down over the reader's own logins, as `down_for` does."""
    everything = sees_everything(request.user)
    rows = Login.objects.all() if everything else logins_by_customer(request.user)
    return bool(outages.banks_down(rows.filter(institution=institution)))


def folded_away(request: HttpRequest) -> list[tuple[str, int]]:
    """Return the banks that look down with the number of their open cases, most first."""
    counted = open_by_bank(request)
    found = [(name, counted[name]) for name in down_for(request) if counted.get(name)]
    return sorted(found, key=lambda row: (-row[1], row[0]))
