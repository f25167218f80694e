"""The only way a Call row goes: by age, in small steps that never hold up a new row."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from refreshops.tracing.models import Call

# SQLite lets one process write at a time: whoever writes a call waits for a step to end. One of
# this length, which a busy machine makes several times longer, leaves room for many before 100 ms
# are over (measurements.md section 7, G11).
STEP_S = 0.004
# Who waits for SQLite looks again after 25 ms at most in the beginning: a rest must be as long.
REST_S = 0.03
# The first step reads old rows and nine indexes from the disk: a hundred took half a second.
FEWEST, FIRST, MOST = 5, 5, 2000

Rest = Callable[[float], None]
Stopwatch = Callable[[], float]


def prune(*, before: datetime) -> int:
    """Delete calls sent before `before`; return how many."""
    return delete_in_steps(Call.objects.filter(sent_at__lt=before).order_by("sent_at"))


def delete_in_steps(
    old: QuerySet[Any], *, rest: Rest = time.sleep, stopwatch: Stopwatch = time.perf_counter
) -> int:
    """Delete the rows of `old` a few at a time, with a rest between; return how many.

    A step takes as many rows as the database deletes within `STEP_S` seconds. `old` says itself in
    which order.
    """
    deleted, size = 0, FIRST
    while keys := list(old.values_list("pk", flat=True)[:size]):
        begun = stopwatch()
        with _no_collection():
            deleted += old.model._default_manager.filter(pk__in=keys).delete()[0]
        size = _next_size(size, took_s=stopwatch() - begun)
        _tidy_the_log()
        rest(REST_S)
    return deleted


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off Python's garbage collection while SQLite's one place to write is taken.

    A full one takes 60 to 170 ms in a process with all of Django, and it came once in each deletion
    just then, when nobody else could write.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _tidy_the_log() -> None:
    """Carry what a step wrote from SQLite's log into the database, here and now.

    Whoever finds the log long when they commit does this, and the deletion is what makes it long:
    it would be a new row that waits for the disk.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _next_size(size: int, *, took_s: float) -> int:
    """Return how many rows a step may take, by how long the last one took."""
    fits = round(size * STEP_S / took_s) if took_s > 0 else MOST
    # At most twice as many: one quick step is no promise.
    return max(FEWEST, min(MOST, 2 * size, fits))
