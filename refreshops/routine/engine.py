"""The engine: claims attempts, sends their calls, records the answers, and repeats.

It knows no provider. Any number of processes may drive at once; each runs a few threads and one
keeper that renews leases, takes back lost attempts and closes finished runs.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from refreshops.bankdata.vault import Vault
from refreshops.logins.models import Provider as ProviderRow
from refreshops.providers.contract import Heard, NoAnswer, Provider, Silence, UnreadableAnswer
from refreshops.routine import claims, slots
from refreshops.routine.desk import Desk, Pace, Work
from refreshops.routine.keeper import Keeper, tend
from refreshops.routine.recording import record
from refreshops.tracing import recorder

__all__ = ["Driven", "Pace", "drive", "open_desk", "speak_once", "tend"]

logger = logging.getLogger(__name__)

# New work from other processes is noticed within this time.
IDLE_TICK = timedelta(milliseconds=250)
DATABASE_RETRIES = 5


@dataclass(frozen=True)
class Driven:
    """What a drive did: calls made by this process, and why it ended."""

    calls: int
    ended: str


def open_desk(
    *, provider: Provider, row_id: int, clock: Callable[[], datetime], pace: Pace, vault: Vault
) -> Desk:
    """Set up one process's desk for a provider, with its slots fitted to the limit."""
    row = ProviderRow.objects.get(pk=row_id)
    desk = Desk(provider=provider, row=row, clock=clock, pace=pace, vault=vault)
    slots.fit(provider_id=row_id, now=clock(), window=pace.window)
    return desk


def drive(
    *,
    provider: Provider,
    row_id: int,
    clock: Callable[[], datetime],
    pace: Pace,
    vault: Vault,
    stop: Callable[[], bool],
    until_idle: bool = False,
    patience: timedelta | None = None,
    on_tick: Callable[[], object] | None = None,
) -> Driven:
    """Work for `provider` until `stop()`; with `until_idle` also until nothing is left to do.

    Nothing is left when no attempt is open, when all that are wait longer than `patience`, or when
    the provider is paused for another reason than the throttle. Safe to run many times at once.
    """
    desk = open_desk(provider=provider, row_id=row_id, clock=clock, pace=pace, vault=vault)
    keeper = Keeper(desk)
    halt = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(desk, halt), name=f"drive-{number}", daemon=True)
        for number in range(pace.concurrency)
    ]
    for thread in threads:
        thread.start()
    ended = ""
    try:
        while not ended:
            ended = keeper.round(
                stop=stop, on_tick=on_tick, until_idle=until_idle, patience=patience
            )
            if not ended:
                halt.wait(min(0.25, pace.lease.total_seconds() / 4))
    finally:
        desk.halting = True
        halt.set()
        desk.stirred.set()
        keeper.wind_down(threads, on_tick=on_tick)
    return Driven(calls=desk.calls_made, ended=ended)


def speak_once(desk: Desk) -> bool:
    """Claim one attempt and speak for it as long as calls follow at once; False when none is due.

    Raises nothing that an answer can cause: those are outcomes. A database that refuses a write
    is retried; if it stays away the lease runs out and the step is asked again.
    """
    work = claims.claim(desk)
    if work is None:
        return False
    _speak(desk, work)
    return True


def _speak(desk: Desk, work: Work) -> None:
    """Say everything an attempt has to say at once; whatever breaks, its lease is let go."""
    following: Work | None = work
    token = desk.held.get(work.attempt.pk)
    try:
        while following is not None and _still_ours(desk, following):
            heard = exchange(desk, following)
            following = _record_stubbornly(desk, following, heard)
    finally:
        # Another thread of ours may hold it anew by now, under a token of its own.
        if desk.held.get(work.attempt.pk) == token:
            desk.held.pop(work.attempt.pk, None)
        desk.stirred.set()


def _still_ours(desk: Desk, work: Work) -> bool:
    """Tell whether a call may still be sent; close its row when we slept past the lease (A7).

    Its slot may be free again by now, and another worker may speak for the login.
    """
    if time.monotonic() - work.written_s <= desk.pace.lease.total_seconds():
        return True
    with desk.writing():
        recorder.not_answered(
            work.call_id, at=desk.clock(), error="Not sent: the worker was stopped for too long."
        )
    return False


def exchange(desk: Desk, work: Work) -> Heard:
    """Make the call, outside any transaction; the absence of an answer becomes a value."""
    deadline_s = desk.deadline(work.call).total_seconds()
    desk.calls_made += 1
    try:
        return desk.provider.send(replace(work.call, deadline_s=deadline_s))
    except NoAnswer as silence:
        return Silence("network", silence.detail)
    except UnreadableAnswer as odd:
        detail = f"{odd.detail}: {odd.excerpt}" if odd.excerpt else odd.detail
        return Silence("unreadable", detail, odd.http_status)
    except Exception:
        logger.exception("Attempt %s: the call layer broke", work.attempt.pk)
        return Silence("network", "our own call layer failed; the log holds the details")


def _record_stubbornly(desk: Desk, work: Work, heard: Heard) -> Work | None:
    """Record an answer, again and again while the database refuses; None when it stays away.

    A rolled back transaction leaves its traces in our objects: each try begins with them as
    they were.
    """
    kept, slot_id = dict(vars(work.attempt)), work.slot_id
    for left in range(DATABASE_RETRIES, -1, -1):
        try:
            return record(desk, work, heard)
        except (DatabaseError, InterfaceError):
            logger.exception("Attempt %s: the answer could not be written", work.attempt.pk)
            vars(work.attempt).update(kept)
            work.slot_id = slot_id
            connection.close()
            if left:
                time.sleep(0.5)
    return None


def _work(desk: Desk, halt: threading.Event) -> None:
    """One thread: wait for work, speak until the provider has said everything, and again."""
    try:
        while not halt.is_set():
            try:
                work = _await_work(desk, halt)
                if work is not None:
                    _speak(desk, work)
            except (DatabaseError, InterfaceError):
                logger.exception("The database is away; trying again in a second")
                connection.close()
                halt.wait(1)
            except Exception:
                logger.exception("A driving thread stumbled; going on")
                halt.wait(1)
    finally:
        connection.close()


def _await_work(desk: Desk, halt: threading.Event) -> Work | None:
    """Claim the next work as soon as there is some; None when it is time to halt.

    One thread of a process looks and sleeps; the others queue behind it, so that a slot that
    becomes free wakes one thread a process and not all of them.
    """
    with desk.watch:
        while not halt.is_set():
            desk.stirred.clear()
            work = claims.claim(desk)
            if work is not None:
                return work
            if not halt.is_set():
                chance = _next_chance(desk, now=desk.clock())
                desk.stirred.wait(max(0.001, (chance - desk.clock()).total_seconds()))
    return None


def _next_chance(desk: Desk, *, now: datetime) -> datetime:
    """Return when something may become possible: a waiting attempt, a slot, or new work."""
    latest = now + IDLE_TICK
    earliest = claims.earliest(provider_id=desk.row.pk)
    if earliest is None or earliest >= latest:
        return latest
    free_at = slots.next_free_at(desk.row.pk) or latest
    chance = free_at if earliest <= now else earliest
    # What is due and still not possible waits for another worker that speaks for that login.
    return min(chance, latest) if chance > now else latest
