"""A look from the command line: it finds what was changed behind our back, and changes nothing."""

import json

import pytest

from tests.processes.databases import mostly

pytestmark = pytest.mark.processes
REASON = ("--reason", "The customer left")


@pytest.fixture
def world(simulate, install, database):
    """Eight logins, two of them switched off with proof, and one day of the routine behind them."""
    simulator = simulate(scenario="calm", logins=8, limit=0, body_kb=5)
    place = install(database, simulator)
    ids = [row["login_id"] for row in simulator.register_rows()]
    place.manage("deactivate", "--login-id", *ids[:2], *REASON)
    place.run_routine()
    return simulator, place, ids


def leaks(place, *words, expect=0):
    return json.loads(place.manage("leaks", "--json", *words, expect=expect).stdout)


def ids_of(rows):
    return [row["login_id"] for row in rows]


@mostly("sqlite")
def test_a_plain_look_finds_what_was_changed_behind_our_back(world):
    simulator, place, ids = world
    assert leaks(place)["monthly_cost"] == {}
    simulator.change(ids[0], scheduled=True)
    simulator.change(ids[2], scheduled=False)
    stranger = simulator.add_login()["login_id"]

    said = json.loads(place.manage("check_schedule", "--json").stdout)

    found = leaks(place, "--fail-on-leaks", expect=4)
    assert (said["state"], said["looked_at"]) == ("closed", 8)
    assert said["off_here_on_there"] == ids_of(found["off_here_on_there"]) == [ids[0]]
    assert said["on_here_off_there"] == ids_of(found["on_here_off_there"]) == [ids[2]]
    assert said["unknown_here"] == ids_of(found["unknown_here"]) == [stranger]
    assert found["never_verified"] == found["replaced"] == []
    assert simulator.login(ids[0])["scheduled"] is True


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_login_the_provider_has_deleted_is_known_here_and_not_there(world):
    simulator, place, ids = world
    simulator.change(ids[5], deleted=True)

    said = json.loads(place.manage("check_schedule", "--login-id", ids[5], "--json").stdout)

    (row,) = leaks(place)["unknown_there"]
    assert said["unknown_there"] == [ids[5]] == [row["login_id"]]
    assert row["gone_at"] is not None
    place.manage("deactivate", "--login-id", ids[5], *REASON, expect=None)
    assert leaks(place)["unknown_there"] == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_only_the_chosen_are_asked(world):
    simulator, place, ids = world
    before = len(simulator.log_lines())

    done = place.manage("check_schedule", "--sample", "2")

    asked = simulator.log_lines()[before:]
    authorized = {line["login_id"] for line in asked if line["endpoint"] == "Authorize"}
    assert authorized == set(ids[:2])
    assert "looked at 2 logins" in done.stdout


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_clock_is_told_and_everybody_has_seven_days(world):
    _, place, _ = world

    clock = leaks(place)["clock"]

    assert (clock["already_out"], clock["not_known"]) == (0, 0)
    assert len(clock["days"]) == 7
    assert clock["sentence"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--sample", "0"], "'0' is no number of logins"),
        (["--sample", "all"], "'all' is no number of logins"),
        (["--login-id", "nobody"], "Not in the register"),
    ],
)
def test_a_senseless_choice_is_refused(install, words, why):
    place = install("sqlite")

    done = place.manage("check_schedule", *words, expect=None)

    assert done.returncode in (1, 2)
    assert why in done.stderr
    assert "Traceback" not in done.stderr
