"""The two contestants, each as one or more processes against the same simulator.

Start-up is left out of both: every process is up and waiting when the start signal falls.
"""

import shutil
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figures, figures_of
from bench.watched import await_all, await_threads, cpu_so_far_s
from tests.installation import Installation, Templates
from tests.simulation import CUSTOMER_ID, X_API_KEY, Simulator

# The product's own defaults, and the two calls of the loop: no token, no opening call.
AS_SHIPPED = {
    "LOGINS_PER_MINUTE": "4000",
    "THROTTLE_WINDOW_SECONDS": "1",
    "LEASE_SECONDS": "10",
    "POLL_SECONDS": "10",
    "POLL_LIMIT_SECONDS": "1800",
    "WAIT_SCALE": "1",
    "CALL_DEADLINE_SECONDS": "240",
    "FLINKS_SECRET_KEY": "",
    "FLINKS_BEARER_SECRET": "",
}
# How far ahead attempts lie while processes start; `run_routine` waits a minute at most.
HELD_BACK = timedelta(seconds=50)
START_SIGNAL = timedelta(seconds=0.6)
OPEN_TODAY = """
from refreshops import wiring
from refreshops.routine import opening, slots
now, row = wiring.clock(), wiring.provider_row()
day = wiring.local_date(now)
opening.open_daily(provider=row, local_date=day, now=now, window=wiring.window())
slots.fit(provider_id=row.pk, now=now, window=wiring.window())
"""


class Arena:
    """A simulator and the lines its log gained since the last look."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._read = 0

    def new_lines(self) -> list[dict[str, Any]]:
        """Return the requests since the last call, once all have their line."""
        lines = self.simulator.log_lines(settle_seconds=5.0)
        self._read, before = len(lines), self._read
        return lines[before:]


class PlainLoop:
    """A `requests.Session` loop; with more processes the logins are dealt out."""

    def __init__(self, arena: Arena, *, folder: Path) -> None:
        self._arena = arena
        self._folder = folder

    def race(self, *, processes: int) -> Figures:
        """Run once over all logins."""
        self._arena.new_lines()
        ids = [row["login_id"] for row in self._arena.simulator.register_rows()]
        running = [self._start(ids[at::processes], at) for at in range(processes)]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        begun = [cpu_so_far_s(process.pid) for process in running]
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        spent = await_all(running, start_cpu_s=begun)
        return figures_of(self._arena.new_lines(), spent, logins=len(ids))

    def _start(self, ids: list[str], number: int) -> "subprocess.Popen[str]":
        file = self._folder / f"ids-{number}.txt"
        file.write_text("\n".join(ids), encoding="utf-8")
        script = str(Path(__file__).with_name("plain_loop.py"))
        process = subprocess.Popen(
            [sys.executable, script, self._arena.simulator.url, CUSTOMER_ID, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(f"{X_API_KEY}\n")
        process.stdin.flush()
        return process


class Routine:
    """`manage.py run_routine` over a fresh copy of a database in which today's run is open."""

    def __init__(self, kind: str, arena: Arena, *, templates: Templates, folder: Path) -> None:
        self._kind = kind
        self._arena = arena
        self._postgres = templates.postgres
        self._folder = folder
        url, needed = templates.fresh(kind, folder=folder)
        self._environment = AS_SHIPPED | needed
        self._prepared = self._at(url)
        self._prepared.import_register(arena.simulator.register)
        self._prepared.manage("shell", "--verbosity", "0", "--command", OPEN_TODAY)

    def race(self, *, processes: int, concurrency: int = 4) -> Figures:
        """Drive the run to its end once."""
        place = self._copy()
        self._hold_back(place, HELD_BACK)
        self._arena.new_lines()
        try:
            running = [
                place.start("run_routine", "--json", CONCURRENCY=str(concurrency))
                for _ in range(processes)
            ]
            for process in running:
                await_threads(process, count=1 + concurrency)
            time.sleep(0.3)
            begun = [cpu_so_far_s(process.pid) for process in running]
            self._hold_back(place, START_SIGNAL)
            spent = await_all(running, start_cpu_s=begun)
        finally:
            place.stop_all()
        logins = len(self._arena.simulator.register_rows())
        self._assert_complete(place, logins=logins)
        return figures_of(self._arena.new_lines(), spent, logins=logins)

    def _at(self, url: str) -> Installation:
        return Installation(
            self._folder,
            database_url=url,
            api_url=self._arena.simulator.url,
            environment=self._environment,
        )

    def _copy(self) -> Installation:
        name = f"b{uuid.uuid4().hex}"
        prepared = self._prepared.database_url
        if self._kind == "sqlite":
            path = self._folder / f"{name}.sqlite3"
            shutil.copy(prepared.removeprefix("sqlite:///"), path)
            return self._at(f"sqlite:///{path}")
        template = prepared.rpartition("/")[2]
        return self._at(self._postgres.create(name, template=template))

    def _hold_back(self, place: Installation, ahead: timedelta) -> None:
        """Let every login become due at one moment, which all processes wait for."""
        moment = datetime.now(UTC) + ahead
        form = "%Y-%m-%d %H:%M:%S.%f" + ("" if self._kind == "sqlite" else "+00")
        place.change("UPDATE routine_attempt SET not_before = ?", moment.strftime(form))

    def _assert_complete(self, place: Installation, *, logins: int) -> None:
        found = place.rows("SELECT state, outcome, count(*) FROM routine_attempt GROUP BY 1, 2")
        calls = place.rows("SELECT state, count(*) FROM tracing_call GROUP BY 1")
        snapshots = place.rows("SELECT count(*) FROM bankdata_snapshot")
        wanted = [("done", "fresh", logins)], [("answered", 2 * logins)], [(logins,)]
        if (found, calls, snapshots) != wanted:
            raise RuntimeError(f"the routine lost something: {found}, {calls}, {snapshots}")
