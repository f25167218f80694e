"""The leaks as plain values: the lists, what they cost, and the seven-day clock, for JSON."""

from collections.abc import Collection, Iterator
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import CharField, F, OuterRef, QuerySet, Subquery

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login, LoginQuerySet, UnknownLogin

UNKNOWN_HERE = "unknown_here"
LISTS = (*leaks.LEAKS, UNKNOWN_HERE)
# What is off at the provider costs nothing.
_COSTLY = (leaks.OFF_HERE_ON_THERE, leaks.NEVER_VERIFIED, leaks.REPLACED)
_SHOWN = {
    "login_id": F("login_id"),
    "provider": F("provider__name"),
    "customer": F("customer__reference"),
    "manager": F("customer__account_manager__username"),
    "institution": F("institution"),
    "status": F("status"),
    "nightly": F("nightly"),
    "nightly_seen_at": F("nightly_seen_at"),
    "nightly_verified_at": F("nightly_verified_at"),
    "gone_at": F("gone_at"),
}
_SHOWN_OF_UNKNOWN = (
    "login_id",
    "first_seen_at",
    "last_seen_at",
    "last_refresh_at",
    "provider_state",
    "provider_code",
)


def report(
    logins: LoginQuerySet,
    *,
    now: datetime,
    zone: tzinfo,
    asked_today: bool,
    dropping: Collection[str],
) -> dict[str, Any]:
    """Return what leaks among `logins`, and the unknown ones, as values JSON can hold.

    One list for each of `LISTS`; `monthly_cost` is what *off here, on there* costs by currency,
    `monthly_costs` what every list costs that can cost anything, `unconfirmed` how many switch-offs
    are overdue. `dropping` are the providers that have a clock.
    """
    found: dict[str, Any] = {name: list(rows(logins, name)) for name in leaks.LEAKS}
    found[UNKNOWN_HERE] = list(unknown_rows())
    costs = {name: money(leaks.monthly_costs(leaks.leaking(logins, name))) for name in _COSTLY}
    costs[UNKNOWN_HERE] = money(leaks.costs_of_unknown())
    return found | {
        "monthly_cost": costs[leaks.OFF_HERE_ON_THERE],
        "monthly_costs": costs,
        "unconfirmed": leaks.unconfirmed_for_long(logins, now=now).count(),
        "clock": clock_values(
            clock.read(logins, now=now, zone=zone, providers=dropping), asked_today=asked_today
        ),
    }


def number_of_leaks(found: dict[str, Any]) -> int:
    """Count the rows of all lists of a report."""
    return sum(len(found[name]) for name in LISTS)


def rows(logins: LoginQuerySet, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one list; a replaced login names its newer one."""
    shown: dict[str, Any] = dict(_SHOWN)
    if name == leaks.REPLACED:
        shown["replaced_by"] = Subquery(_newest(), output_field=CharField())
    chosen = leaks.leaking(logins, name).order_by("provider_id", "login_id")
    for row in chosen.values(**_renamed(shown)).iterator(chunk_size=2000):
        yield {key.removeprefix("shown_"): _plain(value) for key, value in row.items()}


def unknown_rows() -> Iterator[dict[str, Any]]:
    """Yield what the provider reported and nobody registered."""
    for row in leaks.unknown_here().select_related("provider").iterator(chunk_size=2000):
        yield {"provider": row.provider.name} | _of_unknown(row)


def money(costs: list[leaks.Cost]) -> dict[str, str]:
    """Return costs as values: currency to amount."""
    return {cost.currency: f"{cost.amount:.2f}" for cost in costs}


def clock_values(read: clock.Clock, *, asked_today: bool) -> dict[str, Any]:
    """Return the seven-day clock: who drops out on each local date, who is out, and of whom we
    do not know.
    """
    return {
        "sentence": clock.sentence(read, asked_today=asked_today),
        "days": [{"date": day.date.isoformat(), "drop_out": day.count} for day in read.days],
        "already_out": read.already_out,
        "not_known": read.not_known,
    }


def _renamed(shown: dict[str, Any]) -> dict[str, Any]:
    # An annotation must not have the name of a field.
    return {f"shown_{name}": value for name, value in shown.items()}


def _newest() -> QuerySet[Login, Any]:
    same = Login.objects.filter(
        leaks.ACTIVE,
        leaks.KNOWN_THERE,
        customer=OuterRef("customer"),
        institution=OuterRef("institution"),
        provider=OuterRef("provider"),
    )
    return same.order_by("-created_at", "-pk").values("login_id")[:1]


def _of_unknown(row: UnknownLogin) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in _SHOWN_OF_UNKNOWN}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
