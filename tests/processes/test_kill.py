"""kill -9 at every named point and at random times: nothing lost, nothing stuck, all traced."""

import random
import signal
from pathlib import Path

import pytest

from tests.processes.databases import mostly
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.sides import FLANKS, FLINKS

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
    "before-the-data-call",
    "during-a-poll-wait",
    "before-the-attempt-is-done",
]
# The first call of all fetches the access token; what comes in pieces is kept between calls.
OF_FLANKS = [
    ("in-the-claim-before-the-row", 1),
    ("committed-not-sent", 1),
    ("sent-not-answered", 1),
    ("answered-not-recorded", 1),
    ("recorded-not-committed", 1),
    ("a-piece-kept-not-committed", 4),
]
CASES = [
    *(pytest.param(FLINKS, point, 5, id=f"flinks-{point}") for point in POINTS),
    *(pytest.param(FLANKS, point, 5, id=f"flanks-{point}") for point in POINTS),
    *(pytest.param(FLANKS, *case, id=f"flanks-{case[0]}-{case[1]}") for case in OF_FLANKS),
]

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("side", "point", "count"), CASES)
def test_a_kill_at_a_named_point_loses_nothing(side, point, count, simulate, install):
    polls = point == "during-a-poll-wait"
    logins = 12 if side is FLINKS else 8
    simulator = simulate(
        scenario="pending" if polls else "calm",
        limit=0,
        latency=0.15 if side is FLINKS else 0.04,
        body_kb=5,
        pending_seconds=1.5,
        **side.options(logins),
    )
    place = install("sqlite", simulator, CONCURRENCY=str(CONCURRENCY), **side.settings(simulator))

    dead = place.manage(DRIVER, "at", point, str(count), side.name, expect=None)
    found = side.run(place)

    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert found["state"] == "closed"
    assert found["outcomes"] == {"fresh": logins}
    assert_everything_ended_once(place, planned=logins)
    assert_one_to_one(place, simulator)
    assert side.repeats(simulator, polled=polls) <= CONCURRENCY
    assert place.rows("SELECT count(*) FROM bankdata_piece") == [(0,)]


@mostly("postgresql")
@pytest.mark.parametrize(
    ("side", "kills"),
    [
        pytest.param(FLINKS, 10, id="flinks-10"),
        pytest.param(FLANKS, 6, id="flanks-6"),
        pytest.param(FLINKS, 60, id="flinks-60", marks=pytest.mark.soak),
        pytest.param(FLANKS, 60, id="flanks-60", marks=pytest.mark.soak),
    ],
)
def test_kills_at_random_times_lose_nothing(side, kills, database, simulate, install):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    logins = (8 if side is FLINKS else 5) * kills
    simulator = simulate(
        scenario="calm",
        limit=0,
        latency=0.1 if side is FLINKS else 0.05,
        body_kb=5,
        **side.options(logins),
    )
    place = install(
        database,
        simulator,
        CONCURRENCY=str(CONCURRENCY),
        LEASE_SECONDS="0.6",
        **side.settings(simulator),
    )

    place.manage(DRIVER, "often", str(kills), str(seed), side.name)
    found = side.run(place)

    assert found["outcomes"].get("fresh", 0) + found["outcomes"].get("provider_fault", 0) == logins
    crashed = place.rows(
        "SELECT count(*) FROM routine_attempt WHERE outcome_reason = 'crashed' AND starts < 3"
    )
    assert found["outcomes"].get("provider_fault", 0) <= 2, crashed
    assert_everything_ended_once(place, planned=logins)
    assert_one_to_one(place, simulator)
    assert side.repeats(simulator) <= kills * CONCURRENCY
