"""The queue's edge: ids in, load, one service. Tasks may be lost, doubled or late without harm.

The dotted paths of `open_today`, `heartbeat`, `drive`, `apply_deliveries`, `ping` and `prune` are
public: schedules and queued tasks name them.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db import transaction
from django.utils.timezone import localtime
from django_q.tasks import async_task

from refreshops import wiring
from refreshops.bankdata import retention as bankdata_retention
from refreshops.logins import uploads
from refreshops.logins.models import Login
from refreshops.routine import (
    cells,
    claims,
    deliveries,
    ended,
    engine,
    opening,
    schedules,
    seats,
)
from refreshops.routine.desk import Desk
from refreshops.routine.models import Run
from refreshops.routine.stopping import asked_to_stop
from refreshops.rules.lifecycle import Origin
from refreshops.tracing import deliveries as kept_deliveries
from refreshops.tracing import planning, retention
from refreshops.tracing.events import THE_SCHEDULE, Action, note

logger = logging.getLogger(__name__)

SLICE_S = 30.0
SEAT_LEASE = timedelta(seconds=15)
PATIENCE = timedelta(seconds=60)


def open_today(provider: str = "") -> str:
    """Open or join today's run of `provider`, or without one of each, and have it driven."""
    names = wiring.provider_names()
    if provider and provider not in names:
        return f"{provider} is not used any more"
    return _each([provider] if provider else names, _open)


def _open(name: str) -> str:
    if not Login.objects.active().filter(provider__name=name).exists():
        return ""
    now = wiring.clock()
    run, opened = opening.open_daily(
        provider=wiring.provider_row(name),
        local_date=wiring.local_date(now),
        now=now,
        window=wiring.window(),
        opening=wiring.begins_with_a_report(name),
    )
    nudge(name)
    return f"{'opened' if opened else 'joined'} run {run.pk}"


def _each(names: Iterable[str], *works: Callable[[str], str]) -> str:
    """Do each work for each provider; what breaks at one keeps no other from its turn."""
    said = []
    for work in works:
        for name in names:
            try:
                said.append(work(name))
            except Exception as problem:
                logger.exception("%s: its turn broke off", name)
                said.append(f"{name}: {type(problem).__name__}")
    return ", ".join(filter(None, said))


