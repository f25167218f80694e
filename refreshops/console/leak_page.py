"""The page "Leaks": where register and provider disagree, its cost, and the seven-day clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Max, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from refreshops import wiring
from refreshops.console import clock_week, leak_buttons, leak_lists, look_again
from refreshops.console.addresses import all_logins
from refreshops.console.leak_buttons import Button, Names
from refreshops.console.leak_lists import (
    COST_WORDS,
    FIRST_ROWS,
    UNCONFIRMED,
    UNKNOWN,
    Prices,
    Tally,
    money_words,
)
from refreshops.console.scoping import logins_of, sees_everything
from refreshops.console.unknown_list import Report, report_of, sees_unknown, unknown_list
from refreshops.logins import leaks
from refreshops.logins.models import Login, Provider
from refreshops.routine.reports import last_report


@dataclass(frozen=True)
class LeakList:
    """What the page draws of one list; `notes` are what its providers say of their switch."""

    leak: leaks.Leak
    tally: Tally
    cost: str
    url: str
    rows: list[Login]
    buttons: list[Button]
    notes: list[str]


@dataclass(frozen=True)
class Alarm:
    """Switch-offs that are not confirmed after a day."""

    count: int
    url: str
    buttons: list[Button]
    notes: list[str]


@require_safe
def leaks_page(request: HttpRequest) -> HttpResponse:
    """Show the lists, each with the one order that puts it right."""
    user = request.user
    if not user.has_perm("logins.view_login"):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        **_leaking(user, now=wiring.clock()),
        "title": "Leaks",
        "may_look_again": look_again.may(user),
        "sample": look_again.USUAL_SAMPLE,
        "most_sampled": look_again.MOST_SAMPLED,
        "scoped": not sees_everything(user),
        "first_rows": FIRST_ROWS,
    }
    return TemplateResponse(request, "console/leaks.html", context)


def _leaking(user: Any, *, now: datetime) -> dict[str, Any]:
    names = [*leaks.LEAKS, UNCONFIRMED]
    tallies = leak_lists.tally(user, names, now=now, with_unknown=sees_unknown(user))
    told = _told(now)
    unknown = unknown_list(
        user,
        counted=tallies.get(UNKNOWN, Tally()),
        prices=told.prices,
        names=told.names,
        reports=told.reports,
    )
    number = sum(tallies[name].count for name in leaks.LEAKS) + (unknown.count if unknown else 0)
    wasted = tallies[leaks.OFF_HERE_ON_THERE]
    return {
        "wasted": wasted.count,
        "wasted_money": money_words(per_provider=wasted.per_provider, prices=told.prices),
        "alarm": _alarm(user, tallies[UNCONFIRMED], names=told.names),
        "lists": _lists(user, tallies, told, now=now),
        "unknown": unknown,
        "several": len(told.names) > 1,
        "nothing_leaks": number == 0,
        "looked_at": None if number else _looked_at(user),
        "week": clock_week.week_of(user, now=now, asked_today=told.asked_today),
    }


@dataclass(frozen=True)
class _Told:
    """Each provider's price and newest report, and whether today's run is over for the clock."""

    names: Names
    prices: Prices
    reports: list[Report]
    asked_today: bool = False


def _told(now: datetime) -> _Told:
    newest = last_report()
    rows = Provider.objects.order_by("pk").annotate(
        reported_at=Subquery(newest.values("finished_at")),
        told=Subquery(newest.values("run__report")),
        asked_today=Exists(clock_week.todays_run_over(now)),
    )
    found = list(rows)
    return _Told(
        names={row.pk: row.name for row in found},
        prices={row.pk: (row.cost_per_login_month, row.currency) for row in found},
        reports=[report_of(row, at=row.reported_at, told=row.told) for row in found],
        asked_today=bool(found) and found[0].asked_today,
    )


def _lists(user: Any, tallies: dict[str, Tally], told: _Told, *, now: datetime) -> list[LeakList]:
    """Return the lists of the register, each with its first rows and its buttons."""
    rows = leak_lists.first_rows(user, tallies, now=now)
    return [
        _list_of(user, leak, tallies[leak.name], rows=rows.get(leak.name, []), told=told)
        for leak in leaks.LEAKS.values()
    ]


def _list_of(
    user: Any, leak: leaks.Leak, counted: Tally, *, rows: list[Login], told: _Told
) -> LeakList:
    money = money_words(per_provider=counted.per_provider, prices=told.prices)
    found = []
    if rows:
        found = leak_buttons.buttons(user, leak.name, counted, row=rows[0].pk, names=told.names)
    return LeakList(
        leak=leak,
        tally=counted,
        cost=COST_WORDS[leak.name].format(money) if money and leak.name in COST_WORDS else "",
        url=all_logins(leak=leak.name),
        rows=rows,
        buttons=found,
        notes=leak_buttons.notes(leak.name, counted, told.names),
    )


def _alarm(user: Any, counted: Tally, *, names: Names) -> Alarm | None:
    if not counted.count:
        return None
    found = []
    if counted.row is not None:
        found = leak_buttons.buttons(user, UNCONFIRMED, counted, row=counted.row, names=names)
    said = leak_buttons.notes(UNCONFIRMED, counted, names)
    return Alarm(counted.count, all_logins(leak=UNCONFIRMED), found, said)


def _looked_at(user: Any) -> datetime | None:
    """Return when the provider last said anything about a login of this person's."""
    found: datetime | None = logins_of(user).aggregate(at=Max("nightly_seen_at"))["at"]
    return found
