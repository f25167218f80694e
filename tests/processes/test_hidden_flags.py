"""A login's own error hides its flag from the Authorize; the summary of its accounts tells it."""

import json

import pytest

from tests.processes.evidence import assert_one_to_one

pytestmark = pytest.mark.processes
REASON = ("--reason", "The customer left")


@pytest.fixture
def hiding(simulate, install):
    """A login that waits for an answer to a security question; its data is open."""
    simulator = simulate(scenario="calm", logins=2, limit=0, body_kb=5)
    place = install("sqlite", simulator)
    login_id = simulator.register_rows()[0]["login_id"]
    simulator.change(login_id, fate="question_not_found")
    return simulator, place, login_id


def asked_of(simulator, login_id):
    return [line["endpoint"] for line in simulator.log_lines() if line["login_id"] == login_id]


def shown(place, login_id):
    return place.rows(
        "SELECT nightly, nightly_verified_at IS NOT NULL FROM logins_login WHERE login_id = ?",
        login_id,
    )[0]


def test_a_switch_off_is_verified_by_the_summary_and_its_receipt_names_it(hiding):
    simulator, place, login_id = hiding

    place.manage("deactivate", "--login-id", login_id, *REASON)

    assert asked_of(simulator, login_id) == [
        "SetScheduledRefresh",
        "Authorize",
        "GetAccountsSummary",
    ]
    assert shown(place, login_id) == ("off", 1)
    assert place.rows("SELECT count(*) FROM bankdata_snapshot") == [(0,)]
    (run,) = place.rows("SELECT id FROM routine_run")
    done = place.manage("receipts", "--run", str(run[0]), "--format", "json")
    (receipt,) = json.loads(done.stdout)["logins"]
    (call,) = [row for row in receipt["calls"] if row["call"] == receipt["verified_call"]]
    assert (receipt["standing"], call["endpoint"]) == ("verified", "GetAccountsSummary")
    assert_one_to_one(place, simulator)


def test_a_summary_that_never_comes_leaves_it_unconfirmed(hiding):
    simulator, place, login_id = hiding
    simulator.change(login_id, faults=[{"kind": "reset", "endpoint": "GetAccountsSummary"}])

    place.manage("deactivate", "--login-id", login_id, *REASON)

    assert asked_of(simulator, login_id).count("GetAccountsSummary") == 1
    assert shown(place, login_id) == ("off", 0)
    assert_one_to_one(place, simulator)


def test_a_check_finds_the_hidden_flag_changed_and_keeps_no_data(hiding):
    simulator, place, login_id = hiding
    place.manage("deactivate", "--login-id", login_id, *REASON)
    simulator.change(login_id, scheduled=True)

    said = json.loads(place.manage("check_schedule", "--login-id", login_id, "--json").stdout)

    assert said["off_here_on_there"] == [login_id]
    assert asked_of(simulator, login_id)[-2:] == ["Authorize", "GetAccountsSummary"]
    assert place.rows("SELECT count(*) FROM bankdata_snapshot") == [(0,)]
