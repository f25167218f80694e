"""The throttle: rows of a strict sliding window, shared by all processes and purposes.

As many rows as the provider's limit. A row is free again one window after the *answer* of the
call that used it. Source: seed 003 ("groups of 10 to 30 per minute"), measurements.md section 3.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from refreshops.logins.models import Provider
from refreshops.routine.models import Slot


def take(*, provider_id: int, now: datetime, until: datetime) -> Slot | None:
    """Take the slot that has been free longest, inside the caller's transaction; None if none is.

    `until` is when it comes back by itself should nobody settle it.
    """
    free = Slot.objects.filter(provider_id=provider_id, free_at__lte=now).order_by("free_at")
    if connection.features.has_select_for_update_skip_locked:
        free = free.select_for_update(skip_locked=True)
    slot = free.first()
    if slot is not None:
        hold(slot_id=slot.pk, until=until)
    return slot


def hold(*, slot_id: int, until: datetime) -> None:
    """Keep a slot until `until` at the latest."""
    Slot.objects.filter(pk=slot_id).update(free_at=until)


def settle(*, slot_id: int, free_at: datetime) -> None:
    """Say when a slot that was in use is free again."""
    Slot.objects.filter(pk=slot_id).update(free_at=free_at)


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


def fit(*, provider_id: int, now: datetime) -> None:
    """Make the number of slots equal to the provider's limit.

    When the limit falls, the slots that are free *last* stay: so from now on no window holds more
    than the new limit. When it rises, the new slots are free at once.
    """
    limit = Provider.objects.values_list("logins_per_minute", flat=True).get(pk=provider_id)
    if Slot.objects.filter(provider_id=provider_id).count() == limit:
        return
    with transaction.atomic():
        locked = Provider.objects.select_for_update().get(pk=provider_id)
        slots = Slot.objects.filter(provider_id=provider_id).order_by("-free_at", "-pk")
        surplus = list(slots.values_list("pk", flat=True)[locked.logins_per_minute :])
        Slot.objects.filter(pk__in=surplus).delete()
        missing = locked.logins_per_minute - slots.count()
        Slot.objects.bulk_create(
            [Slot(provider_id=provider_id, free_at=now) for _ in range(missing)]
        )


def bring_back(*, provider_id: int, now: datetime, furthest: timedelta) -> int:
    """Pull in slots that a jump of the clock left further ahead than any call can explain.

    They come back after `furthest`, never at once: a jump must not become a burst (fault B3).
    """
    return Slot.objects.filter(provider_id=provider_id, free_at__gt=now + furthest).update(
        free_at=now + furthest
    )
