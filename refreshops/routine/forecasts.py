"""How long the next daily run takes, and whether it is done before the one after it begins.

Reads no clock and no settings. Source: screens.md, "This morning"; goal G3.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.rules.pacing import forecast, limit_for, most_in

# The day that is reckoned with while the daily run does not start by itself.
WHOLE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayForecast:
    """One daily run before it starts: `logins` paced calls at `per_window` a window.

    `fitting` is how many logins the limit lets through before `next_at`, when the run after it
    begins; `limit_needed` the smallest limit under which all of them fit.
    """

    provider: Provider
    logins: int
    per_window: int
    starts_at: datetime
    next_at: datetime
    lasting: timedelta
    fitting: int
    limit_needed: int

    @property
    def done_at(self) -> datetime:
        """When the last login will have been asked."""
        return self.starts_at + self.lasting

    @property
    def fits(self) -> bool:
        """Tell whether every login is asked before the next run begins."""
        return self.logins <= self.fitting

    @property
    def left(self) -> int:
        """How many logins would not be asked."""
        return max(0, self.logins - self.fitting)

    def at_limit(self, per_window: int, *, window: timedelta) -> "DayForecast":
        """Return the same day at another limit."""
        span = self.next_at - self.starts_at
        return replace(
            self,
            per_window=per_window,
            lasting=forecast(logins=self.logins, per_window=per_window, window=window),
            fitting=most_in(span=span, per_window=per_window, window=window),
        )


def forecast_of_day(
    provider: Provider,
    *,
    logins: int,
    starts: time | None,
    now: datetime,
    zone: ZoneInfo,
    window: timedelta,
    after_today: bool = False,
) -> DayForecast:
    """Forecast the next daily run over so many logins, at the provider's limit.

    It starts at the local time `starts`: today's if that is still ahead or was missed, tomorrow's
    with `after_today`. Without a daily time it is reckoned from now on, and for a whole day.
    """
    starts_at, next_at = _next_two(now, starts=starts, zone=zone, after_today=after_today)
    day = DayForecast(
        provider=provider,
        logins=logins,
        per_window=provider.logins_per_minute,
        starts_at=starts_at,
        next_at=next_at,
        lasting=timedelta(0),
        fitting=0,
        limit_needed=limit_for(logins=logins, span=next_at - starts_at, window=window),
    )
    return day.at_limit(provider.logins_per_minute, window=window)


def logins_to_be_asked(provider: Provider) -> LoginQuerySet:
    """Return the logins that the next daily run of `provider` asks about."""
    return Login.objects.active().filter(provider=provider)


def logins_to_ask(provider: Provider) -> int:
    """Count them."""
    return logins_to_be_asked(provider).count()


def start_of_day(now: datetime, *, starts: time, zone: ZoneInfo, days: int = 0) -> datetime:
    """Return in UTC the moment of the local time `starts`, so many days after today's date."""
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, starts, zone).astimezone(UTC)


def _next_two(
    now: datetime, *, starts: time | None, zone: ZoneInfo, after_today: bool
) -> tuple[datetime, datetime]:
    """Return when the next run begins, and the one after it; a day may have 23 or 25 hours."""
    if starts is None:
        return now, now + WHOLE_DAY
    first, second = (
        start_of_day(now, starts=starts, zone=zone, days=number + after_today) for number in (0, 1)
    )
    return max(first, now), second
