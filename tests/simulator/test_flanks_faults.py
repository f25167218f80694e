"""Faults, throttle and log of the fake Flanks; the fake Flinks beside it is left alone."""

import http.client
from collections.abc import Iterator

import pytest

from tests.simulation import Simulator, running_simulator
from tests.simulator.client import Client
from tests.simulator.flanks_client import CREDENTIALS, FlanksClient, error_of

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(
        scenario="calm", logins=3, body_kb=4, flanks_logins=3, stall_seconds=5
    ) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[FlanksClient]:
    client = FlanksClient(simulator.port, timeout=0.5)
    client.renew()
    yield client
    client.close()
    simulator.faults()


@pytest.fixture
def token(simulator: Simulator) -> str:
    return str(simulator.flanks.add_login()["login_id"])


def test_a_fault_strikes_its_endpoint_as_often_as_said(simulator, client, token):
    simulator.faults({"kind": "status", "status": 503, "endpoint": "portfolio", "times": 1})

    assert client.data("account", token).status == 200
    assert client.data("portfolio", token).status == 503
    assert client.data("portfolio", token).status == 200


def test_the_token_call_can_fail_as_well(simulator, client):
    simulator.faults({"kind": "html_200", "endpoint": "token", "times": 1})

    assert isinstance(client.mint().body, bytes)
    assert client.mint().status == 200


def test_a_documented_error_is_said_in_the_words_of_flanks(simulator, client, token):
    simulator.flanks.change(
        token, faults=[{"kind": "code", "status": 400, "code": 50001, "message": "Closed"}]
    )

    assert error_of(client.status(token)) == (400, "Closed", 50001)


def test_a_fault_of_one_provider_leaves_the_other_alone(simulator, client, token):
    flinks = Client(simulator.port)
    login_id = simulator.register_rows(provider="flinks")[0]["login_id"]

    simulator.faults({"kind": "status", "status": 502, "provider": "flanks"})
    assert (client.status(token).status, flinks.authorize(login_id).status) == (502, 200)

    simulator.faults({"kind": "status", "status": 502, "provider": "flinks"})
    assert (client.status(token).status, flinks.authorize(login_id).status) == (200, 502)
    flinks.close()


def test_a_delete_can_work_and_never_be_answered(simulator, client, token):
    simulator.faults({"kind": "do_then_stall", "endpoint": "credentials", "times": 1})

    with pytest.raises(TimeoutError):
        client.delete(token)

    assert simulator.flanks.login(token)["deleted"] is True


def test_a_delete_can_be_lost(simulator, client, token):
    simulator.faults({"kind": "stall", "endpoint": "credentials", "times": 1})

    with pytest.raises(TimeoutError):
        client.delete(token)

    assert simulator.flanks.login(token)["deleted"] is False


def test_an_answer_can_be_cut(simulator, client, token):
    simulator.faults({"kind": "cut", "endpoint": "credentials/status", "times": 1})

    with pytest.raises(http.client.IncompleteRead):
        client.status(token)


def test_a_key_can_stand_twice(simulator, client, token):
    simulator.faults({"kind": "duplicate_keys", "endpoint": "credentials/status", "times": 1})
    fields = f'{{"credentials_token": "{token}"}}'.encode()
    headers = {"authorization": f"Bearer {client.bearer}", "content-type": "application/json"}

    client.connection.request("POST", f"{CREDENTIALS}/status", fields, headers)
    raw = client.connection.getresponse().read()

    assert raw.count(b'"pending":') == 2


@pytest.mark.parametrize(
    "script",
    [
        {"kind": "cut", "endpoint": "nowhere"},
        {"kind": "cut", "endpoint": "Authorize", "provider": "flanks"},
        {"kind": "cut", "provider": "plaid"},
        {"kind": "no_request_id", "endpoint": "credentials/status"},
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_meant_is_refused(simulator, script):
    with pytest.raises(AssertionError):
        simulator.faults(script)


def test_the_limit_counts_who_begins_and_not_who_polls():
    with running_simulator(logins=1, flanks_logins=1, flanks_limit=3) as simulator:
        client = FlanksClient(simulator.port)
        pending = simulator.flanks.add_login(fate="initial_pending", pending_polls=4)["login_id"]
        others = [simulator.flanks.add_login()["login_id"] for _ in range(3)]

        polled = [client.status(pending).status for _ in range(5)]
        begun = [client.status(other).status for other in others]
        fetched = client.data("account", others[0]).status

        client.close()
        counts = simulator.flanks.counts()
    assert polled == [200] * 5
    assert begun == [200, 200, 429]
    assert fetched == 200
    assert (counts["refused"], counts["most_in_a_window"]) == (1, 3)


def test_the_log_names_the_provider_the_call_and_the_credential(simulator, client, token):
    session = client.create_session(token).body["session"]["session_id"]
    client.list_sessions(session_id_in=[session])
    client.data("investment", token)
    client.status("nobody-has-this-one")
    flinks = Client(simulator.port)
    flinks.nightly_status()
    flinks.close()

    lines = simulator.log_lines()[-5:]

    picked = ("provider", "endpoint", "login_id", "status", "code")
    assert [tuple(line[name] for name in picked) for line in lines] == [
        ("flanks", "sessions/create-session", token, 200, None),
        ("flanks", "sessions/list-sessions", None, 200, None),
        ("flanks", "investment", token, 200, None),
        ("flanks", "credentials/status", "nobody-has-this-one", 400, "40001"),
        ("flinks", "GetNightlyRefreshStatus", None, 200, None),
    ]


def test_the_status_can_be_given_any_fields(simulator, client, token):
    simulator.flanks.change(
        token,
        fate="errored_card",
        overrides={"sca_token": "abc", "created": {"product": {"card": False}}, "time": "absent"},
    )

    body = client.status(token).body

    assert body["sca_token"] == "abc"
    assert (body["created"]["product"]["card"], body["created"]["product"]["auth"]) == (False, True)
    assert body["errored"]["product"]["card"] is True
    assert "time" not in body


def test_a_night_refreshes_what_goes_well(simulator, client, token):
    simulator.flanks.change(token, updated_hours_ago=80)
    blocked = simulator.flanks.add_login(fate="blocked")
    before = client.status(blocked["login_id"]).body["last_update_timestamp"]
    old = client.status(token).body["last_update_timestamp"]

    assert simulator.flanks.night() >= 1

    assert client.status(token).body["last_update_timestamp"] > old + 70 * 3600
    assert client.status(blocked["login_id"]).body["last_update_timestamp"] == before


def test_what_cannot_be_changed_is_said(simulator, token):
    for fields in ({"colour": "red"}, {"fate": "unheard_of"}, {"overrides": 3}):
        with pytest.raises(AssertionError):
            simulator.flanks.change(token, **fields)
    with pytest.raises(AssertionError):
        simulator.flanks.login("nobody-has-this-one")
