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


def await_all(
    processes: "list[subprocess.Popen[str]]",
    *,
    start_cpu_s: list[float],
    look_every_s: float = 0.05,
) -> list[Spent]:
    """Reap processes as they end; raises RuntimeError when one failed.

    What they print must fit into a pipe.
    """
    peaks = dict.fromkeys((process.pid for process in processes), 0.0)
    running = list(processes)
    usage = {}
    while running:
        for process in list(running):
            peaks[process.pid] = max(peaks[process.pid], _peak_rss_mb(process.pid))
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                usage[pid] = used.ru_utime + used.ru_stime
                running.remove(process)
        time.sleep(look_every_s)
    for process in processes:
        _, err = process.communicate()
        if process.returncode:
            raise RuntimeError(f"process {process.pid} ended with {process.returncode}: {err}")
    return [
        Spent(usage[process.pid] - start, start, peaks[process.pid])
        for process, start in zip(processes, start_cpu_s, strict=True)
    ]


def _peak_rss_mb(pid: int) -> float:
    """Return the peak so far; 0 once it has ended. ru_maxrss would begin with our own size."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
