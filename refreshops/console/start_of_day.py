"""Today's run before it begins: when, how long it will take, and whether the day is long enough."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from refreshops import wiring
from refreshops.console.cards import Card
from refreshops.console.morning_runs import ShownRuns
from refreshops.console.overview import Overview
from refreshops.console.scoping import sees_everything
from refreshops.logins.models import Provider
from refreshops.routine import schedules
from refreshops.routine.forecasts import (
    DayForecast,
    forecast_of_day,
    logins_to_ask,
    logins_to_be_asked,
    start_of_day,
)
from refreshops.routine.models import Run
from refreshops.routine.progress import kept_tally
from refreshops.routine.tallies import count_of
from refreshops.rules.lifecycle import Origin, RunState

# A heartbeat a minute opens a run that is due.
LATE_AFTER = timedelta(minutes=2)
A_DAY = timedelta(days=1)
# Limits people choose between: what the provider asks for.
USUAL_LIMITS = (10, 20, 30)


@dataclass(frozen=True)
class Start:
    """`at` is the daily time (None: switched off), `late` that today's run should have begun.

    `ahead` forecasts the runs that have not begun today, `too_long` is what does not fit into its
    day. Both are empty for who sees only their own logins. `last_run` is the newest daily run that
    asked most of its logins and ended; `grown_old` says that this is more than a day ago, so that
    nothing may look fresh, and `overdue` that a whole morning is missing since.
    """

    at: time | None = None
    late: bool = False
    nobody: bool = False
    ahead: list[DayForecast] = field(default_factory=list)
    too_long: list[DayForecast] = field(default_factory=list)
    last_run: Run | None = None
    grown_old: bool = False
    overdue: bool = False


def start_of(user: Any, seen: Overview, runs: ShownRuns, *, active: int, now: datetime) -> Start:
    """Judge the day; `active` logins are there to be asked."""
    days: list[DayForecast] = []
    begun = {card.run.provider_id: card for card in runs.today}
    if sees_everything(user):
        asked = [row for row in seen.providers if row.name in wiring.provider_names()]
        days = [
            _day(
                row, begun.get(row.pk), seen, active=active, alone=len(seen.providers) == 1, now=now
            )
            for row in asked
        ]
    last_run, ran = _last_run(runs), bool(runs.ended) or seen.ran_before
    return Start(
        at=seen.starts_at,
        late=bool(active) and not begun and _is_late(seen.starts_at, now=now),
        nobody=not active,
        ahead=[day for day in days if day.provider.pk not in begun and day.logins],
        too_long=[day for day in days if not day.fits],
        last_run=last_run,
        grown_old=_has_grown_old(last_run, now=now) if last_run else ran,
        overdue=_is_overdue(last_run, now=now) if last_run else ran,
    )


def next_day_of(provider: Provider) -> DayForecast:
    """Forecast the next daily run of `provider` that has not begun."""
    now = wiring.clock()
    todays = Run.objects.filter(
        provider=provider, origin=Origin.DAILY.value, local_date=wiring.local_date(now)
    )
    told = Provider.objects.annotate(
        to_ask=count_of(logins_to_be_asked(provider)),
        cron=Subquery(schedules.daily_cron(OuterRef("name"))[:1]),
        begun=Exists(todays),
    ).get(pk=provider.pk)
    return forecast_of_day(
        provider,
        logins=told.to_ask,
        starts=schedules.time_of(told.cron),
        now=now,
        zone=_zone(),
        window=wiring.window(),
        after_today=told.begun,
    )


def limits_compared(provider: Provider) -> list[DayForecast]:
    """Forecast the next daily run at the usual limits, at the one that is set, and at the least
    one that would do.
    """
    day = next_day_of(provider)
    chosen = {*USUAL_LIMITS, day.per_window, *(() if day.fits else (day.limit_needed,))}
    return [day.at_limit(limit, window=wiring.window()) for limit in sorted(chosen)]


def _day(
    provider: Provider,
    begun: Card | None,
    seen: Overview,
    *,
    active: int,
    alone: bool,
    now: datetime,
) -> DayForecast:
    """Forecast what is left of today's run, or else the next one."""
    over = begun is not None and begun.run.state in (
        RunState.CLOSED.value,
        RunState.CANCELLED.value,
    )
    if begun is not None and not over:
        logins = begun.planned - begun.done - begun.cancelled
    else:
        logins = active if alone else logins_to_ask(provider)
    return forecast_of_day(
        provider,
        logins=logins,
        starts=seen.starts_at,
        now=now,
        zone=_zone(),
        window=wiring.window(),
        after_today=over,
    )


def _is_late(starts: time | None, *, now: datetime) -> bool:
    return starts is not None and now > start_of_day(now, starts=starts, zone=_zone()) + LATE_AFTER


def _last_run(runs: ShownRuns) -> Run | None:
    """Return the run the numbers stand on: of several providers the one that is furthest behind."""
    newest: dict[int, Run] = {}
    for run in sorted(filter(_asked_most, runs.ended), key=_ended_at):
        newest[run.provider_id] = run
    return min(newest.values(), key=_ended_at, default=None)


def _asked_most(run: Run) -> bool:
    """Tell whether a run reached most of its logins; one that stood still all day did not."""
    tally = kept_tally(run)
    return tally is not None and 2 * tally.done >= run.planned


def _ended_at(run: Run) -> datetime:
    return run.closed_at or run.opened_at


def _has_grown_old(last_run: Run, *, now: datetime) -> bool:
    return now - _ended_at(last_run) > A_DAY


def _is_overdue(last_run: Run, *, now: datetime) -> bool:
    return last_run.local_date < wiring.local_date(now) - A_DAY


def _zone() -> ZoneInfo:
    return ZoneInfo(timezone.get_default_timezone_name())
