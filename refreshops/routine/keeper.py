"""The keeper of a driving process: leases, lost attempts, slots, pauses, finished runs.

A database that is away for a while must not end a drive: its rounds are tried again.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection

from refreshops.logins.models import PauseKind
from refreshops.logins.models import Provider as ProviderRow
from refreshops.routine import claims, endings, lanes, slots, waiting
from refreshops.routine.desk import Desk
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import AttemptState, RunState

logger = logging.getLogger(__name__)

# A database that stays away for longer ends the drive; whoever started it sees the error.
DATABASE_PATIENCE_S = 300.0


def tend(desk: Desk) -> None:
    """Do the keeper's round once."""
    now = desk.clock()
    provider_id = desk.row.pk
    claims.renew(desk, now=now)
    lanes.resume_when_due(provider_id=provider_id, now=now)
    # Another process may run with longer leases; only an absurd one marks a jumped clock.
    furthest = max(desk.pace.lease * 4, timedelta(minutes=2))
    if claims.reclaim(provider_id=provider_id, now=now, furthest=furthest):
        desk.stirred.set()
    window = desk.pace.window
    slots.fit(provider_id=provider_id, now=now, window=window)
    slots.bring_back(provider_id=provider_id, now=now, furthest=slots.LONGEST_CALL + window)
    endings.bring_back(provider_id=provider_id, now=now)
    endings.call_off_left_behind(provider_id=provider_id, now=now)
    endings.correct_totals(provider_id=provider_id, now=now)
    if waiting.begin_due(provider_id=provider_id, now=now):
        desk.stirred.set()
    _see_the_end(desk)


def _see_the_end(desk: Desk) -> None:
    """Do what cannot wait for the next round: see that a run has ended, or a pause."""
    endings.close_finished(provider_id=desk.row.pk, now=desk.clock())
    desk.row = ProviderRow.objects.get(pk=desk.row.pk)


class Keeper:
    """Tends a desk in rounds while its threads work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tend_again_s = 0.0
        self._away_since_s: float | None = None

    def round(
        self,
        *,
        stop: Callable[[], bool],
        on_tick: Callable[[], object] | None,
        until_idle: bool,
        patience: timedelta | None,
    ) -> str:
        """Do what is due, and say why the drive should end, or return an empty text."""
        try:
            if stop():
                return "stopped"
            self._tend_when_due()
            if on_tick is not None:
                on_tick()
            self._away_since_s = None
            return idle_because(self._desk, patience=patience) if until_idle else ""
        except (DatabaseError, InterfaceError) as away:
            self._wait_for_the_database(away)
            return ""

    def _tend_when_due(self) -> None:
        if time.monotonic() < self._tend_again_s:
            _see_the_end(self._desk)
            return
        tend(self._desk)
        pause_s = min(1.0, self._desk.pace.lease.total_seconds() / 4)
        self._tend_again_s = time.monotonic() + pause_s

    def _wait_for_the_database(self, away: Exception) -> None:
        """Log, wait a little, and give up with the error when it stays away."""
        now_s = time.monotonic()
        self._away_since_s = self._away_since_s or now_s
        if now_s - self._away_since_s > DATABASE_PATIENCE_S:
            raise away
        logger.error("The database is away; trying again: %s", away)
        connection.close()
        time.sleep(0.5)

    def wind_down(
        self, threads: list[threading.Thread], *, on_tick: Callable[[], object] | None
    ) -> None:
        """Let calls in flight finish, holding their leases meanwhile."""
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(timeout=0.05)
            try:
                claims.renew(self._desk, now=self._desk.clock())
                if on_tick is not None:
                    on_tick()
            except (DatabaseError, InterfaceError) as away:
                self._wait_for_the_database(away)
        tend(self._desk)


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
    if patience is None or open_attempts.filter(state=AttemptState.CALLING.value).exists():
        return ""
    earliest = claims.earliest(provider_id=row.pk)
    if earliest is not None and earliest > desk.clock() + patience:
        return "the rest waits longer"
    return ""
