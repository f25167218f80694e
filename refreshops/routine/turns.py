"""When customers who come by a link may begin: first of all, but within their share of the slots.

Source: issue 5, decision 18.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef

from refreshops.logins.models import Provider
from refreshops.routine.models import RANK_CUSTOMER, Attempt, Run
from refreshops.routine.refusals import Refused
from refreshops.rules.lifecycle import AttemptState, Origin
from refreshops.rules.pacing import places_of

# Nobody is kept waiting before a screen for longer than this: they are asked to come back.
LONGEST_WAIT = timedelta(minutes=2)
# Somebody else is counting at this moment.
AN_INSTANT = timedelta(milliseconds=50)


class Busy(Refused):
    """Too many customers at once: they may not take the daily run's slots."""


def next_turn(
    provider: Provider, *, now: datetime, window: timedelta, share_percent: int
) -> datetime:
    """Return when the next customer may begin."""
    places = places_of(limit=provider.logins_per_minute, share_percent=share_percent)
    latest = Run.objects.filter(provider=provider, origin=Origin.CONNECT.value)
    turns = [
        run.starts_at or run.opened_at for run in latest.order_by("-opened_at", "-pk")[:places]
    ]
    begins_at = now if len(turns) < places else max(now, min(turns) + window)
    if begins_at - now > LONGEST_WAIT or _overdue(provider, before=now - window) >= places:
        raise Busy("Many people are connecting at this moment. Please try again in a few minutes.")
    return begins_at


def _overdue(provider: Provider, *, before: datetime) -> int:
    """Count the customers whose turn came before then, and whose call has not been made.

    Nothing goes out: a pause, or a worker that stands still. They all go first when that ends, so
    not many may gather.
    """
    waiting = Attempt.objects.filter(
        state=AttemptState.DUE.value, paced=True, rank=RANK_CUSTOMER, not_before__lte=before
    )
    theirs = waiting.filter(run__provider=provider, run__origin=Origin.CONNECT.value)
    return int(theirs.count())


def hold_back(
    attempt: Attempt, *, limit: int, share_percent: int, now: datetime, window: timedelta
) -> bool:
    """Put off a customer's first call while as many others began within a window as their share is.

    Turns are given ahead; after a pause many are due at once. In the transaction that claims the
    attempt, and only for one that has not begun. False when it may begin: then it counts.
    """
    run = attempt.run
    if run.origin != Origin.CONNECT.value:
        return False  # it waited in another run, whose call it is
    lock = connection.features.has_select_for_update_skip_locked
    held = Provider.objects.select_for_update(no_key=lock, skip_locked=lock)
    if held.filter(pk=run.provider_id).first() is None:
        Attempt.objects.filter(pk=attempt.pk).update(not_before=now + AN_INSTANT)
        return True
    places = places_of(limit=limit, share_percent=share_percent)
    begun = _begun_since(now - window, run)
    if len(begun) >= places:
        Attempt.objects.filter(pk=attempt.pk).update(not_before=begun[-places] + window)
        return True
    Run.objects.filter(pk=run.pk).update(starts_at=now)
    return False


def _begun_since(since: datetime, run: Run) -> list[datetime]:
    """Return when the customers' other runs since then began, the first one first."""
    waits = Attempt.objects.filter(
        run=OuterRef("pk"), state=AttemptState.DUE.value, conversation={}
    )
    theirs = Run.objects.filter(
        provider_id=run.provider_id, origin=Origin.CONNECT.value, starts_at__gt=since
    )
    begun = theirs.exclude(pk=run.pk).exclude(Exists(waits))
    return [at for at in begun.order_by("starts_at").values_list("starts_at", flat=True) if at]
