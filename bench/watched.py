"""Child processes whose CPU time and memory are known: by wait4 and /proc (Linux)."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """What a process used from the start signal to its end; `start_cpu_s` is what came before."""

    cpu_s: float
    start_cpu_s: float
    peak_rss_mb: float


def cpu_so_far_s(pid: int) -> float:
    """Return user and system time of a running process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def await_threads(process: "subprocess.Popen[str]", *, count: int, within_s: float = 40.0) -> None:
    """Return once a process runs `count` threads; raises RuntimeError when it does not."""
    ends_at = time.monotonic() + within_s
    while len(list(Path(f"/proc/{process.pid}/task").iterdir())) < count:
        if process.poll() is not None or time.monotonic() > ends_at:
            raise RuntimeError(f"process {process.pid} did not begin to drive")
        time.sleep(0.02)


def await_end(process: "subprocess.Popen[str]", *, start_cpu_s: float) -> Spent:
    """Reap a process; raises RuntimeError when it failed.

    What it prints must fit into a pipe. A peak below our own cannot be seen: a child begins with
    its parent's.
    """
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    _, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"process {process.pid} ended with {process.returncode}: {err}")
    return Spent(
        cpu_s=used.ru_utime + used.ru_stime - start_cpu_s,
        start_cpu_s=start_cpu_s,
        peak_rss_mb=used.ru_maxrss / 1024,
    )
