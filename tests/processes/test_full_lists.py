"""A provider that names all it holds: both differences are found, and the page puts them right."""

import json
from pathlib import Path

import pytest

from tests.processes.databases import mostly
from tests.processes.sides import FLANKS_KEYS

FOLDER = Path(__file__).parent
HANDS, DRIVE = str(FOLDER / "hands.py"), str(FOLDER / "drive_each.py")
REASON = "Found on the page Leaks"

pytestmark = pytest.mark.processes


@pytest.fixture
def world(simulate, install, database):
    """Twelve logins there, on pages of five, and a daily run behind them."""
    simulator = simulate(
        scenario="calm", logins=0, limit=0, body_kb=2, flanks_logins=12, flanks_page_size=5
    )
    place = install(database, simulator, **FLANKS_KEYS, FLANKS_API_URL=simulator.flanks_url)
    place.manage("run_routine")
    ids = [row["login_id"] for row in simulator.register_rows(provider="flanks")]
    return simulator, place, ids


def leaks(place):
    found = json.loads(place.manage("leaks", "--json").stdout)
    reports = {row["provider"]: row for row in found["reports"]}
    names = ("off_here_on_there", "unknown_there", "unknown_here", "on_here_off_there")
    lists = {name: {row["login_id"] for row in found[name]} for name in names}
    return {name: ids for name, ids in lists.items() if ids}, reports["flanks"]


def look(place):
    return place.manage("check_schedule", "--provider", "flanks").stdout


def by_hand(place, button, confirm, **typed):
    steps = [
        {"open": "/leaks/"},
        {"press": button},
        {"press": confirm, "fill": {"reason": REASON, **typed}},
    ]
    place.manage(HANDS, "boss", json.dumps(steps))
    place.manage(DRIVE, "20")


def held(simulator):
    return {row["login_id"] for row in simulator.flanks.logins(deleted=False)}


@mostly("sqlite")
def test_differences_both_ways_are_found_and_put_right(world):
    simulator, place, ids = world
    assert leaks(place)[0] == {}
    left, lost = ids[0], ids[1:3]
    place.manage("deactivate", "--login-id", left, "--reason", "The customer left")
    for one in lost:
        simulator.flanks.change(one, deleted=True)
    strangers = {simulator.flanks.add_login()["login_id"] for _ in range(2)}

    said = look(place)

    found, report = leaks(place)
    assert found == {
        "off_here_on_there": {left},
        "unknown_there": set(lost),
        "unknown_here": strangers,
    }
    assert (report["complete"], report["doubt"]) == (True, "")
    assert "The provider holds 12; 2 of them unknown here." in said

    by_hand(place, "Delete 1 login", "Forget", typed="FORGET")
    by_hand(place, "Delete 2 logins", "Delete for good", typed="FORGET")
    by_hand(place, "Retire 2 logins", "Switch")

    assert leaks(place)[0] == {}
    assert held(simulator) == set(ids) - {left, *lost}
    look(place)
    assert leaks(place)[0] == {}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_list_of_somebody_else_changes_nothing_and_is_said(world):
    simulator, place, ids = world
    before = place.rows("SELECT id, nightly, gone_at FROM logins_login ORDER BY id")
    for one in ids:
        simulator.flanks.change(one, deleted=True)
    simulator.flanks.add_login()

    place.manage("check_schedule", "--provider", "flanks", "--sample", "1", expect=None)

    found, report = leaks(place)
    assert "unknown_here" not in found
    # The one that was asked may have been found gone before the list was read to its end.
    assert report["doubt"].startswith("The list names none of our 1")
    asked = {
        row[0]
        for row in place.rows(
            "SELECT login_id FROM routine_attempt WHERE login_id IS NOT NULL "
            "AND purpose = 'check_schedule'"
        )
    }
    after = place.rows("SELECT id, nightly, gone_at FROM logins_login ORDER BY id")
    assert [row for row in after if row[0] not in asked] == [
        row for row in before if row[0] not in asked
    ]
