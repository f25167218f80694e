"""Where our register and the provider disagree about who is refreshed, and what that costs.

Every list here is a condition on `Login`, so that a number, its page and the order that puts it
right are one and the same query. Source: design.md sections 5 and 7.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from refreshops.logins.models import Login, LoginQuerySet, LoginStatus, Nightly, UnknownLogin

ACTIVE = Q(status=LoginStatus.ACTIVE)
INACTIVE = Q(status=LoginStatus.INACTIVE)
KNOWN_THERE = Q(gone_at__isnull=True)
# Conditions name the columns of an index from the first on, in each part of an "or": an index finds
# what something is, and not what it is not.
ANY_STATUS = Q(status__in=LoginStatus.values)
NOT_OFF = (Nightly.ON, Nightly.UNKNOWN)

OFF_HERE_ON_THERE = "off_here_on_there"
ON_HERE_OFF_THERE = "on_here_off_there"
UNKNOWN_THERE = "unknown_there"
NEVER_VERIFIED = "never_verified"
REPLACED = "replaced"

# A switch-off that is not confirmed after this long is somebody's to look at.
ALARM_AFTER = timedelta(days=1)


def _replaced() -> Q:
    """Same customer and bank, and a newer active login: the older one was left behind.

    A reconnect with another username or language makes a new login (reference/flinks-api.md 3).
    Rows of one import are equally old, so that two logins at one bank are no suspicion by
    themselves.
    """
    newer = Login.objects.filter(
        ACTIVE,
        KNOWN_THERE,
        customer=OuterRef("customer"),
        institution=OuterRef("institution"),
        provider=OuterRef("provider"),
        created_at__gt=OuterRef("created_at"),
    )
    return Q(ACTIVE, ~Q(institution=""), Exists(newer))


@dataclass(frozen=True)
class Leak:
    """One way to disagree: its condition, and the words people read about it."""

    name: str
    title: str
    words: str
    condition: Q


LEAKS: dict[str, Leak] = {
    row.name: row
    for row in (
        Leak(
            OFF_HERE_ON_THERE,
            "Off here, on at the provider",
            "Nobody needs them, and every month they cost money. Switch them off, or where the "
            "provider has no switch, have them deleted there.",
            INACTIVE & KNOWN_THERE & Q(nightly=Nightly.ON),
        ),
        Leak(
            ON_HERE_OFF_THERE,
            "On here, off at the provider",
            "We count on them, and their data grows old in silence. Switch them on again.",
            ACTIVE & KNOWN_THERE & Q(nightly=Nightly.OFF),
        ),
        Leak(
            UNKNOWN_THERE,
            "Known here, unknown there",
            "We count on them, and the provider does not know them any more: they cost nothing, "
            "and bring nothing. Retire them here; whoever still needs the data connects anew.",
            ACTIVE & Q(nightly__in=Nightly.values) & Q(gone_at__isnull=False),
        ),
        Leak(
            NEVER_VERIFIED,
            "Never verified",
            "The provider never told us whether it refreshes them, or its word was never read "
            "back. Check their schedule.",
            ANY_STATUS & KNOWN_THERE & Q(nightly=Nightly.UNKNOWN)
            | INACTIVE & KNOWN_THERE & Q(nightly=Nightly.OFF, nightly_verified_at__isnull=True),
        ),
        Leak(
            REPLACED,
            "Replaced by a newer login",
            "The customer has a newer login at the same bank: the provider perhaps refreshes and "
            "charges for both. Switch the older one off.",
            _replaced(),
        ),
    )
}


@dataclass(frozen=True)
class Cost:
    """What some logins cost a month, in one currency."""

    logins: int
    amount: Decimal
    currency: str


def leaking(logins: LoginQuerySet, name: str) -> LoginQuerySet:
    """Return those of `logins` in the list `name`; raise KeyError for a name that is no list."""
    return logins.filter(LEAKS[name].condition)


def monthly_costs(logins: LoginQuerySet) -> list[Cost]:
    """Return what `logins` cost a month, by currency; a price of nothing is left out."""
    return _costs(Login.objects.filter(pk__in=logins.order_by().values("pk")))


def costs_of_unknown() -> list[Cost]:
    """Return what the logins unknown here cost a month, if the provider charges for them."""
    return _costs(unknown_here())


def _costs(rows_with_a_provider: QuerySet[Any]) -> list[Cost]:
    rows = (
        rows_with_a_provider.order_by()
        .values_list("provider__currency", "provider__cost_per_login_month")
        .annotate(Count("pk"))
        .order_by("provider__currency")
    )
    sums: dict[str, tuple[int, Decimal]] = {}
    for currency, price, number in rows:
        logins_so_far, amount = sums.get(currency, (0, Decimal(0)))
        sums[currency] = (logins_so_far + number, amount + price * number)
    return [Cost(number, amount, currency) for currency, (number, amount) in sums.items() if amount]


def unconfirmed_for_long(logins: LoginQuerySet, *, now: datetime) -> LoginQuerySet:
    """Return inactive logins that are not off at the provider after a day: money, and an alarm."""
    return logins.filter(unconfirmed(now=now))


def unconfirmed(*, now: datetime) -> Q:
    """Return the condition on a login that its switch-off is overdue."""
    return (
        INACTIVE & KNOWN_THERE & Q(nightly__in=NOT_OFF) & Q(status_changed_at__lt=now - ALARM_AFTER)
    )


def unknown_here() -> QuerySet[UnknownLogin]:
    """Return what the provider reported and nobody has registered since."""
    known = Login.objects.filter(provider=OuterRef("provider"), login_id=OuterRef("login_id"))
    return UnknownLogin.objects.exclude(Exists(known)).order_by("first_seen_at", "pk")
