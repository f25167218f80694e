"""Looking at the nightly flag of chosen logins, and at the provider's own report.

A cached call helps keep an inactive login alive there, so a look is always somebody's order over
chosen or sampled logins; nothing here runs by itself. Source: design.md section 7, fact 3.
"""

import random
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from refreshops.logins.leaks import (
    ACTIVE,
    INACTIVE,
    KNOWN_THERE,
    LEAKS,
    NEVER_VERIFIED,
    OFF_HERE_ON_THERE,
    ON_HERE_OFF_THERE,
    UNKNOWN_THERE,
)
from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.routine import marking
from refreshops.routine.opening import Opened, Order, in_order, open_order
from refreshops.rules.lifecycle import Purpose

IN_QUESTION = (
    LEAKS[OFF_HERE_ON_THERE].condition
    | LEAKS[ON_HERE_OFF_THERE].condition
    | LEAKS[UNKNOWN_THERE].condition
    | LEAKS[NEVER_VERIFIED].condition
)


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
    with transaction.atomic():
        keys = in_order(logins.filter(provider=provider))
        marking.hold(keys)
        return open_order(provider, keys, order)


def in_question(logins: LoginQuerySet, *, at_most: int) -> LoginQuerySet:
    """Choose those of `logins` whose flag at the provider is not what it should be, or not known,
    the ones not seen for longest first. Replaced logins are asked every day anyhow.
    """
    doubtful = logins.filter(IN_QUESTION).order_by(F("nightly_seen_at").asc(nulls_first=True), "pk")
    return Login.objects.filter(pk__in=list(doubtful.values_list("pk", flat=True)[:at_most]))


def sample(
    logins: LoginQuerySet, *, number: int, chance: random.Random, also_active: bool = False
) -> LoginQuerySet:
    """Choose `number` of the inactive `logins`: at random among those never verified, then the
    ones whose flag was not seen for longest. Logins gone at the provider are left out.

    With `also_active` places left over go to active ones, again the longest unseen first.
    """
    number = max(0, number)
    inactive = logins.filter(INACTIVE, KNOWN_THERE).order_by()
    never = list(inactive.filter(nightly_verified_at__isnull=True).values_list("pk", flat=True))
    chosen = chance.sample(never, number) if len(never) > number else never
    verified = inactive.filter(nightly_verified_at__isnull=False)
    chosen += _longest_unseen(verified, number - len(chosen))
    if also_active:
        chosen += _longest_unseen(logins.filter(ACTIVE, KNOWN_THERE), number - len(chosen))
    return Login.objects.filter(pk__in=chosen)


def _longest_unseen(logins: LoginQuerySet, number: int) -> list[int]:
    ordered = logins.order_by(F("nightly_seen_at").asc(nulls_first=True), "pk")
    return list(ordered.values_list("pk", flat=True)[:number])
