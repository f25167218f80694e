"""Two hundred logins that stay 202 for long: polls are rows, and a restart goes on with them."""

import time
from collections import defaultdict

import pytest

from tests.installation import kill
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

# Real time is scaled to a fifth: 10 s between polls become 2, two minutes become 24 s.
SCALE = 5
POLL_S, PENDING_S = 10 / SCALE, 120 / SCALE
LATE_S = 1.0

pytestmark = pytest.mark.processes


def test_two_hundred_pending_logins_are_polled_in_time_through_a_restart(simulate, install):
    simulator = simulate(
        scenario="pending", logins=200, limit=0, pending_seconds=PENDING_S, body_kb=5
    )
    place = install(
        "sqlite", simulator, POLL_SECONDS=str(POLL_S), CONCURRENCY="4", LEASE_SECONDS="2"
    )

    first = place.start("run_routine")
    time.sleep(PENDING_S / 2)
    busy = place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'calling'")[0][0]
    kill(first)
    killed_at = time.time()
    found = place.run_routine()

    assert busy <= 4, "a poll must not occupy a worker"
    assert found["outcomes"] == {"fresh": 200}
    assert_everything_ended_once(place, planned=200)
    assert_one_to_one(place, simulator)
    lines = simulator.log_lines()
    sessions = defaultdict(set)
    for line in lines:
        if line["endpoint"] == "GetAccountsDetailAsync":
            sessions[line["login_id"]].add(line["request_id"])
    assert {len(found) for found in sessions.values()} == {1}
    assert len([line for line in lines if line["endpoint"] == "Authorize"]) == 200
    gaps = list(gaps_between_polls(lines, killed_at=killed_at))
    assert len(gaps) > 1000
    assert min(gaps) >= POLL_S - 0.05
    assert max(gaps) <= POLL_S + LATE_S


def gaps_between_polls(lines, *, killed_at):
    """Give the seconds between polls of one login, leaving out the gap of the restart."""
    polls = defaultdict(list)
    for line in sorted(lines, key=lambda line: line["arrived"]):
        if line["endpoint"] == "GetAccountsDetailAsync":
            polls[line["login_id"]].append((line["arrived"], line["answered"] or line["arrived"]))
    for times in polls.values():
        for (_, answered), (arrived, _) in zip(times, times[1:], strict=False):
            if not answered <= killed_at + 3 * POLL_S or arrived < killed_at:
                yield arrived - answered
