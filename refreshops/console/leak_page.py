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
from refreshops.console import clock_week, leak_lists, look_again
from refreshops.console.addresses import all_logins
from refreshops.console.leak_lists import (
    FIRST_ROWS,
    UNCONFIRMED,
    UNKNOWN,
    Button,
    Prices,
    Tally,
    money_words,
)
from refreshops.console.scoping import logins_of, sees_everything
from refreshops.console.unknown_list import last_report, sees_unknown, unknown_list
from refreshops.logins import leaks
from refreshops.logins.models import Provider


@dataclass(frozen=True)
class Alarm:
    """Switch-offs that are not confirmed after a day."""

    count: int
    url: str
    buttons: list[Button]


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
        reported_at=told.reported_at,
    )
    number = sum(tallies[name].count for name in leaks.LEAKS) + (unknown.count if unknown else 0)
    wasted = tallies[leaks.OFF_HERE_ON_THERE]
    return {
        "wasted": wasted.count,
        "wasted_money": money_words(per_provider=wasted.per_provider, prices=told.prices),
        "alarm": _alarm(user, tallies[UNCONFIRMED]),
        "lists": leak_lists.lists_for(user, tallies=tallies, prices=told.prices, now=now),
        "unknown": unknown,
        "nothing_leaks": number == 0,
        "looked_at": None if number else _looked_at(user),
        "week": clock_week.week_of(user, now=now, asked_today=told.asked_today),
    }


@dataclass(frozen=True)
class _Told:
    """Prices, when a provider last reported, and whether today's run is over."""

    prices: Prices
    reported_at: datetime | None = None
    asked_today: bool = False


def _told(now: datetime) -> _Told:
    rows = Provider.objects.annotate(
        reported_at=Subquery(last_report()), asked_today=Exists(clock_week.todays_run_over(now))
    )
    columns = ("pk", "cost_per_login_month", "currency", "reported_at", "asked_today")
    found = list(rows.values_list(*columns))
    prices = {pk: (amount, currency) for pk, amount, currency, _, _ in found}
    return _Told(prices, *found[0][3:]) if found else _Told(prices)


def _alarm(user: Any, counted: Tally) -> Alarm | None:
    if not counted.count:
        return None
    url, found = all_logins(leak=UNCONFIRMED), []
    if counted.row is not None and user.has_perm("logins.switch_login"):
        label = f"Order {leak_lists.how_many(counted.count)} off again…"
        found = [leak_lists.switch_off(label, url, row=counted.row)]
    return Alarm(counted.count, url, found)


def _looked_at(user: Any) -> datetime | None:
    """Return when the provider last said anything about a login of this person's."""
    found: datetime | None = logins_of(user).aggregate(at=Max("nightly_seen_at"))["at"]
    return found
