"""The engine: claims attempts, sends their calls, records the answers, and repeats.

It knows no provider. Any number of processes may drive at once; each runs a few threads and one
keeper that renews leases, takes back lost attempts and closes finished runs.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from refreshops.bankdata.vault import Vault
from refreshops.logins.models import PauseKind
from refreshops.logins.models import Provider as ProviderRow
from refreshops.providers.contract import Heard, NoAnswer, Provider, Silence, UnreadableAnswer
from refreshops.routine import claims, lanes, slots
from refreshops.routine.desk import Desk, Pace, Work
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.routine.recording import record
from refreshops.rules.lifecycle import RunState

__all__ = ["Driven", "Pace", "drive", "open_desk", "speak_once", "tend"]

logger = logging.getLogger(__name__)

# New work from other processes is noticed within this time.
IDLE_TICK = timedelta(milliseconds=250)
# How long a thread that reads a large answer may keep one waiting that holds the writers' turn.
SWITCH_S = 0.0005
LONGEST_CALL = timedelta(seconds=240)
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
    slots.fit(provider_id=row_id, now=clock())
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
    on_tick: Callable[[], None] | None = None,
) -> Driven:
    """Work for `provider` until `stop()`; with `until_idle` also until nothing is left to do.

    Nothing is left when no attempt is open, when all that are wait longer than `patience`, or when
    the provider is paused for another reason than the throttle. Safe to run many times at once.
    """
    desk = open_desk(provider=provider, row_id=row_id, clock=clock, pace=pace, vault=vault)
    halt = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(desk, halt), name=f"drive-{number}", daemon=True)
        for number in range(pace.concurrency)
    ]
    usual_switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    for thread in threads:
        thread.start()
    ended, tend_again = "stopped", 0.0
    try:
        while not stop():
            if time.monotonic() >= tend_again:
                tend(desk)
                tend_again = time.monotonic() + min(1.0, pace.lease.total_seconds() / 4)
            else:
                _close_finished(desk)
            if on_tick is not None:
                on_tick()
            why = idle_because(desk, patience=patience) if until_idle else ""
            if why:
                ended = why
                break
            halt.wait(min(0.25, pace.lease.total_seconds() / 4))
    finally:
        halt.set()
        desk.stirred.set()
        _wind_down(desk, threads)
        sys.setswitchinterval(usual_switch_s)
    return Driven(calls=desk.calls_made, ended=ended)


def _wind_down(desk: Desk, threads: list[threading.Thread]) -> None:
    """Let calls in flight finish, holding their leases meanwhile."""
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(timeout=0.05)
        claims.renew(desk, now=desk.clock())
    tend(desk)


def tend(desk: Desk) -> None:
    """Do the keeper's round: leases, lost attempts, slots, pauses, finished runs."""
    now = desk.clock()
    provider_id = desk.row.pk
    claims.renew(desk, now=now)
    lanes.resume_when_due(provider_id=provider_id, now=now)
    # Another process may run with longer leases; only an absurd one marks a jumped clock.
    furthest = max(desk.pace.lease * 4, timedelta(minutes=2))
    if claims.reclaim(provider_id=provider_id, now=now, furthest=furthest):
        desk.stirred.set()
    slots.fit(provider_id=provider_id, now=now)
    slots.bring_back(provider_id=provider_id, now=now, furthest=LONGEST_CALL + desk.pace.window)
    _close_finished(desk)


def _close_finished(desk: Desk) -> None:
    """Do what cannot wait for the keeper's next round: see that a run has ended, or a pause."""
    claims.close_finished(provider_id=desk.row.pk, now=desk.clock())
    desk.row = ProviderRow.objects.get(pk=desk.row.pk)


def idle_because(desk: Desk, *, patience: timedelta | None) -> str:
    """Say why there is nothing to wait for, or return an empty text."""
    row = desk.row
    if desk.held:
        return ""
    if row.paused_at is not None and row.paused_kind != PauseKind.THROTTLED:
        return "paused"
    open_attempts = Attempt.objects.filter(
        state__in=OPEN_ATTEMPT, run__provider_id=row.pk, run__state=RunState.OPEN.value
    )
    if not open_attempts.exists():
        return "nothing left"
    if patience is None or open_attempts.filter(state="calling").exists():
        return ""
    earliest = claims.earliest(provider_id=row.pk)
    if earliest is not None and earliest > desk.clock() + patience:
        return "the rest waits longer"
    return ""


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
    following: Work | None = work
    while following is not None:
        heard = exchange(desk, following)
        following = _record_stubbornly(desk, following, heard)


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
    for left in range(DATABASE_RETRIES, -1, -1):
        try:
            return record(desk, work, heard)
        except (DatabaseError, InterfaceError):
            logger.exception("Attempt %s: the answer could not be written", work.attempt.pk)
            connection.close()
            if left:
                time.sleep(0.5)
    desk.held.pop(work.attempt.pk, None)
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
    if chance <= now:
        # Something is due but not possible yet: another worker speaks for that login.
        chance = now + timedelta(milliseconds=20)
    return min(chance, latest)
