"""The lists of the page "Leaks": how many, what they cost, how old the knowledge is, the first few.

Each number, the list behind its link and the rows its button orders about are one condition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    IntegerField,
    Max,
    Min,
    Q,
    Value,
    When,
)

from refreshops.console.filters import LeakFilter
from refreshops.console.scoping import logins_by_customer, logins_of, sees_everything
from refreshops.logins import leaks
from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.logins.owned import begun_at_customers, looked_at
from refreshops.routine.models import OPEN_ATTEMPT, OPEN_RUN, Attempt, Run
from refreshops.rules.lifecycle import Purpose

# What one login costs a month at each provider: amount and currency.
Prices = dict[int, tuple[Decimal, str]]

FIRST_ROWS = 10
# Of so many rows in a list the first are met soon.
MANY = 500
UNCONFIRMED = LeakFilter.unconfirmed
UNKNOWN = "unknown_here"

# What the logins of a list cost, in words around the sum; what is off or unknown there is free.
COST_WORDS = {
    leaks.OFF_HERE_ON_THERE: "They cost {} a month.",
    leaks.NEVER_VERIFIED: "They cost up to {} a month, if the provider refreshes them.",
    leaks.REPLACED: "They cost up to {} a month, beside the newer ones.",
}


# The orders that put a login of a list right, whichever list it is.
PUTS_RIGHT = (Purpose.SWITCH_OFF, Purpose.SWITCH_ON, Purpose.CHECK_SCHEDULE, Purpose.FORGET)


@dataclass(frozen=True)
class Tally:
    """One list counted, in all and by provider.

    `under_way` have an order that has begun; `row` is one of them, None when there is none.
    """

    count: int = 0
    under_way: int = 0
    row: int | None = None
    seen_first_at: datetime | None = None
    seen_last_at: datetime | None = None
    per_provider: dict[int, int] = field(default_factory=dict)

    @property
    def seen_at_once(self) -> bool:
        """Tell whether the provider's words are all of the same minute."""
        if self.seen_first_at is None or self.seen_last_at is None:
            return True
        return self.seen_last_at - self.seen_first_at < timedelta(minutes=1)


def tally(
    user: Any, names: Iterable[str], *, now: datetime, with_unknown: bool = False
) -> dict[str, Tally]:
    """Count the lists `names` for `user` in one query; a list without a row counts nothing.

    `with_unknown` counts what nobody registered here as well, under `UNKNOWN`.
    """
    names = [*names, *([UNKNOWN] if with_unknown else [])]
    parts = [
        _unknown() if name == UNKNOWN else _counted(name, rows_of(user, name, now=now))
        for name in names
    ]
    found: dict[str, Tally] = {}
    for name, provider, number, under_way, first_at, last_at, row in parts[0].union(
        *parts[1:], all=True
    ):
        before = found.get(name, Tally())
        found[name] = Tally(
            count=before.count + number,
            under_way=before.under_way + under_way,
            row=before.row or row,
            seen_first_at=min(filter(None, (before.seen_first_at, first_at)), default=None),
            seen_last_at=max(filter(None, (before.seen_last_at, last_at)), default=None),
            per_provider={**before.per_provider, provider: number},
        )
    return {name: found.get(name, Tally()) for name in names}


def _counted(name: str, rows: LoginQuerySet) -> Any:
    # Begun at the few orders there are, and not at each login that leaks; attempts have the purpose
    # of their run.
    orders = Run.objects.filter(state__in=OPEN_RUN, purpose__in=PUTS_RIGHT)
    ordered = Attempt.objects.filter(run__in=orders, state__in=OPEN_ATTEMPT, login__isnull=False)
    # Found by an index alone, and only then read.
    kept = Login.objects.filter(pk__in=rows.order_by().values("pk"))
    named = kept.annotate(leak=Value(name, output_field=CharField()))
    return named.values_list("leak", "provider_id").annotate(
        Count("pk"),
        under_way=Count("pk", filter=Q(pk__in=ordered.values("login_id"))),
        seen_first=Min("nightly_seen_at"),
        seen_last=Max("nightly_seen_at"),
        row=Min("pk"),
    )


def _unknown() -> Any:
    rows = leaks.unknown_here().order_by()
    named = rows.annotate(leak=Value(UNKNOWN, output_field=CharField()))
    return named.values_list("leak", "provider_id").annotate(
        Count("pk"),
        under_way=Value(0, output_field=IntegerField()),
        seen_first=Min("first_seen_at"),
        seen_last=Max("last_seen_at"),
        row=Min("pk"),
    )


def rows_of(user: Any, name: str, *, now: datetime) -> LoginQuerySet:
    """Return the logins of a list that `user` may see; KeyError for a name that is no list."""
    logins = Login.objects.all() if sees_everything(user) else logins_by_customer(user)
    if name == UNCONFIRMED:
        return begun_at_customers(leaks.unconfirmed_for_long(logins, now=now))
    found = leaks.leaking(logins, name)
    # The newer ones are sought by an index of their own, which begins with the status.
    return found if name == leaks.REPLACED else begun_at_customers(found)


def prices() -> Prices:
    """Return what one login costs a month at each provider: amount and currency."""
    rows = Provider.objects.values_list("pk", "cost_per_login_month", "currency")
    return {pk: (amount, currency) for pk, amount, currency in rows}


def money_words(*, per_provider: dict[int, int], prices: Prices) -> str:
    """Return what so many logins cost a month, "21.00 CAD, 3.00 EUR"; "" where no price is set."""
    sums: dict[str, Decimal] = {}
    for provider, number in per_provider.items():
        amount, currency = prices[provider]
        sums[currency] = sums.get(currency, Decimal(0)) + number * amount
    return ", ".join(f"{amount:.2f} {name}" for name, amount in sorted(sums.items()) if amount)


def first_rows(user: Any, tallies: dict[str, Tally], *, now: datetime) -> dict[str, list[Login]]:
    """Return the first rows of each of the lists, all in one query."""
    names = [name for name in leaks.LEAKS if tallies[name].count]
    if not names:
        return {}
    # One list of keys: for several with "or" between them PostgreSQL would read every login.
    firsts = [_first_of(user, name, tallies[name], now=now) for name in names]
    keys = firsts[0].union(*firsts[1:], all=True)
    inside = {f"in_{name}": _whether(leaks.LEAKS[name].condition) for name in names}
    rows = logins_of(user).filter(pk__in=keys).annotate(**inside)
    found = list(rows.select_related("customer__account_manager", "provider").order_by("pk"))
    # A row of two lists is the first of both: the ten with the lowest keys are the first ten.
    return {
        name: [row for row in found if getattr(row, f"in_{name}")][:FIRST_ROWS] for name in names
    }


def _first_of(user: Any, name: str, counted: Tally, *, now: datetime) -> Any:
    rows = rows_of(user, name, now=now)
    if counted.count > MANY and sees_everything(user) and connection.vendor == "sqlite":
        # Soon met along the numbers; an index would have all of them found, and sorted.
        rows = looked_at(rows)
    first = rows.order_by("pk").values("pk")[:FIRST_ROWS]
    # SQLite takes no order in a part of a union, but in what a part asks.
    return Login.objects.filter(pk__in=first).values("pk")


def _whether(condition: Q) -> Case:
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def how_many(number: int) -> str:
    """Return "1 login" or "13 logins"."""
    return f"{number} login{'' if number == 1 else 's'}"
