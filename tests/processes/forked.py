"""An installation whose commands start as forks: a process each, without the imports each time."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.installation import ROOT, Installation

SERVER = Path(__file__).with_name("fork_server.py")
READY_SECONDS = 30


class Forks:
    """A fork server that runs in a session; `folder` holds its sockets and the output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()
        self.first = self._new("socket")

    def _new(self, kind: str) -> str:
        return str(self.folder / f"{next(self.numbers)}.{kind}")

    def warm(self, *, environment: dict[str, str], folder: Path) -> str:
        """Start a server that has set Django up in this environment; return its socket."""
        path = self._new("socket")
        request = {"serve": path, "environment": environment, "folder": str(folder)}
        with connected(self.first) as lines:
            asked(lines, request)
        return path

    def end(self, server: str) -> None:
        """End a server that `warm` started."""
        with connected(server) as lines:
            print(json.dumps({"end": True}), file=lines, flush=True)

    def run(
        self, server: str, script: list[str], *, timeout: float, **place: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script to its end; kill it, and raise, when that takes longer than `timeout`."""
        files = {"out": self._new("out"), "err": self._new("err")}
        with connected(server, timeout=timeout) as lines:
            pid = asked(lines, {"run": script, **files, **place})["pid"]
            try:
                code = json.loads(lines.readline())["code"]
            except TimeoutError:
                os.killpg(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(script, timeout) from None
        out, err = (Path(path).read_text(encoding="utf-8") for path in files.values())
        return subprocess.CompletedProcess(script, code, out, err)


@contextmanager
def connected(path: str, *, timeout: float = READY_SECONDS) -> Iterator[Any]:
    """Speak to a server, once it listens."""
    ends_at = time.monotonic() + READY_SECONDS
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(timeout)
        while True:
            try:
                link.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < ends_at, "the fork server does not listen"
                time.sleep(0.005)
        with link.makefile("rw", encoding="utf-8") as lines:
            yield lines


def asked(lines: Any, request: dict[str, Any]) -> dict[str, Any]:
    print(json.dumps(request), file=lines, flush=True)
    answer: dict[str, Any] = json.loads(lines.readline())
    return answer


@contextmanager
def running_forks(folder: Path) -> Iterator[Forks]:
    """Start a fork server and end it, and those that it started, afterwards."""
    forks = Forks(folder)
    server = subprocess.Popen(
        [sys.executable, str(SERVER), forks.first],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.PIPE,
        text=True,
    )
    try:
        yield forks
    finally:
        server.communicate(timeout=10)


class ForkedInstallation(Installation):
    """`manage` forks; `start` starts a process from nothing, as a person would."""

    def __init__(self, folder: Path, *, forks: Forks, **words: Any) -> None:
        super().__init__(folder, **words)
        self.forks = forks
        self._warm = ""

    def manage(
        self, *words: str, expect: int | None = 0, timeout: float = 120, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, with settings of its own in `more`."""
        script = list(words) if words[0].endswith(".py") else [str(ROOT / "manage.py"), *words]
        place = {"environment": self.environment | more, "folder": str(self.folder)}
        if more:
            done = self.forks.run(self.forks.first, script, timeout=timeout, **place)
        else:
            done = self.forks.run(self._warm_server(), script, timeout=timeout)
        if expect is not None:
            told = f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            assert done.returncode == expect, told
        return done

    def _warm_server(self) -> str:
        if not self._warm:
            self._warm = self.forks.warm(environment=self.environment, folder=self.folder)
        return self._warm

    def stop_all(self) -> None:
        """Kill whatever this installation started and that still runs."""
        super().stop_all()
        if self._warm:
            self.forks.end(self._warm)
