"""Orders with nothing left to order: every login waits for it already, as far forward as it can."""

from datetime import datetime

from django.db.models import Q, QuerySet

from refreshops.console.orders import Kind, touched_by
from refreshops.logins.models import Login
from refreshops.routine import marking
from refreshops.routine.models import OPEN_ATTEMPT, RANK_CUSTOMER, RANK_PERSON, Attempt
from refreshops.rules.lifecycle import AttemptState, RunState


def runs_waited_in(kind: Kind, *, chosen: QuerySet[Login], now: datetime) -> list[int]:
    """Return the open runs in which every login of the order waits, or [] if it changes anything.

    A login behind the daily run, behind a pause or at rest is brought forward by an order, and one
    whose switch was reversed is switched again: those orders are worth a run of their own.
    """
    logins = touched_by(kind, chosen).order_by()
    attempts = Attempt.objects.filter(login__in=logins.values("pk"), state__in=OPEN_ATTEMPT)
    wanted = marking.WANTED.get(kind.purpose)
    contrary = [purpose.value for purpose in marking.CONTRARY.get(kind.purpose, ())]
    if wanted and logins.exclude(status=wanted).exists():
        return []
    if contrary and attempts.filter(purpose__in=contrary, state=AttemptState.DUE.value).exists():
        return []
    # At most one open attempt a login and purpose: as many attempts are as many logins.
    settled = attempts.filter(purpose=kind.purpose.value).filter(_as_far_forward_as_can_be(now))
    if settled.count() < logins.count():
        return []
    return sorted(set(settled.order_by().values_list("run_id", flat=True)))


def _as_far_forward_as_can_be(now: datetime) -> Q:
    in_front = Q(rank__in=[RANK_CUSTOMER, RANK_PERSON], run__state=RunState.OPEN.value)
    resting = Q(paced=True, not_before__gt=now)
    return Q(state=AttemptState.CALLING.value) | (in_front & ~resting)
