"""Today's run before it begins: when, how long it will take, and whether the day is long enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, Subquery
from django.utils import timezone

from refreshops import wiring
from refreshops.console.addresses import all_logins
from refreshops.console.cards import Card
from refreshops.console.morning_runs import ShownRuns
from refreshops.console.overview import Overview
from refreshops.console.scoping import sees_everything
from refreshops.logins.models import Provider
from refreshops.routine import schedules
from refreshops.routine.forecasts import (
    DayForecast,
    forecast_of_day,
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
    """One provider's day: today's run, or what is known of it before it begins.

    `at` is its daily time (None: switched off), `late` that today's run should have begun, `nobody`
    that there is no login to ask. `ahead` forecasts the run while it has not begun, `too_long` is
    what does not fit into the day; neither is there for who sees only their own logins.
    """

    provider: str
    cards: list[Card] = field(default_factory=list)
    at: time | None = None
    late: bool = False
    nobody: bool = False
    ahead: DayForecast | None = None
    too_long: DayForecast | None = None

    @property
    def label(self) -> str:
        """The provider as people write it."""
        return wiring.words(self.provider).title

    @property
    def inactive_url(self) -> str:
        """The list of what is switched off here."""
        several = len(wiring.provider_names()) > 1
        return all_logins(status__exact="inactive", provider=self.provider if several else "")


@dataclass(frozen=True)
class Stand:
    """What the numbers of one provider stand on: its newest daily run that asked most and ended.

    `grown_old` says that this is more than a day ago, so that nothing of it may look fresh, and
    `overdue` that a whole morning is missing since.
    """

    provider: Provider
    last_run: Run | None
    grown_old: bool
    overdue: bool


def starts_of(
    user: Any, seen: Overview, runs: ShownRuns, *, active: Mapping[int, int], now: datetime
) -> list[Start]:
    """Judge the day at each provider that is shown, by `active`: how many logins it is asked about.

    A provider with neither logins nor a run is left out, while there is another one.
    """
    rows = {row.name: row for row in seen.shown}
    names = [name for name in wiring.provider_names() if seen.chosen in ("", name)]
    found = [
        _start(user, rows.get(name), name, seen, runs, active=active, now=now) for name in names
    ]
    return [start for start in found if start.cards or not start.nobody] or found[:1]


def stands_of(
    seen: Overview, runs: ShownRuns, *, active: Mapping[int, int], now: datetime
) -> list[Stand]:
    """Return what the numbers stand on, for each provider shown that has `active` logins.

    They stand in the order of the days above them; who is not called any more comes last.
    """
    order = {name: number for number, name in enumerate(wiring.provider_names())}
    rows = [row for row in seen.shown if active.get(row.pk)]
    rows.sort(key=lambda row: order.get(row.name, len(order)))
    return [_stand(row, runs, now=now) for row in rows]


def next_day_of(provider: Provider) -> DayForecast:
    """Forecast the next daily run of `provider` that has not begun."""
    now = wiring.clock()
    todays = Run.objects.filter(
        provider=provider, origin=Origin.DAILY.value, local_date=wiring.local_date(now)
    )
    told = Provider.objects.annotate(
        to_ask=count_of(logins_to_be_asked(provider)),
        cron=Subquery(schedules.daily_cron(provider.name)[:1]),
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


def _start(
    user: Any,
    provider: Provider | None,
    name: str,
    seen: Overview,
    runs: ShownRuns,
    *,
    active: Mapping[int, int],
    now: datetime,
) -> Start:
    logins = active.get(provider.pk, 0) if provider else 0
    cards = [card for card in runs.today if card.run.provider.name == name]
    at, whole = seen.starts_at.get(name), sees_everything(user)
    day = (
        _day(provider, cards, starts=at, active=logins, now=now)
        if provider is not None and whole
        else None
    )
    return Start(
        provider=name,
        cards=cards,
        at=at,
        late=bool(logins) and not cards and _is_late(at, now=now),
        nobody=not logins,
        ahead=day if day and day.logins and not cards else None,
        too_long=day if day and not day.fits else None,
    )


def _day(
    provider: Provider,
    cards: Sequence[Card],
    *,
    starts: time | None,
    active: int,
    now: datetime,
) -> DayForecast:
    """Forecast what is left of today's run, or else the next one."""
    begun = cards[0] if cards else None
    over = begun is not None and begun.run.state in (
        RunState.CLOSED.value,
        RunState.CANCELLED.value,
    )
    left = begun.planned - begun.done - begun.cancelled if begun is not None else 0
    return forecast_of_day(
        provider,
        logins=active if begun is None or over else left,
        starts=starts,
        now=now,
        zone=_zone(),
        window=wiring.window(),
        after_today=over,
    )


def _stand(provider: Any, runs: ShownRuns, *, now: datetime) -> Stand:
    theirs = [run for run in runs.ended if run.provider_id == provider.pk]
    last_run = max(filter(_asked_most, theirs), key=_ended_at, default=None)
    if last_run is None:
        ran = bool(theirs) or provider.ran_before
        return Stand(provider, None, grown_old=ran, overdue=ran)
    return Stand(
        provider,
        last_run,
        grown_old=now - _ended_at(last_run) > A_DAY,
        overdue=last_run.local_date < wiring.local_date(now) - A_DAY,
    )


def _is_late(starts: time | None, *, now: datetime) -> bool:
    return starts is not None and now > start_of_day(now, starts=starts, zone=_zone()) + LATE_AFTER


def _asked_most(run: Run) -> bool:
    """Tell whether a run reached most of its logins; one that stood still all day did not."""
    tally = kept_tally(run)
    return tally is not None and 2 * tally.done >= run.planned


def _ended_at(run: Run) -> datetime:
    return run.closed_at or run.opened_at


def _zone() -> ZoneInfo:
    return ZoneInfo(timezone.get_default_timezone_name())
