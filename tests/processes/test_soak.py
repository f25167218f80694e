"""Long randomised runs, started by `make soak`: every fault of the simulator, and kills."""

import random
import time

import pytest

from tests.installation import kill
from tests.processes.evidence import (
    assert_everything_ended_once,
    assert_one_to_one,
    fullest_window,
)
from tests.processes.sides import BOTH, FLANKS, FLINKS

pytestmark = [pytest.mark.processes, pytest.mark.soak]

ROUNDS = 60
LIMIT, WINDOW_S = 40, 2.0


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("scenario", ["morning", "codes", "faults", "pending"])
def test_random_kills_among_faults_keep_every_invariant(
    database, scenario, side, simulate, install
):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    simulator = simulate(
        scenario=scenario,
        limit=0,
        latency=0.02,
        jitter=0.1 if side is FLINKS else 0.02,
        seed=seed,
        body_kb=10,
        **side.options(400),
    )
    place = install(
        database,
        simulator,
        LOGINS_PER_MINUTE=str(LIMIT),
        THROTTLE_WINDOW_SECONDS=str(WINDOW_S),
        CALL_DEADLINE_SECONDS="1.5",
        FLINKS_BEARER_SECRET="",
        # A check that takes a day there is no matter of minutes here.
        WAIT_SCALE="0.001" if scenario == "codes" and side is FLANKS else "0.01",
        **side.settings(simulator),
    )
    active = sum(
        row["status"] == "active"
        for row in simulator.register_rows()
        if row["provider"] == side.name
    )

    workers = [place.start(*side.command()) for _ in range(3)]
    for _ in range(ROUNDS):
        time.sleep(chance.uniform(0.2, 1.5))
        victim = chance.randrange(len(workers))
        if workers[victim].poll() is None:
            kill(workers[victim])
        workers[victim] = place.start(*side.command())
    for worker in workers:
        worker.communicate(timeout=600)
    for _ in range(30):
        # So many faults in a row rightly pause the provider; a person resumes it.
        place.change(
            "UPDATE logins_provider SET paused_at = NULL, paused_reason = '', silences = 0"
        )
        found = side.run(place, expect=None)
        if found["state"] == "closed":
            break

    assert found["state"] == "closed", found
    assert_everything_ended_once(place, planned=active)
    assert_one_to_one(place, simulator)
    lines = simulator.log_lines()
    # There a status is a poll at times, and only the first of a login surely is none.
    arrivals = side.paced(lines) if side is FLINKS else side.begun(lines)
    assert fullest_window(arrivals, window_s=WINDOW_S) <= LIMIT
