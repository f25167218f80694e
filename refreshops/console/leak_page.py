"""The page "Leaks": where register and provider disagree, its cost, and the seven-day clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from refreshops import wiring
from refreshops.console import clock_week, leak_lists, look_again
from refreshops.console.addresses import all_logins
from refreshops.console.leak_lists import FIRST_ROWS, UNCONFIRMED, Button, Tally
from refreshops.console.scoping import logins_of, sees_everything
from refreshops.console.unknown_list import unknown_list
from refreshops.logins import leaks


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
    tallies = leak_lists.tally(user, [*leaks.LEAKS, UNCONFIRMED], now=now)
    prices = leak_lists.prices()
    unknown = unknown_list(user, prices=prices)
    number = sum(tallies[name].count for name in leaks.LEAKS) + (unknown.count if unknown else 0)
    wasted = tallies[leaks.OFF_HERE_ON_THERE]
    return {
        "wasted": wasted.count,
        "wasted_money": leak_lists.money_words(per_provider=wasted.per_provider, prices=prices),
        "alarm": _alarm(user, tallies[UNCONFIRMED], now=now),
        "lists": leak_lists.lists_for(user, tallies=tallies, prices=prices, now=now),
        "unknown": unknown,
        "nothing_leaks": number == 0,
        "looked_at": None if number else _looked_at(user),
        "week": clock_week.week_of(user, now=now),
    }


def _alarm(user: Any, counted: Tally, *, now: datetime) -> Alarm | None:
    if not counted.count:
        return None
    url, found = all_logins(leak=UNCONFIRMED), []
    rows = leak_lists.rows_of(user, UNCONFIRMED, now=now).values_list("pk", flat=True)
    row = rows.first()
    if row is not None and user.has_perm("logins.switch_login"):
        label = f"Order {leak_lists.how_many(counted.count)} off again…"
        found = [leak_lists.switch_off(label, url, row=row)]
    return Alarm(counted.count, url, found)


def _looked_at(user: Any) -> datetime | None:
    """Return when the provider last said anything about a login of this person's."""
    found: datetime | None = logins_of(user).aggregate(at=Max("nightly_seen_at"))["at"]
    return found
