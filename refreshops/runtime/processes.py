"""Process trees on Linux: tie a child to its parent, adopt orphans, list, kill and reap.

Standard library only.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)

# A killed process is gone within milliseconds, unless the machine is very busy.
KILL_PATIENCE_SECONDS = 10.0


def _prctl(option: int, value: int | bytes) -> None:
    if _LIBC.prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent(*, parent: int, by: int = signal.SIGKILL) -> None:
    """Have the kernel send this process `by` when `parent` dies; at once if it is dead already."""
    _prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def tie_forks_to_parent() -> None:
    """Make every later fork of this process, and theirs, die with the process that made it.

    The kernel forgets the setting at each fork, so it is renewed in each child.
    """
    forking = {"pid": os.getpid()}

    def before() -> None:
        forking["pid"] = os.getpid()

    def in_child() -> None:
        die_with_parent(parent=forking["pid"])

    os.register_at_fork(before=before, after_in_child=in_child)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, instead of process 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_name(name: str) -> None:
    """Name this process (at most 15 characters) as `name_of` and `ps` show it."""
    _prctl(_PR_SET_NAME, name.encode())


def name_of(pid: int) -> str:
    """Return the name of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def below(pid: int) -> list[int]:
    """Return all living descendants of `pid`, without zombies, nearest first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (parent := _living_child_of(int(entry))):
            children.setdefault(parent, []).append(int(entry))
    found = list(children.get(pid, ()))
    for member in found:
        found.extend(children.get(member, ()))
    return found


def _living_child_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name stands in brackets and may itself hold brackets and blanks.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state in {"Z", "X"} else int(parent)


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already is no matter."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def reap() -> dict[int, int]:
    """Collect ended children, adopted ones included: pid to exit status (negative: by signal)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def kill_all_below(pid: int) -> dict[int, int]:
    """Kill every descendant of `pid` until none is left; returns what was reaped on the way.

    Needs `adopt_orphans` in `pid`, so that nobody slips out of the tree while it is cut down.
    """
    ended: dict[int, int] = {}

    def gone() -> bool:
        left = below(pid)
        for member in left:
            send(member, signal.SIGKILL)
        ended.update(reap())
        return not left

    wait_until(gone, seconds=KILL_PATIENCE_SECONDS, step_seconds=0.02)
    ended.update(reap())
    return ended


def wait_until(true: Callable[[], bool], *, seconds: float, step_seconds: float = 0.1) -> bool:
    """Ask `true` again and again for up to `seconds`; returns its last answer."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() >= end:
            return False
        time.sleep(step_seconds)
    return True
