"""The seven-day clock as people see it: a bar a day, a sentence, and the lists behind both."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from refreshops import wiring
from refreshops.console.addresses import all_logins
from refreshops.console.filters import DropsOutFilter
from refreshops.console.scoping import logins_by_customer, sees_everything
from refreshops.logins import clock
from refreshops.logins.models import Login
from refreshops.routine.models import Run
from refreshops.rules.lifecycle import Origin, RunState

HEIGHT = 100


@dataclass(frozen=True)
class Bar:
    """One local date: how many drop out, and how tall its bar is of `HEIGHT`."""

    date: date
    count: int
    height: int
    today: bool

    @property
    def top(self) -> int:
        """Where the bar begins, measured from above as SVG does."""
        return HEIGHT - self.height


@dataclass(frozen=True)
class Week:
    """The forecast of the next days, and who is past saving or not known."""

    bars: list[Bar]
    sentence: str
    soon: int
    already_out: int
    not_known: int
    soon_url: str
    out_url: str
    # Providers that drop nobody out, by the names people read.
    without: list[str]


def week_of(user: Any, *, now: datetime, asked_today: bool) -> Week:
    """Read the clock over the logins `user` may see, in one query.

    With `asked_today` today's daily run is over: then it cannot be missed any more.
    """
    dropping = wiring.dropping()
    logins = Login.objects.all() if sees_everything(user) else logins_by_customer(user)
    zone = timezone.get_current_timezone()
    found = clock.read(logins, now=now, zone=zone, providers=dropping)
    return Week(
        bars=_bars(found.days),
        sentence=clock.sentence(found, asked_today=asked_today),
        soon=found.soon,
        already_out=found.already_out,
        not_known=found.not_known,
        soon_url=soon_url(),
        out_url=out_url(),
        without=[
            wiring.words(name).title for name in wiring.provider_names() if name not in dropping
        ],
    )


def soon_url(*, provider: str = "") -> str:
    """Return the address of the logins that drop out within two days, at one provider or at any."""
    return all_logins(drops_out=DropsOutFilter.soon, provider=provider)


def out_url(*, provider: str = "") -> str:
    """Return the address of the logins that have dropped out."""
    return all_logins(drops_out=DropsOutFilter.out, provider=provider)


def _bars(days: tuple[clock.Day, ...]) -> list[Bar]:
    most = max((day.count for day in days), default=0)
    return [
        Bar(day.date, day.count, _height(day.count, most=most), today=number == 0)
        for number, day in enumerate(days)
    ]


def _height(count: int, *, most: int) -> int:
    """Return the height of a bar; one login is seen beside a thousand."""
    return max(3, HEIGHT * count // most) if count else 0


def todays_run_over(now: datetime) -> QuerySet[Run]:
    """Return today's daily runs that are over, of the providers that drop logins out."""
    today = Run.objects.filter(origin=Origin.DAILY.value, local_date=wiring.local_date(now))
    return today.filter(state=RunState.CLOSED.value, provider__name__in=wiring.dropping())
