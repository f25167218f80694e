"""The order to have logins deleted at the provider, and everything fetched for them here.

It only opens runs; `erasing` does the deleting here, when the provider has said that it is done.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from refreshops.logins.models import Login, Provider
from refreshops.routine.erasing import forgotten_logins
from refreshops.routine.opening import Opened, Order, Refused
from refreshops.routine.ordering import place
from refreshops.rules.lifecycle import Purpose

__all__ = ["forget", "forgotten_logins"]


def forget(
    *,
    logins: QuerySet[Login],
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
    offers: Callable[[str], bool],
    approval_above: int | None = None,
) -> list[Opened]:
    """Order `logins` forgotten for good: one run a provider. Source: issue 3 E.

    When it begins they count as inactive, and everything else that waits for them is called off; a
    call in flight ends first. `offers` tells by a provider's name whether it can delete a login. It
    begins at once, unless it is for more than `approval_above` logins. Raise `Refused` where a
    provider cannot, and as `ordering.place` does.
    """
    for provider in Provider.objects.filter(pk__in=logins.values("provider_id").distinct()):
        if not offers(provider.name):
            raise Refused(f"{provider} cannot delete a login: ask them in writing.")
    order = Order(Purpose.FORGET, by, reason, now, local_date, window)
    return place(logins, order, approval_above=approval_above)
