"""How much of the provider's quota four processes use, and that none goes over it."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.contestants import AS_SHIPPED
from tests.installation import Installation, Templates
from tests.processes.evidence import fullest_window, quota_used, starts
from tests.simulation import Simulator, running_simulator

LIMIT, WINDOW_S, PROCESSES = 30, 6.0, 4
LATENCY_S, JITTER_S = 0.03, 0.02


@dataclass(frozen=True)
class Quota:
    """`used` is the time of the best legal schedule divided by the time taken."""

    kind: str
    used: float
    fullest: int
    logins: int


def quotas(
    kinds: tuple[str, ...], *, logins: int, templates: Templates, folder: Path
) -> list[Quota]:
    """Measure every kind of database at once: each waits most of the time."""
    with ExitStack() as stack:
        pairs = []
        for kind in kinds:
            simulator = stack.enter_context(
                running_simulator(
                    scenario="calm",
                    logins=logins,
                    latency=LATENCY_S,
                    jitter=JITTER_S,
                    body_kb=5,
                )
            )
            place = _installed(kind, simulator, templates=templates, folder=folder)
            stack.callback(place.stop_all)
            pairs.append((kind, simulator, place))
        for _, _, place in pairs:
            for _ in range(PROCESSES):
                place.start("run_routine", "--json")
        return [_judged(kind, simulator, place, logins) for kind, simulator, place in pairs]


def _installed(
    kind: str, simulator: Simulator, *, templates: Templates, folder: Path
) -> Installation:
    url, needed = templates.fresh(kind, folder=folder)
    pace = {"LOGINS_PER_MINUTE": str(LIMIT), "THROTTLE_WINDOW_SECONDS": str(WINDOW_S)}
    place = Installation(
        folder, database_url=url, api_url=simulator.url, environment=AS_SHIPPED | pace | needed
    )
    place.import_register(simulator.register)
    return place


def _judged(kind: str, simulator: Simulator, place: Installation, logins: int) -> Quota:
    for process in place.started[-PROCESSES:]:
        _, err = process.communicate(timeout=120)
        if process.returncode:
            raise RuntimeError(err)
    arrivals = starts(simulator.log_lines())
    if len(arrivals) != logins:
        raise RuntimeError(f"{logins} logins, {len(arrivals)} starts")
    return Quota(
        kind,
        used=quota_used(arrivals, limit=LIMIT, window_s=WINDOW_S),
        fullest=fullest_window(arrivals, window_s=WINDOW_S),
        logins=logins,
    )
