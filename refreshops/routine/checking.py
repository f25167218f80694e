"""Looking at the nightly flag of chosen logins, and at the provider's own report.

A cached call helps keep an inactive login alive there, so a look is always somebody's order over
chosen or sampled logins; nothing here runs by itself. Source: design.md section 7, fact 3.
"""

import random
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from refreshops.logins.leaks import INACTIVE, KNOWN_THERE
from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.routine.opening import Opened, Order, in_order, open_order
from refreshops.rules.lifecycle import Purpose


def check_schedule(
    *,
    provider: Provider,
    logins: QuerySet[Login],
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
    with_report: bool = False,
) -> Opened:
    """Order a look at the nightly flag of `logins` of one provider, and at nothing else.

    With `with_report` the run begins with the provider's own report about every login it knows, and
    may then hold no login at all. Raise `NothingToDo` when there is nothing to ask.
    """
    order = Order(
        Purpose.CHECK_SCHEDULE, by, reason, now, local_date, window, with_report=with_report
    )
    return open_order(provider, in_order(logins.filter(provider=provider)), order)


def sample(logins: LoginQuerySet, *, number: int, chance: random.Random) -> LoginQuerySet:
    """Choose `number` of the inactive `logins`: at random among those never verified, then the
    ones whose flag was not seen for longest. Logins gone at the provider are left out.
    """
    inactive = logins.filter(INACTIVE, KNOWN_THERE).order_by()
    never = list(inactive.filter(nightly_verified_at__isnull=True).values_list("pk", flat=True))
    chosen = chance.sample(never, number) if len(never) > number else never
    left = inactive.filter(nightly_verified_at__isnull=False)
    longest = left.order_by(F("nightly_seen_at").asc(nulls_first=True), "pk")
    chosen += longest.values_list("pk", flat=True)[: number - len(chosen)]
    return Login.objects.filter(pk__in=chosen)
