"""The supervisor: keeps one django-q2 cluster alive, starts it anew when it only seems to live.

Why it exists: reference, dependencies section 2. A cluster whose idle reader or monitor was killed
freezes for good, does not even end on SIGTERM, and its children outlive its main process.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from refreshops.runtime import pings, processes
from refreshops.runtime.cluster import BUSY
from refreshops.runtime.pulse import Pulse

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
# A cluster that lives shorter than this waits longer and longer before its next start.
SHORT_LIFE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what; `workers` and `longest_task` as the cluster has."""

    ping_seconds: float
    limit_seconds: float
    grace_seconds: float
    longest_task_seconds: float
    workers: int


@dataclass
class _Life:
    """One cluster from its start to its end."""

    pid: int
    started: float
    pulse: Pulse
    next_ping: float
    ping_row: int = 0
    ahead: int = 0


@dataclass
class Supervisor:
    """Call `run()` in the main thread of a process that has no other children."""

    patience: Patience
    _wishes: int = 0
    _short_lives: int = 0
    _life: _Life | None = field(default=None)

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT; then stop the cluster and return."""
        processes.adopt_orphans()
        signal.signal(signal.SIGTERM, self._wish)
        signal.signal(signal.SIGINT, self._wish)
        try:
            while not self._wishes:
                self._life = self._life or self._start()
                time.sleep(TICK_SECONDS)
                self._look(self._life)
            if self._life:
                self._stop(self._life)
        finally:
            processes.kill_all_below(os.getpid())

    def _wish(self, *_: object) -> None:
        self._wishes += 1

    def _start(self) -> _Life:
        pings.attempt(pings.hand_back)
        # Its own session, so that Ctrl-C on a terminal reaches the supervisor alone.
        child = subprocess.Popen(
            [sys.executable, "-m", "refreshops.runtime.cluster", str(os.getpid())],
            start_new_session=True,
        )
        child.returncode = 0  # reaped by us: keep Popen from waiting and from warning
        now = time.monotonic()
        logger.info("Cluster started with %d workers.", self.patience.workers)
        pulse = Pulse(
            limit_seconds=self.patience.limit_seconds,
            longest_task_seconds=self.patience.longest_task_seconds,
        )
        return _Life(pid=child.pid, started=now, pulse=pulse, next_ping=now)

    def _look(self, life: _Life) -> None:
        ended = processes.reap()
        if life.pid in ended:
            self._bury(life, why=f"its main process ended with {ended[life.pid]}")
        elif life.pulse.waits:
            self._see_ping(life)
        elif time.monotonic() >= life.next_ping:
            self._send_ping(life)

    def _send_ping(self, life: _Life) -> None:
        now = time.monotonic()
        life.next_ping = now + self.patience.ping_seconds
        row = pings.attempt(pings.queue_ping)
        if row is not None:
            life.ping_row, life.ahead = row, sys.maxsize
            life.pulse.asked(at=now)

    def _see_ping(self, life: _Life) -> None:
        ahead = pings.attempt(lambda: pings.rows_up_to(life.ping_row))
        if ahead == 0:
            life.ping_row = 0
            life.pulse.answered()
            return
        moved = ahead is not None and ahead < life.ahead < sys.maxsize
        life.ahead = ahead if ahead is not None else life.ahead
        why = life.pulse.sample(
            at=time.monotonic(),
            all_busy=self._all_busy(),
            moved=moved,
            writable=ahead is not None and pings.takes_writes(),
        )
        if why:
            self._bury(life, why=why)

    def _all_busy(self) -> bool:
        names = [processes.name_of(pid) for pid in processes.below(os.getpid())]
        return names.count(BUSY) >= self.patience.workers

    def _bury(self, life: _Life, *, why: str) -> None:
        logger.error("The cluster is started anew: %s.", why)
        processes.kill_all_below(os.getpid())
        self._withdraw_ping(life)
        self._life = None
        lived = time.monotonic() - life.started
        self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
        self._pause()

    def _pause(self) -> None:
        if self._short_lives:
            seconds = min(2.0 ** (self._short_lives - 1), LONGEST_PAUSE_SECONDS)
            processes.wait_until(lambda: bool(self._wishes), seconds=seconds)

    def _stop(self, life: _Life) -> None:
        logger.info(
            "Stopping: calls in flight may end, for up to %g s.", self.patience.grace_seconds
        )
        for pid in processes.below(os.getpid()):
            processes.send(pid, signal.SIGUSR1)
        # To the main process alone: the whole group at once hangs it (measured 6 of 6).
        processes.send(life.pid, signal.SIGTERM)
        processes.wait_until(
            lambda: life.pid in processes.reap() or self._wishes > 1,
            seconds=self.patience.grace_seconds,
        )
        self._withdraw_ping(life)

    def _withdraw_ping(self, life: _Life) -> None:
        if life.ping_row:
            pings.attempt(lambda: pings.withdraw(life.ping_row))
