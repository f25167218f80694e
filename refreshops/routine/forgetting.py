"""The order to have logins deleted at the provider, and everything fetched for them here.

It only opens runs; `erasing` does the deleting here, when the provider has said that it is done.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, LoginStatus, Provider
from refreshops.routine.erasing import CALLED_OFF, forgotten_logins
from refreshops.routine.models import Attempt
from refreshops.routine.opening import (
    NothingToDo,
    Opened,
    Order,
    ReasonMissing,
    Refused,
    chunks,
    in_order,
    open_order,
)
from refreshops.rules.lifecycle import AttemptState, Purpose

__all__ = ["forget", "forgotten_logins", "retire"]


def forget(
    *,
    logins: QuerySet[Login],
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
    offers: Callable[[str], bool],
) -> list[Opened]:
    """Order `logins` forgotten for good: one run a provider. Source: issue 3 E.

    They count as inactive at once, and everything else that waits for them is called off; a call
    in flight ends first. `offers` tells by a provider's name whether it can delete a login. Raise
    `ReasonMissing`, `NothingToDo`, and `Refused` where a provider cannot.
    """
    if not reason.strip():
        raise ReasonMissing("Say why: what is forgotten does not come back.")
    order = Order(Purpose.FORGET, by, reason, now, local_date, window)
    with transaction.atomic():
        providers = list(Provider.objects.filter(pk__in=logins.values("provider_id").distinct()))
        for provider in providers:
            if not offers(provider.name):
                raise Refused(f"{provider} cannot delete a login: ask them in writing.")
        chosen = [(provider, in_order(logins.filter(provider=provider))) for provider in providers]
        if not chosen:
            raise NothingToDo("No login was chosen.")
        for _, keys in chosen:
            for chunk in chunks(sorted(keys)):
                retire(chunk, order)
        return [open_order(provider, keys, order) for provider, keys in chosen]


def retire(keys: Sequence[int], order: Order) -> None:
    """Make logins inactive and call off whatever waits for them but forgetting.

    Logins are locked first and in order, as every end of an attempt does: no deadlock.
    """
    list(Login.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))
    Login.objects.filter(pk__in=keys, status=LoginStatus.ACTIVE).update(
        status=LoginStatus.INACTIVE,
        status_changed_at=order.now,
        status_changed_by=order.by,
        status_reason=order.reason.strip()[:500],
    )
    Attempt.objects.filter(login_id__in=keys, state=AttemptState.DUE.value).exclude(
        purpose=Purpose.FORGET.value
    ).update(
        state=AttemptState.CANCELLED.value,
        finished_at=order.now,
        message=CALLED_OFF,
        waits_for="",
    )
