"""Switching off with proof: nothing shows as off before the provider said so."""

import json
import time

import pytest

from tests.processes.evidence import assert_one_to_one

pytestmark = pytest.mark.processes
REASON = ("--reason", "The customer left")


@pytest.fixture
def one_login(simulate, install):
    simulator = simulate(scenario="calm", logins=3, limit=0, body_kb=5)
    place = install("sqlite", simulator)
    login_id = simulator.register_rows()[0]["login_id"]
    return simulator, place, login_id


def shown(place, login_id):
    return place.rows(
        "SELECT status, nightly, nightly_verified_at IS NOT NULL "
        "FROM logins_login WHERE login_id = ?",
        login_id,
    )[0]


def test_a_yes_is_read_back_once_and_the_routine_asks_no_more(one_login):
    simulator, place, login_id = one_login

    done = place.manage("deactivate", "--login-id", login_id, *REASON, "--json")
    place.run_routine()

    said = json.loads(done.stdout)
    assert (said["state"], said["outcomes"]) == ("closed", {"fresh": 1})
    assert shown(place, login_id) == ("inactive", "off", 1)
    assert simulator.login(login_id)["scheduled"] is False
    asked = [line["endpoint"] for line in simulator.log_lines() if line["login_id"] == login_id]
    assert asked == ["SetScheduledRefresh", "Authorize"]
    assert_one_to_one(place, simulator)


@pytest.mark.parametrize("kind", ["do_then_stall", "stall"])
def test_a_time_out_is_unconfirmed_then_found_out(one_login, kind):
    simulator, place, login_id = one_login
    simulator.change(
        login_id, faults=[{"kind": kind, "endpoint": "SetScheduledRefresh", "times": 1}]
    )

    place.manage("deactivate", "--login-id", login_id, *REASON, CALL_DEADLINE_SECONDS="0.5")

    assert shown(place, login_id) == ("inactive", "off", 1)
    assert simulator.login(login_id)["scheduled"] is False
    orders = [line for line in simulator.log_lines() if line["endpoint"] == "SetScheduledRefresh"]
    assert len(orders) == (1 if kind == "do_then_stall" else 2)


def test_a_provider_that_stays_away_leaves_the_order_open_and_never_off(one_login):
    simulator, place, login_id = one_login
    simulator.change(login_id, faults=[{"kind": "stall"}])

    done = place.manage(
        "deactivate",
        "--login-id",
        login_id,
        *REASON,
        "--json",
        expect=3,
        CALL_DEADLINE_SECONDS="0.5",
        WAIT_SCALE="1",
    )

    said = json.loads(done.stdout)
    assert (said["state"], said["done"]) == ("open", 0)
    assert shown(place, login_id)[:2] == ("inactive", "unknown")
    (waits_for,) = place.rows("SELECT waits_for FROM routine_attempt WHERE state = 'due'")
    assert waits_for[0]


def test_a_kill_in_the_middle_of_an_order_is_finished_by_the_next_worker(one_login):
    simulator, place, login_id = one_login
    simulator.change(login_id, faults=[{"kind": "stall", "times": 1}])
    order = place.start("deactivate", "--login-id", login_id, *REASON, CALL_DEADLINE_SECONDS="30")
    while not simulator.counts()["arrived"]:
        pass
    order.kill()
    order.wait()

    place.run_routine()
    place.manage("deactivate", "--login-id", login_id, *REASON)

    assert shown(place, login_id) == ("inactive", "off", 1)


CANCEL = """
from refreshops.routine import services
from refreshops.routine.models import Run
from refreshops import wiring
run = Run.objects.latest("pk")
services.cancel_run(run, by="the test", why="changed our mind", now=wiring.clock())
"""


@pytest.mark.parametrize(
    ("ordered", "before"),
    [pytest.param("activate", "deactivate", id="on"), pytest.param("deactivate", "", id="off")],
)
def test_an_order_cancelled_after_it_was_sent_leaves_nothing_claimed(one_login, ordered, before):
    simulator, place, login_id = one_login
    place.run_routine()
    if before:
        place.manage(before, "--login-id", login_id, *REASON)
    fault = {"kind": "do_then_reset", "endpoint": "SetScheduledRefresh", "times": 1}
    simulator.change(login_id, faults=[fault])
    order = place.start(ordered, "--login-id", login_id, *REASON, WAIT_SCALE="1")
    while simulator.login(login_id)["faults"][0]["times"]:
        time.sleep(0.02)
    while place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'calling'") != [(0,)]:
        time.sleep(0.02)
    order.terminate()
    order.wait()

    place.manage("shell", "-c", CANCEL)

    assert simulator.login(login_id)["scheduled"] is (ordered == "activate")
    assert shown(place, login_id)[1:] == ("unknown", 0)


def test_an_unknown_login_is_refused_and_nothing_changes(one_login):
    _, place, login_id = one_login
    stranger = "00000000-0000-4000-8000-000000000000"

    done = place.manage("deactivate", "--login-id", login_id, stranger, *REASON, expect=1)

    assert "Not in the register" in done.stderr
    assert shown(place, login_id)[0] == "active"
    assert place.rows("SELECT count(*) FROM routine_run") == [(0,)]


def test_what_is_off_and_verified_is_not_asked_again(one_login):
    simulator, place, login_id = one_login
    place.manage("deactivate", "--login-id", login_id, *REASON)
    calls = simulator.counts()["arrived"]

    done = place.manage("deactivate", "--login-id", login_id, *REASON)

    assert "off at the provider already" in done.stdout
    assert simulator.counts()["arrived"] == calls
    assert shown(place, login_id) == ("inactive", "off", 1)


def test_a_dry_run_changes_nothing(one_login):
    _, place, login_id = one_login

    done = place.manage("deactivate", "--login-id", login_id, *REASON, "--dry-run")

    assert "Would switch off 1 login (not inactive here yet)." in done.stdout
    assert shown(place, login_id)[0] == "active"
