"""The control endpoints change the world behind our back, for this machine only."""

import http.client
import json
import socket
import subprocess
import sys
import time

import pytest

from refreshops.simulator.control import Control
from refreshops.simulator.journal import Journal
from refreshops.simulator.messages import Request
from tests.simulation import ROOT, running_simulator
from tests.simulator.test_sessions import Provider

pytestmark = pytest.mark.processes


def refusal(simulator, what, fields):
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)
    sent = {"Content-Type": "application/json"}
    connection.request("POST", f"/_simulator/{what}", json.dumps(fields), sent)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body["error"]


def test_a_peer_from_elsewhere_is_turned_away():
    provider = Provider()
    control = Control(provider.gateway, Journal(None), recipe=None, flanks=None)
    request = Request("GET", "/_simulator/counts", {}, b"", 0.0)

    assert control.answer(request, peer="10.0.0.5").status == 403
    assert b"logins" in control.answer(request, peer="127.0.0.1").body


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"fate": "lucky"}, "fate 'lucky' is not one of", id="unknown-fate"),
        pytest.param({"mood": "good"}, "cannot change ['mood']", id="unknown-field"),
        pytest.param({"scheduled": "yes"}, "scheduled is true or false", id="no-boolean"),
        pytest.param({"last_refresh": "soon"}, "last_refresh is ISO time", id="no-time"),
        pytest.param({"faults": {"kind": "cut"}}, "faults is a list", id="no-list"),
        pytest.param({"pending_polls": "many"}, "invalid literal", id="no-number"),
    ],
)
def test_a_change_that_cannot_be_meant_says_why(calm, login_id, fields, reason):
    status, error = refusal(calm, f"login/{login_id}", fields)

    assert status == 400
    assert error.startswith(reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"institution": "Nowhere Bank"}, "institution is one of", id="unknown-bank"),
        pytest.param({"fate": "lucky"}, "fate 'lucky' is not one of", id="unknown-fate"),
        pytest.param({"login_id": "mine"}, "cannot change ['login_id']", id="an-id-of-ones-own"),
    ],
)
def test_an_addition_that_cannot_be_meant_adds_nothing(calm, fields, reason):
    before = calm.counts()["logins"]

    status, error = refusal(calm, "logins", fields)

    assert status == 400
    assert error.startswith(reason)
    assert calm.counts()["logins"] == before


def test_an_added_login_is_in_the_nightly_status_and_can_be_switched_off(connect):
    with running_simulator(scenario="calm", logins=3) as simulator:
        client = connect(simulator)
        added = simulator.add_login(institution="TD", last_refresh_hours_ago=30)

        listed = [row["LoginId"] for row in client.nightly_status().body["IneligibleCards"]]
        client.switch({"LoginId": added["login_id"], "IsActivated": False})

        assert (added["institution"], added["scheduled"]) == ("TD", True)
        assert added["registered"] is False
        assert listed == [added["login_id"]]
        assert simulator.login(added["login_id"])["scheduled"] is False
        assert client.nightly_status().body["IneligibleCards"] == []
        assert added["login_id"] not in simulator.register.read_text(encoding="utf-8")


def test_added_logins_are_many_and_each_another(connect):
    with running_simulator(scenario="calm", logins=2) as simulator:
        added = [simulator.add_login(fate="success")["login_id"] for _ in range(5)]

        statuses = [connect(simulator).authorize(login_id).status for login_id in added]

    assert len(set(added)) == 5
    assert statuses == [200] * 5


def test_an_unknown_login_and_an_unknown_control(calm):
    assert refusal(calm, "login/nobody", {"scheduled": True}) == (400, "no such login")
    assert refusal(calm, "weather", {})[0] == 404


def test_a_change_is_answered_with_the_login_as_it_is_now(calm, login_id):
    told = calm.change(login_id, fate="operation_pending", pending_polls=5, scheduled=False)

    assert (told["fate"], told["polls_left"], told["scheduled"]) == ("operation_pending", 5, False)
    assert calm.login(login_id) == told


def test_the_age_of_the_data_can_be_set_in_hours(calm, client, login_id):
    calm.change(login_id, last_refresh_hours_ago=40)

    text = client.authorize(login_id).body["Login"]["LastRefresh"]

    assert text[:26] < calm.state()["now"]
    assert text == calm.login(login_id)["last_refresh"]


def test_the_state_counts_fates_and_shows_no_person(calm):
    state = calm.state()
    people = {row["customer_name"] for row in calm.register_rows()}

    assert sum(state["counts"]["fates"].values()) == len(state["logins"]) == 400
    assert not any(name in json.dumps(state, ensure_ascii=False) for name in people)


def test_the_limit_can_be_changed_while_it_runs(connect):
    with running_simulator(scenario="calm", logins=4) as simulator:
        client = connect(simulator)
        ids = [row["login_id"] for row in simulator.register_rows()]
        lifted = [client.authorize(login_id).status for login_id in ids]

        simulator.limit(4, window_seconds=30)
        held = client.authorize(ids[0]).code
        simulator.limit(5)
        freed = client.authorize(ids[0]).status

    assert lifted == [200] * 4
    assert (held, freed) == ("TOO_MANY_REQUESTS", 200)


def test_it_can_end_with_whoever_started_it():
    starter = (
        "import subprocess, sys\n"
        "simulator = subprocess.Popen([sys.executable, '-m', 'refreshops.simulator',"
        " '--logins', '2', '--stop-with-parent'], stdout=subprocess.PIPE, text=True)\n"
        "print(simulator.stdout.readline())\n"
    )
    started = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", starter],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    port = int(started.stdout.split(":")[2].split("/")[0])

    assert is_closed_within(port, seconds=4)


def is_closed_within(port, *, seconds):
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.05)
    return False
