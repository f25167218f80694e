"""Several programs under one roof: start them, show their lines, end them together.

One thread only, the main one: the kernel ties each child to the thread that made it.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from refreshops.runtime import processes

TICK_SECONDS = 0.1
LONGEST_LINE = 64 * 1024


@dataclass
class _Member:
    name: str
    pid: int
    pipe: int
    rest: bytes = b""


@dataclass
class Household:
    """Programs, each in its own session, that live and end with this process.

    `folder`: where they are started. Call `processes.adopt_orphans` first.
    """

    folder: Path
    out: TextIO = sys.stdout
    _members: dict[int, _Member] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def start(
        self, name: str, arguments: Sequence[str], *, environment: dict[str, str] | None = None
    ) -> None:
        """Start a program, in our own environment or another; its lines appear behind its name."""
        parent = os.getpid()
        reader, writer = os.pipe()
        try:
            child = subprocess.Popen(
                arguments,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=subprocess.STDOUT,
                # Ctrl-C on the terminal is ours alone; if we are killed, they are told to end.
                start_new_session=True,
                preexec_fn=lambda: processes.die_with_parent(parent=parent, by=signal.SIGTERM),
            )
        finally:
            os.close(writer)
        child.returncode = 0  # reaped by us: keep Popen from waiting and from warning
        os.set_blocking(reader, False)
        member = _Member(name=name, pid=child.pid, pipe=reader)
        self._members[child.pid] = member
        self._selector.register(reader, selectors.EVENT_READ, member)

    def wait_until(self, true: Callable[[], bool], *, seconds: float) -> str | None:
        """Show lines until `true` or time is up; returns the name of a program that ended, or ''.

        None means that time was up.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._show(TICK_SECONDS)
            ended = self._collect()
            if true():
                return ""
            if ended:
                return ended
        return None

    def end(self, *, grace_seconds: float, hurry: Callable[[], bool]) -> None:
        """Ask all to end, wait, then kill what is left; `hurry()` cuts the waiting short."""
        for pid in self._members:
            processes.send(pid, signal.SIGTERM)
        end = time.monotonic() + grace_seconds
        while self._members and time.monotonic() < end and not hurry():
            self._show(TICK_SECONDS)
            self._collect()
        processes.kill_all_below(os.getpid())
        self._members.clear()
        self._selector.close()

    def _show(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._read(key.data)

    def _read(self, member: _Member) -> None:
        try:
            chunk = os.read(member.pipe, LONGEST_LINE)
        except BlockingIOError:
            return
        if not chunk:
            self._print(member, member.rest)
            self._selector.unregister(member.pipe)
            os.close(member.pipe)
            return
        *lines, member.rest = (member.rest + chunk).split(b"\n")
        for line in lines:
            self._print(member, line)

    def _print(self, member: _Member, line: bytes) -> None:
        if line:
            text = line.decode("utf-8", "replace").rstrip()
            self.out.write(f"{member.name:<9} | {text}\n")
            self.out.flush()

    def _collect(self) -> str:
        ended = [self._members.pop(pid) for pid in processes.reap() if pid in self._members]
        return ended[0].name if ended else ""
