"""Many logins that stay 202 for long: polls are rows, and a restart goes on with them."""

import time
from collections import defaultdict
from statistics import median

import pytest

from tests.installation import kill
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

# Of real time: a poll every ten seconds, for two minutes.
POLL_S, PENDING_S = 10, 120

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    ("logins", "faster", "late_s"),
    [
        # Where others use the machine too, it may rest a while; a poll must not be lost for it.
        pytest.param(60, 8, 4.0, id="60"),
        pytest.param(200, 5, 1.0, id="200", marks=pytest.mark.soak),
    ],
)
def test_pending_logins_are_polled_in_time_through_a_restart(
    logins, faster, late_s, simulate, install
):
    poll_s, pending_s = POLL_S / faster, PENDING_S / faster
    simulator = simulate(
        scenario="pending", logins=logins, limit=0, pending_seconds=pending_s, body_kb=5
    )
    place = install(
        "sqlite", simulator, POLL_SECONDS=str(poll_s), CONCURRENCY="4", LEASE_SECONDS="2"
    )

    first = place.start("run_routine")
    time.sleep(pending_s / 2)
    busy = place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'calling'")[0][0]
    kill(first)
    killed_at = time.time()
    found = place.run_routine()

    assert busy <= 4, "a poll must not occupy a worker"
    assert found["outcomes"] == {"fresh": logins}
    assert_everything_ended_once(place, planned=logins)
    assert_one_to_one(place, simulator)
    lines = simulator.log_lines()
    sessions = defaultdict(set)
    for line in lines:
        if line["endpoint"] == "GetAccountsDetailAsync":
            sessions[line["login_id"]].add(line["request_id"])
    assert {len(found) for found in sessions.values()} == {1}
    assert len([line for line in lines if line["endpoint"] == "Authorize"]) == logins
    gaps = list(gaps_between_polls(lines, killed_at=killed_at, poll_s=poll_s))
    assert len(gaps) > 3 * logins
    assert min(gaps) >= poll_s - 0.05
    assert median(gaps) <= poll_s + 0.5
    assert max(gaps) <= poll_s + late_s


def gaps_between_polls(lines, *, killed_at, poll_s):
    """Give the seconds between polls of one login, leaving out the gap of the restart."""
    polls = defaultdict(list)
    for line in sorted(lines, key=lambda line: line["arrived"]):
        if line["endpoint"] == "GetAccountsDetailAsync":
            polls[line["login_id"]].append((line["arrived"], line["answered"] or line["arrived"]))
    for times in polls.values():
        for (_, answered), (arrived, _) in zip(times, times[1:], strict=False):
            if not answered <= killed_at + 3 * poll_s or arrived < killed_at:
                yield arrived - answered
