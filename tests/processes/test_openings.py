"""A hundred openings at one instant make one run; a second routine joins the first."""

import json
from pathlib import Path

import pytest

from tests.processes.databases import mostly
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

SCRIPT = str(Path(__file__).with_name("open_at_once.py"))

pytestmark = pytest.mark.processes


def test_a_hundred_openings_at_one_instant_make_one_run(database, simulate, install):
    simulator = simulate(scenario="calm", logins=50, limit=0)
    place = install(database, simulator)

    done = place.manage(SCRIPT, "100")

    said = json.loads(done.stdout)
    assert said == {"runs": 1, "opened": 1, "joined": 99}
    assert place.rows("SELECT planned FROM routine_run") == [(50,)]
    assert place.rows("SELECT count(*) FROM routine_attempt WHERE login_id IS NOT NULL") == [(50,)]


@mostly("postgresql")
def test_a_second_routine_joins_the_first_and_both_end_it(database, simulate, install):
    simulator = simulate(scenario="calm", logins=40, limit=0, latency=0.1, body_kb=5)
    place = install(database, simulator)

    both = [place.start("run_routine", "--json") for _ in range(2)]
    said = []
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        said.append(json.loads(out))

    assert said[0]["run"] == said[1]["run"]
    assert [one["done"] for one in said] == [40, 40]
    assert_everything_ended_once(place, planned=40)
    assert_one_to_one(place, simulator)


@mostly("sqlite")
def test_yesterdays_unfinished_run_is_closed_when_todays_opens(database, simulate, install):
    simulator = simulate(scenario="calm", logins=6, limit=0)
    place = install(database, simulator)
    place.manage(SCRIPT, "1")
    place.change("UPDATE routine_run SET local_date = '2026-01-01'")

    found = place.run_routine()

    assert found["done"] == 6
    first, second = place.rows("SELECT state, state_reason FROM routine_run ORDER BY id")
    assert (first[0], second[0]) == ("closed", "closed")
    assert "6 logins were not asked" in first[1]
