"""Arithmetic of the throttle: a strict sliding window of slots, and how long a run takes under it.

A slot is free again one window after the answer to the call that used it; that is the only scheme
measured without a single call over the limit at the server (reference/measurements.md section 3).
"""

from datetime import datetime, timedelta


def free_again_at(*, answered_at: datetime, window: timedelta) -> datetime:
    """Return when the slot of a call answered at `answered_at` may be used again."""
    return answered_at + window


def free_at_the_latest(*, sent_at: datetime, deadline: timedelta, window: timedelta) -> datetime:
    """Return when a slot comes back by itself although its worker was killed."""
    return sent_at + deadline + window


def forecast(*, logins: int, per_window: int, window: timedelta, busy: int = 0) -> timedelta:
    """Return how long `logins` paced calls take at the best legal schedule.

    `busy` slots are still in use. The first windowful starts at once, so N logins need
    ceil(N / per_window) - 1 whole windows.
    """
    if logins <= 0:
        return timedelta(0)
    return window * ((logins + busy - 1) // per_window)


def most_in(*, span: timedelta, per_window: int, window: timedelta) -> int:
    """Return how many paced calls at most are on their way before `span` is over."""
    return per_window * max(1, -(-span // window))


def limit_for(*, logins: int, span: timedelta, window: timedelta) -> int:
    """Return the smallest limit a window under which `logins` paced calls fit into `span`."""
    return max(1, -(-logins // max(1, -(-span // window))))


def places_of(*, limit: int, share_percent: int) -> int:
    """Return how many of `limit` slots a share of so many percent is: one at least."""
    return max(1, limit * share_percent // 100)
