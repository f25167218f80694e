"""Ten thousand logins in one order: chosen across pages, accepted at once, sent at the limit."""

import json
import time
from pathlib import Path

import pytest

from tests.processes.databases import mostly

HANDS = str(Path(__file__).with_name("hands.py"))
LOGINS, OF_THE_FILTER = 12_000, 10_000
LIMIT, WINDOW_S = 40, 1.0
LIST = "/logins/login/?status__exact=active"
# "About a second" on a quiet machine; tests run beside others.
ACCEPTED_WITHIN_S = 5.0

pytestmark = pytest.mark.processes


@pytest.fixture
def large(database, simulate, install):
    simulator = simulate(
        scenario="calm", logins=LOGINS, limit=LIMIT, window=WINDOW_S, body_kb=4, ready_seconds=60
    )
    place = install(
        database,
        simulator,
        LOGINS_PER_MINUTE=str(LIMIT),
        THROTTLE_WINDOW_SECONDS=str(WINDOW_S),
        CONCURRENCY="8",
    )
    first = place.rows("SELECT min(id) FROM logins_login")[0][0]
    place.change("UPDATE logins_login SET status = 'inactive' WHERE id >= ?", first + OF_THE_FILTER)
    return simulator, place


def by_hand(place, username, *steps):
    done = place.manage(HANDS, username, json.dumps(steps))
    return [json.loads(line) for line in done.stdout.splitlines()]


def choose_all(place):
    """Return the steps that choose every row of the filter, over all its pages, and order them."""
    one = place.rows("SELECT min(id) FROM logins_login")[0][0]
    across = {"action": "switch_off", "select_across": "1", "_selected_action": str(one)}
    return [
        {"open": LIST},
        {"press": "Go", "fill": across},
        {"press": "Switch off", "fill": {"reason": "The whole portfolio was sold"}},
    ]


@mostly("postgresql")
def test_all_rows_of_a_filter_become_one_order_that_obeys_the_throttle(large):
    simulator, place = large

    shown, asked, ordered = by_hand(place, "boss", *choose_all(place))
    (run_id, state, planned), *others = place.rows("SELECT id, state, planned FROM routine_run")
    steps = [{"open": f"/routine/run/{run_id}/order/approve/"}, {"press": "Approve"}]
    *_, approved = by_hand(place, "second", *steps)
    begun = time.monotonic()
    by_hand(place, "second", {"drive": 6})
    took = time.monotonic() - begun

    print(f"list {shown}, question {asked}, order {ordered}, approval {approved}")
    assert (state, planned, others) == ("waiting", OF_THE_FILTER, [])
    assert ordered["path"] == f"/routine/run/{run_id}/change/"
    assert ordered["seconds"] < ACCEPTED_WITHIN_S
    assert approved["seconds"] < ACCEPTED_WITHIN_S
    assert place.rows("SELECT DISTINCT state FROM routine_run") == [("open",)]
    assert place.rows("SELECT count(*) FROM logins_login WHERE status = 'active'") == [(0,)]
    counts = simulator.counts()
    assert counts["refused"] == 0
    assert counts["most_in_a_window"] <= LIMIT
    asked_there = len(simulator.log_lines())
    print(
        f"{asked_there} calls in {took:.1f} s, {counts['most_in_a_window']} in the fullest window"
    )
    assert asked_there > 2 * LIMIT
