"""kill -9 at every named point and at random times: nothing lost, nothing stuck, all traced."""

import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.processes.databases import mostly
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

DRIVER = str(Path(__file__).with_name("dying_driver.py"))
CONCURRENCY = 3
POINTS = [
    "before-the-claim",
    "in-the-claim-before-the-row",
    "row-written-not-committed",
    "committed-not-sent",
    "sent-not-answered",
    "answered-not-recorded",
    "recorded-not-committed",
    "after-authorize-before-detail",
    "during-a-poll-wait",
    "before-the-attempt-is-done",
]

pytestmark = pytest.mark.processes


def repeats(simulator) -> int:
    """Count the Authorize calls beyond the first of each login, and data calls likewise."""
    calls = Counter(
        (line["login_id"], line["endpoint"])
        for line in simulator.log_lines()
        if line["endpoint"] in ("Authorize", "GetAccountsDetail")
    )
    return sum(count - 1 for count in calls.values())


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_loses_nothing(point, simulate, install):
    scenario = "pending" if point == "during-a-poll-wait" else "calm"
    simulator = simulate(
        scenario=scenario, logins=12, limit=0, latency=0.15, body_kb=5, pending_seconds=1.5
    )
    place = install("sqlite", simulator, CONCURRENCY=str(CONCURRENCY))

    dead = place.manage(DRIVER, "at", point, "5", expect=None)
    found = place.run_routine()

    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert found["state"] == "closed"
    assert found["outcomes"] == {"fresh": 12}
    assert_everything_ended_once(place, planned=12)
    assert_one_to_one(place, simulator)
    assert repeats(simulator) <= CONCURRENCY


@mostly("postgresql")
@pytest.mark.parametrize("kills", [10, pytest.param(60, marks=pytest.mark.soak)])
def test_kills_at_random_times_lose_nothing(kills, database, simulate, install):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    logins = 8 * kills
    simulator = simulate(scenario="calm", logins=logins, limit=0, latency=0.1, body_kb=5)
    place = install(database, simulator, CONCURRENCY=str(CONCURRENCY), LEASE_SECONDS="0.6")

    place.manage(DRIVER, "often", str(kills), str(seed))
    found = place.run_routine()

    assert found["outcomes"].get("fresh", 0) + found["outcomes"].get("provider_fault", 0) == logins
    crashed = place.rows(
        "SELECT count(*) FROM routine_attempt WHERE outcome_reason = 'crashed' AND starts < 3"
    )
    assert found["outcomes"].get("provider_fault", 0) <= 2, crashed
    assert_everything_ended_once(place, planned=logins)
    assert_one_to_one(place, simulator)
    assert repeats(simulator) <= kills * CONCURRENCY
