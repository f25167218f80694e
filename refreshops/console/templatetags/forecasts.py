"""The forecast of the next daily run, for the pages on which its limit and its time are set."""

from typing import Any

from django import template
from django.template import Context

from refreshops import wiring
from refreshops.console import start_of_day
from refreshops.logins.models import Provider
from refreshops.routine.forecasts import DayForecast

register = template.Library()

KEPT = "limits compared"


@register.simple_tag(takes_context=True)
def limits_compared(context: Context, provider: Any) -> list[DayForecast]:
    """Return what the next daily run of a provider comes to at several limits, asked for once.

    As the database has the provider: a refused form leaves a senseless limit on the row.
    """
    kept = context.render_context
    if KEPT not in kept:
        row = Provider.objects.filter(pk=provider.pk, name__in=wiring.provider_names()).first()
        kept[KEPT] = start_of_day.limits_compared(row) if row else []
    found: list[DayForecast] = kept[KEPT]
    return found


@register.simple_tag
def next_days() -> list[DayForecast]:
    """Return the next daily run of every provider that has logins to ask."""
    rows = Provider.objects.filter(name__in=wiring.provider_names()).order_by("name")
    days = [start_of_day.next_day_of(row) for row in rows]
    return [day for day in days if day.logins]
