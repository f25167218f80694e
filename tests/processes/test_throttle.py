"""The throttle at the server: several processes, two databases, and a kill in the middle."""

import time

import pytest

from tests.installation import kill
from tests.processes.databases import mostly
from tests.processes.evidence import (
    assert_everything_ended_once,
    assert_one_to_one,
    fullest_window,
    quota_used,
)
from tests.processes.sides import FLANKS, FLINKS

LIMIT = 30
PACE = {
    "LOGINS_PER_MINUTE": str(LIMIT),
    "CONCURRENCY": "2",
    "CALL_DEADLINE_SECONDS": "2",
    "FLINKS_BEARER_SECRET": "",
    "FLINKS_SECRET_KEY": "",
}

pytestmark = pytest.mark.processes


@mostly("postgresql")
@pytest.mark.parametrize(
    ("side", "with_kill", "logins", "window_s", "least_used"),
    [
        # What a start takes weighs more in a short run, on a machine that others use too.
        pytest.param(FLINKS, True, 100, 4.0, 0.8, id="flinks-kill-9-in-the-middle"),
        pytest.param(FLANKS, True, 80, 4.0, 0.75, id="flanks-kill-9-in-the-middle"),
        pytest.param(
            FLINKS, True, 160, 6.0, 0.95, id="flinks-kill-9-and-longer", marks=pytest.mark.soak
        ),
        pytest.param(FLINKS, False, 160, 6.0, 0.95, id="flinks-calm", marks=pytest.mark.soak),
        pytest.param(FLANKS, False, 160, 6.0, 0.9, id="flanks-calm", marks=pytest.mark.soak),
    ],
)
def test_no_window_is_overfull_and_the_quota_is_used(
    side, database, with_kill, logins, window_s, least_used, simulate, install
):
    latency = 0.03 if side is FLINKS else 0.005
    simulator = simulate(
        scenario="calm", limit=0, latency=latency, jitter=0.02, body_kb=5, **side.options(logins)
    )
    simulator.flanks.limit(LIMIT, window_seconds=window_s)
    place = install(
        database,
        simulator,
        THROTTLE_WINDOW_SECONDS=str(window_s),
        **PACE,
        **side.settings(simulator),
    )

    workers = [place.start(*side.command()) for _ in range(4)]
    if with_kill:
        while len(side.paced(simulator.log_lines(settle_seconds=0))) < 2 * LIMIT + 5:
            time.sleep(0.05)
        for worker in workers[:2]:
            kill(worker)
        workers[:2] = [place.start(*side.command()) for _ in range(2)]
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, err

    arrivals = side.paced(simulator.log_lines())
    assert fullest_window(arrivals, window_s=window_s) <= LIMIT
    assert quota_used(arrivals, limit=LIMIT, window_s=window_s) >= least_used
    if side is FLANKS:
        counts = simulator.flanks.counts()
        assert (counts["refused"], counts["most_in_a_window"]) == (0, LIMIT)
    assert_everything_ended_once(place, planned=logins)
    assert_one_to_one(place, simulator)