def _in_turn() -> list[str]:
    """Return the providers, every minute another one first: one that takes until the queue ends
    the task has not kept the others from their turn for long.
    """
    names = wiring.provider_names()
    first = int(wiring.clock().timestamp() // 60) % len(names)
    return [*names[first:], *names[:first]]


def heartbeat() -> str:
    """Take back what dead workers left, open a missed run, and see that open work is driven.

    After an outage today's run is opened once, late; missed days are never made up.
    """
    schedules.add_missing(wiring.provider_names())
    return _each(_in_turn(), _open_when_missed, _tend, _apply_left_over)


def _open_when_missed(name: str) -> str:
    now = wiring.clock()
    starts_at = schedules.daily_time(name)
    if starts_at is None or localtime(now).time() < starts_at:
        return ""
    today = Run.objects.filter(
        provider__name=name, origin=Origin.DAILY.value, local_date=wiring.local_date(now)
    )
    return "" if today.exists() else _open(name)


def _tend(name: str) -> str:
    row = wiring.provider_row(name)
    desk = engine.open_desk(
        provider=wiring.provider(name),
        row_id=row.pk,
        clock=wiring.clock,
        pace=wiring.pace(),
        vault=wiring.vault(),
    )
    engine.tend(desk)
    earliest = claims.earliest(provider_id=row.pk)
    if earliest is None or earliest > wiring.clock() + PATIENCE:
        return ""
    free = min(
        seats.free_seats(_seat_of(name), seats=wiring.driving_seats(), now=wiring.clock()),
        seats.free_seats(_place_of(name), seats=wiring.driving_places(), now=wiring.clock()),
    )
    for _ in range(free):
        async_task("refreshops.routine.tasks.drive", name)
    return f"{name}: {free} more driving" if free else ""


def _seat_of(provider: str) -> str:
    return f"drive:{provider}"


def _place_of(provider: str) -> str:
    return f"place:{provider}"


def drive(provider: str) -> str:
    """Drive whatever is due at `provider` for one slice of time. Safe to run twice, and at once.

    Who waits at the end for calls that hang gives the seat to another, but not the place: calls
    that hang at one provider never take the workers of another.
    """
    if provider not in wiring.provider_names():
        return f"{provider} is not used any more"
    place = seats.sit_down(
        _place_of(provider), seats=wiring.driving_places(), now=wiring.clock(), lease=SEAT_LEASE
    )
    if place is None:
        return "enough are driving"
    try:
        said, again = _drive_a_slice(provider, place)
    finally:
        seats.leave(place)
    if again:
        async_task("refreshops.routine.tasks.drive", provider)
    return said


def _drive_a_slice(provider: str, place: seats.Seat) -> tuple[str, bool]:
    """Drive on a free seat; returns what came of it, and whether there is more to do."""
    seat = seats.sit_down(
        _seat_of(provider), seats=wiring.driving_seats(), now=wiring.clock(), lease=SEAT_LEASE
    )
    if seat is None:
        return "enough are driving", False
    ends_s = time.monotonic() + SLICE_S
    stay = seats.Hold(seat, wiring.clock, SEAT_LEASE)
    keep_place = seats.Hold(place, wiring.clock, SEAT_LEASE)
    try:
        driven = engine.drive(
            provider=wiring.provider(provider),
            row_id=wiring.provider_row(provider).pk,
            clock=wiring.clock,
            pace=wiring.pace(),
            vault=wiring.vault(),
            stop=lambda: asked_to_stop() or time.monotonic() >= ends_s or not stay(),
            until_idle=True,
            patience=PATIENCE,
            on_tick=keep_place,
        )
    finally:
        seats.leave(seat)
    return f"{driven.calls} calls, {driven.ended}", driven.ended == "stopped"


def nudge(provider: str) -> None:
    """Have open work driven as soon as the current transaction is committed."""
    transaction.on_commit(lambda: async_task("refreshops.routine.tasks.drive", provider))


def apply_deliveries(provider: str) -> str:
    """Apply the webhooks that wait. Safe to run twice, and at once."""
    return _apply(provider, left_over=False)


def nudge_deliveries(provider: str) -> None:
    """Have the webhooks that wait applied as soon as the current transaction is committed."""
    path = "refreshops.routine.tasks.apply_deliveries"
    transaction.on_commit(lambda: async_task(path, provider))


def _apply_left_over(name: str) -> str:
    return _apply(name, left_over=True)


def _apply(name: str, *, left_over: bool) -> str:
    if not deliveries.any_waits(name, left_over=left_over):
        return ""
    desk = Desk(
        provider=wiring.provider(name),
        row=wiring.provider_row(name),
        clock=wiring.clock,
        pace=wiring.pace(),
        vault=wiring.vault(),
    )
    ends_s = time.monotonic() + SLICE_S
    number = deliveries.apply_waiting(
        desk,
        left_over=left_over,
        stop=lambda: asked_to_stop() or time.monotonic() >= ends_s,
    )
    return f"{name}: {number} deliveries"


def ping() -> str:
    """Show that tasks are taken and finished, and that open work is driven."""
    seats.beat(seats.WORKER, now=wiring.clock())
    _each(_in_turn(), _tend)
    return "alive"


def prune() -> str:
    """Delete what is older than its retention says; runs keep their totals."""
    now = wiring.clock()
    gone = {
        "calls": retention.prune(before=now - wiring.call_retention()),
        "deliveries": kept_deliveries.prune(before=now - wiring.call_retention()),
        "attempts": ended.prune(before=now - wiring.attempt_retention()),
        "snapshots": bankdata_retention.prune(before=now - wiring.snapshot_retention()),
    }
    number = sum(gone.values())
    if number:
        note(Action.PRUNE, by=THE_SCHEDULE, at=now, number=number, details=gone)
    kept_deliveries.drop_old_bodies(now=now)
    ended.drop_pieces()
    cells.count_again()
    planning.forget_sizes()
    bankdata_retention.empty_the_log()
    uploads.drop_old(now=now)
    return ", ".join(f"{count} {name}" for name, count in gone.items()) + " deleted"
