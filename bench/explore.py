"""How many calls at once one process should make: without latency, and with a bank's latency."""

from pathlib import Path
from typing import Any

from bench.contestants import Arena, Routine
from bench.figures import Figures
from tests.installation import Templates
from tests.simulation import running_simulator

THREADS = (1, 2, 4, 8)
LATENCIES_S = (0.0, 0.2)
LOGINS = {0.0: 200, 0.2: 80}


def explored(
    kinds: tuple[str, ...], *, body_kb: int, templates: Templates, folder: Path
) -> dict[tuple[str, float, int], Figures]:
    """Race one process for each `(kind, latency_s, threads)`."""
    found = {}
    for latency_s in LATENCIES_S:
        options: dict[str, Any] = {
            "logins": LOGINS[latency_s],
            "latency": latency_s,
            "body_kb": body_kb,
        }
        with running_simulator(scenario="calm", **options) as simulator:
            arena = Arena(simulator)
            for kind in kinds:
                routine = Routine(kind, arena, templates=templates, folder=folder)
                for threads in THREADS:
                    figures = routine.race(processes=1, concurrency=threads)
                    found[kind, latency_s, threads] = figures
    return found
