"""Orders that change what we want of logins: begun at once, or kept until their time has come.

Locks the logins, opens one run a provider, and marks the logins of those that begin at once.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, Provider
from refreshops.routine import marking
from refreshops.routine.opening import (
    AlreadyOrdered,
    NothingToDo,
    Opened,
    Order,
    ReasonMissing,
    Refused,
    in_order,
    open_order,
)

FURTHEST = timedelta(days=366)

Chosen = list[tuple[Provider, list[int]]]


def place(logins: QuerySet[Login], order: Order, *, approval_above: int | None) -> list[Opened]:
    """Give `order` for `logins`: one run a provider.

    It waits with a date, or when it is for more than `approval_above` logins; None asks nobody.
    Raise `ReasonMissing`, `NothingToDo` (`AlreadyOrdered` when all of them wait for it already),
    and `Refused` for a date that makes no sense.
    """
    if not order.reason.strip():
        raise ReasonMissing("Say why: the reason stands on the receipt.")
    check_date(order.starts_at, now=order.now)
    providers = Provider.objects.filter(pk__in=logins.values("provider_id").distinct())
    with transaction.atomic():
        chosen = _held([(row, in_order(logins.filter(provider=row))) for row in providers], logins)
        number = sum(len(keys) for _, keys in chosen)
        if number == 0:
            raise NothingToDo("No login was chosen.")
        large = approval_above is not None and number > approval_above
        return _open(chosen, replace(order, needs_approval=order.needs_approval or large))


def _held(chosen: Chosen, logins: QuerySet[Login]) -> Chosen:
    """Lock what was chosen, and leave out what was forgotten or changed hands until we had it."""
    everything = {key for _, keys in chosen for key in keys}
    marking.hold(everything)
    if not connection.features.has_select_for_update:
        return chosen  # nobody else writes while our transaction lasts
    still = set(logins.values_list("pk", flat=True)) & everything
    return [(provider, [key for key in keys if key in still]) for provider, keys in chosen]


def check_date(starts_at: datetime | None, *, now: datetime) -> None:
    """Raise `Refused` for a beginning that has passed, or lies more than a year ahead."""
    if starts_at is None:
        return
    if starts_at <= now:
        raise Refused("That date has passed: choose a later one, or none to begin at once.")
    if starts_at > now + FURTHEST:
        raise Refused("That date lies more than a year ahead: choose an earlier one.")


def _open(chosen: Chosen, order: Order) -> list[Opened]:
    """Open a run for each provider; one whose logins are all ordered already stops no other."""
    opened, refused = [], []
    for provider, keys in chosen:
        if not keys:
            continue
        try:
            with transaction.atomic():
                opened.append(_open_one(provider, keys, order))
        except AlreadyOrdered as already:
            refused += already.runs
    if not opened:
        raise AlreadyOrdered(refused)
    return opened


def _open_one(provider: Provider, keys: list[int], order: Order) -> Opened:
    if order.waits:
        return open_order(provider, keys, order)
    changed = marking.mark(
        keys, purpose=order.purpose, by=order.by, reason=order.reason, now=order.now
    )
    return open_order(provider, keys, order, changed=changed)
