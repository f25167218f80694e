"""A real `manage.py worker` on a database of its own, and a view of its processes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from refreshops.runtime import processes
from refreshops.runtime.cluster import ACKS, IDLE
from tests.settings import FIXED

ROOT = Path(__file__).resolve().parents[2]
ENQUEUE = (
    "import django, json, sys; django.setup()\n"
    "from django_q.tasks import async_task\n"
    "for call in json.loads(sys.argv[1]): async_task(*call)"
)


def environment(database: Path) -> dict[str, str]:
    """Return the settings of a small installation of its own, as environment variables."""
    return {
        **os.environ,
        **FIXED,
        "HTTPS_ONLY": "false",
        "EMAIL_URL": "",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "refreshops.settings",
        "PYTHONUNBUFFERED": "1",
    }


def manage(database: Path, *arguments: str, **more: str) -> str:
    """Run a management command to its end; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(database) | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for(true: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait until `true`, or fail saying `what` did not happen."""
    assert processes.wait_until(lambda: bool(true()), seconds=seconds, step_seconds=0.05), (
        f"within {seconds} s: {what}"
    )


class Workshop:
    """One supervised worker; leave by `close()`."""

    def __init__(self, database: Path, log: Path) -> None:
        self.database = database
        self.log = log
        self._seen: set[int] = set()

    def start(self, **seconds: float) -> None:
        """Start the worker and wait until its first ping is through."""
        options = {"ping": 0.3, "limit": 2.0, "grace": 5.0} | seconds
        arguments = [f"--{name}-seconds={value}" for name, value in options.items()]
        with self.log.open("w") as sink:
            self.worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker", *arguments],
                cwd=ROOT,
                env=environment(self.database),
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(lambda: self.acking(), seconds=20, what="the first ping went through")

    def tree(self) -> list[int]:
        """Return every living process under the supervisor."""
        found = processes.below(self.worker.pid)
        self._seen.update(found)
        return found

    def survivors(self) -> list[int]:
        """Return the processes ever seen in the tree that still live."""
        return [pid for pid in self._seen if alive(pid)]

    def main(self) -> int:
        """Return the cluster's main process, the supervisor's own child."""
        return self.tree()[0]

    def acking(self) -> list[int]:
        """Return the monitor, once it has taken a finished task out of the queue."""
        return [pid for pid in self.tree() if processes.name_of(pid) == ACKS]

    def idle_workers(self) -> list[int]:
        return [pid for pid in self.tree() if processes.name_of(pid) == IDLE]

    def freeze(self) -> None:
        """Kill the idle worker that holds the read lock of the queue."""
        wait_for(self._reader, seconds=5, what="an idle worker read the queue's pipe")
        victim = self._reader()
        os.kill(victim[0], signal.SIGKILL)

    def _reader(self) -> list[int]:
        return [pid for pid in self.idle_workers() if "pipe" in _sleeps_in(pid)]

    def enqueue(self, *calls: list[object]) -> None:
        """Queue tasks, each as [function, argument, …]."""
        subprocess.run(
            [sys.executable, "-c", ENQUEUE, json.dumps(calls)],
            cwd=ROOT,
            env=environment(self.database),
            capture_output=True,
            timeout=30,
            check=True,
        )

    def pings_queued(self) -> int:
        """Return how many rows the queue ever had."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'django_q_ormq'")
        return rows[0][0] if rows else 0

    def queue_length(self) -> int:
        return self._rows("SELECT count(*) FROM django_q_ormq")[0][0]

    def _rows(self, query: str) -> list[tuple]:
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def restarts(self) -> int:
        return self.log.read_text().count("started anew")

    def stop(self, number: int = signal.SIGTERM, *, seconds: float = 15) -> tuple[int, float]:
        """Send a signal; returns the exit status and how long the end took."""
        self.tree()
        began = time.monotonic()
        self.worker.send_signal(number)
        status = self.worker.wait(timeout=seconds)
        return status, time.monotonic() - began

    def close(self) -> None:
        """End what a failed test left."""
        if self.worker.poll() is None:
            self.stop(signal.SIGKILL)
        for pid in self.survivors():
            processes.send(pid, signal.SIGKILL)


def _sleeps_in(pid: int) -> str:
    """Return the name of the kernel function a process waits in."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
