"""How old the bank data is that we hold. Pure arithmetic on aware UTC datetimes."""

from datetime import datetime, timedelta
from enum import StrEnum

# A provider clock may run a little ahead of ours; beyond this the timestamp is not believed.
CLOCK_TOLERANCE = timedelta(minutes=5)


class DataState(StrEnum):
    """How old the bank data is that we hold (reference/outcomes.md section 5)."""

    FRESH = "fresh"
    STALE_USABLE = "stale_usable"
    STALE_EXPIRED = "stale_expired"
    NONE = "none"


def is_in_the_future(*, refreshed_at: datetime, now: datetime) -> bool:
    """Tell whether the provider's timestamp lies further ahead than clocks differ."""
    return refreshed_at > now + CLOCK_TOLERANCE


def data_state(
    *,
    refreshed_at: datetime | None,
    now: datetime,
    fresh_within: timedelta,
    usable_within: timedelta,
) -> DataState:
    """Judge data by the provider's own timestamp; `None` means never refreshed.

    A timestamp in the future proves nothing, so it is never fresh (fault C15).
    Source: seed 000 (validate LastRefresh), seed 003.
    """
    if refreshed_at is None:
        return DataState.NONE
    if is_in_the_future(refreshed_at=refreshed_at, now=now):
        return DataState.STALE_USABLE
    age = now - refreshed_at
    if age <= fresh_within:
        return DataState.FRESH
    if age <= usable_within:
        return DataState.STALE_USABLE
    return DataState.STALE_EXPIRED
