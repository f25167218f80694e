"""The seven-day clock: when active logins drop out of the provider's nightly refresh.

Reads what the last attempts stored in `drops_out_at`; how the moment comes about is the provider's
rule and lives in its folder. Source: design.md section 7, fact 3.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.db.models import CharField, Count, Q, Value

from refreshops.logins.models import LoginQuerySet, LoginStatus, Nightly, Provider
from refreshops.logins.owned import begun_at_customers

SOON = timedelta(days=2)
DAYS = 7

# An inactive login may drop out, and one that is off or gone there has nothing to drop out of.
# Named one by one, for an index finds what something is and not what it is not.
_TICKS = Q(
    status=LoginStatus.ACTIVE, gone_at__isnull=True, nightly__in=[Nightly.ON, Nightly.UNKNOWN]
)


@dataclass(frozen=True)
class Day:
    """How many logins drop out on one local date if nothing further is asked."""

    date: date
    count: int


@dataclass(frozen=True)
class Clock:
    """What the clock shows: the days ahead, who has dropped out, and of whom we cannot tell.

    `soon` are those of `dropping_out`.
    """

    days: tuple[Day, ...]
    already_out: int
    not_known: int
    soon: int


def dropping_out(
    logins: LoginQuerySet, *, now: datetime, within: timedelta = SOON
) -> LoginQuerySet:
    """Return those of `logins` that drop out within a time from now, and have not yet."""
    return logins.filter(drops_out(now=now, within=within))


def drops_out(*, now: datetime, within: timedelta = SOON) -> Q:
    """Return the condition on a login that it drops out within a time from now."""
    return _TICKS & Q(drops_out_at__gt=now, drops_out_at__lte=now + within)


def already_out(logins: LoginQuerySet, *, now: datetime) -> LoginQuerySet:
    """Return active logins that the provider does not refresh by itself any more."""
    return logins.filter(has_dropped_out(now=now))


def has_dropped_out(*, now: datetime) -> Q:
    """Return the condition on a login that the provider does not refresh it by itself any more."""
    return _TICKS & Q(drops_out_at__lte=now)


def not_known(logins: LoginQuerySet, *, providers: Collection[str]) -> LoginQuerySet:
    """Return active logins of which no answer told the moment yet: new, or just switched on.

    `providers` are the names of those that drop logins out at all; the others never tell one.
    """
    return logins.filter(_TICKS & _untold(providers))


def _untold(providers: Collection[str]) -> Q:
    dropping = Provider.objects.filter(name__in=providers)
    return Q(drops_out_at__isnull=True, provider__in=dropping.values("pk"))


def read(
    logins: LoginQuerySet,
    *,
    now: datetime,
    zone: tzinfo,
    providers: Collection[str],
    days: int = DAYS,
) -> Clock:
    """Read the clock for `days` local dates, today first, in one query.

    `providers` are the names of those that drop logins out of their nightly refresh.
    """
    edges = _edges(now, zone=zone, days=days)
    parts = {
        "already_out": Q(drops_out_at__lte=now),
        "not_known": _untold(providers),
        "soon": Q(drops_out_at__gt=now, drops_out_at__lte=now + SOON),
    }
    for number, (_, since, until) in enumerate(edges):
        parts[f"day_{number}"] = Q(drops_out_at__gt=since, drops_out_at__lte=until)
    found = _counted(logins.filter(_TICKS), parts, everybody=not logins.query.where)
    return Clock(
        tuple(Day(edge[0], found[f"day_{number}"]) for number, edge in enumerate(edges)),
        found["already_out"],
        found["not_known"],
        found["soon"],
    )


def _counted(logins: LoginQuerySet, parts: dict[str, Q], *, everybody: bool) -> dict[str, int]:
    if not everybody:
        kinds = {name: Count("pk", filter=part) for name, part in parts.items()}
        return begun_at_customers(logins).aggregate(**kinds)
    # A stretch of an index is counted far sooner than each of its rows is put where it belongs.
    rows = [
        logins.filter(part)
        .order_by()
        .annotate(name=Value(name, output_field=CharField()))
        .values_list("name")
        .annotate(number=Count("*"))
        for name, part in parts.items()
    ]
    return dict.fromkeys(parts, 0) | dict(rows[0].union(*rows[1:], all=True))


def forecast(
    logins: LoginQuerySet, *, now: datetime, zone: tzinfo, days: int = DAYS
) -> tuple[Day, ...]:
    """Return how many of `logins` drop out on each of the next local dates, today first."""
    # Each has a date already, whoever told it.
    return read(logins, now=now, zone=zone, days=days, providers=()).days


def _edges(now: datetime, *, zone: tzinfo, days: int) -> list[tuple[date, datetime, datetime]]:
    """Return (date, after, until) for each local date; the first begins now."""
    today = now.astimezone(zone).date()
    dates = [today + timedelta(days=number) for number in range(days)]
    midnights = [datetime.combine(day + timedelta(days=1), time(), zone) for day in dates]
    return list(zip(dates, [now, *midnights], midnights, strict=False))


def sentence(clock: Clock, *, asked_today: bool = False) -> str:
    """Say in one or two sentences who drops out next, for people.

    With `asked_today` today's run is over already: those left can only be saved by a good refresh.
    """
    said = [_ahead(clock.days, asked_today=asked_today)]
    if clock.not_known:
        said.append(f"{clock.not_known} not known yet.")
    return " ".join(said)


def _ahead(days: tuple[Day, ...], *, asked_today: bool) -> str:
    falling = [day for day in days if day.count]
    if not falling:
        return f"Nobody drops out within {len(days)} day{'s' if len(days) > 1 else ''}."
    first, last = falling[0], falling[-1]
    total = sum(day.count for day in falling)
    if asked_today:
        unless = f"Unless {'they are' if total > 1 else 'it is'} refreshed before"
    else:
        unless = "If today's run is missed"
    text = f"{unless}, {first.count} {_drop(first.count)} out on {_day(first.date)}"
    if last is not first:
        text += f", {total} by {_day(last.date)}"
    return f"{text}."


def _drop(count: int) -> str:
    return "drops" if count == 1 else "drop"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
