"""The throttle: rows of a strict sliding window, shared by all processes and purposes.

As many rows as the provider's limit. A row is free again one window after the *answer* of the
call that used it. Source: seed 003 ("groups of 10 to 30 per minute"), measurements.md section 3.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from refreshops.logins.models import Provider
from refreshops.routine.models import Slot
from refreshops.tracing import statements
from refreshops.tracing.models import Call

LONGEST_CALL = timedelta(seconds=240)
# SQLite takes only so many values in one statement.
AT_ONCE = 500

_TAKE = """
    UPDATE routine_slot SET free_at = %s
     WHERE id = (SELECT id FROM routine_slot
                  WHERE provider_id = %s AND free_at <= %s
                  ORDER BY free_at LIMIT 1{lock})
    RETURNING id
"""
_TAKE_UNLOCKED = _TAKE.format(lock="")
_TAKE_LOCKED = _TAKE.format(lock=" FOR UPDATE SKIP LOCKED")


def take(*, provider_id: int, now: datetime, until: datetime) -> int | None:
    """Take the slot that has been free longest, in the caller's transaction; its id, if one is.

    `until` is when it comes back by itself should nobody settle it.
    """
    locks = connection.features.has_select_for_update_skip_locked
    found = statements.fetch(_TAKE_LOCKED if locks else _TAKE_UNLOCKED, [until, provider_id, now])
    return found[0] if found else None


def hold(*, slot_id: int, until: datetime) -> bool:
    """Keep a slot until `until` at the latest; False when a lower limit took it away."""
    return statements.update_row(Slot, where={"id": slot_id}, values={"free_at": until})


def settle(*, slot_id: int, free_at: datetime) -> None:
    """Say when a slot that was in use is free again."""
    statements.update_row(Slot, where={"id": slot_id}, values={"free_at": free_at})


def next_free_at(provider_id: int) -> datetime | None:
    """Return when the next slot is free, or None when the provider has no slots yet."""
    return (
        Slot.objects.filter(provider_id=provider_id)
        .order_by("free_at")
        .values_list("free_at", flat=True)
        .first()
    )


def in_use(*, provider_id: int, now: datetime) -> int:
    """Count the slots that are not free at `now`."""
    return Slot.objects.filter(provider_id=provider_id, free_at__gt=now).count()


def fit(*, provider_id: int, now: datetime, window: timedelta) -> None:
    """Make the number of slots equal to the provider's limit.

    When the limit falls, the slots that are free *last* stay: so from now on no window holds more
    than the new limit. When it rises, the new slots are free one window later, for nobody knows
    what they would have held: a limit that goes down and up again must not become a burst.
    """
    limit = Provider.objects.values_list("logins_per_minute", flat=True).get(pk=provider_id)
    if Slot.objects.filter(provider_id=provider_id).count() == limit:
        return
    with transaction.atomic():
        locked = Provider.objects.select_for_update().get(pk=provider_id)
        slots = Slot.objects.filter(provider_id=provider_id)
        missing = locked.logins_per_minute - slots.count()
        if missing < 0:
            _take_away(slots, surplus=-missing)
        free_at = now + window if _called_lately(locked, now=now, window=window) else now
        Slot.objects.bulk_create(
            [Slot(provider_id=provider_id, free_at=free_at) for _ in range(missing)]
        )


def _take_away(slots: QuerySet[Slot], *, surplus: int) -> None:
    """Delete those that are free first. One that is just being taken is left for the next round."""
    first = slots.order_by("free_at", "pk")
    if connection.features.has_select_for_update_skip_locked:
        first = first.select_for_update(skip_locked=True)
    keys = [slot.pk for slot in first[:surplus]]
    for start in range(0, len(keys), AT_ONCE):
        Slot.objects.filter(pk__in=keys[start : start + AT_ONCE]).delete()


def _called_lately(provider: Provider, *, now: datetime, window: timedelta) -> bool:
    """Tell whether a call may still count in the provider's window."""
    since = now - window - LONGEST_CALL
    return Call.objects.filter(provider=provider.name, sent_at__gte=since).exists()


def bring_back(*, provider_id: int, now: datetime, furthest: timedelta) -> int:
    """Pull in slots that a jump of the clock left further ahead than any call can explain.

    They come back after `furthest`, never at once: a jump must not become a burst (fault B3).
    """
    astray = Slot.objects.filter(provider_id=provider_id, free_at__gt=now + furthest)
    return astray.update(free_at=now + furthest) if astray.exists() else 0
