"""The access token of the fake Flanks: one at a time, for a while, against the right keys."""

import time
from collections.abc import Iterator

import pytest

from tests.simulation import FLANKS_CLIENT_ID, Simulator, running_simulator
from tests.simulator.flanks_client import CREDENTIALS, FlanksClient, error_of

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(scenario="calm", logins=1, flanks_logins=4) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[FlanksClient]:
    client = FlanksClient(simulator.port)
    yield client
    client.close()
    simulator.flanks.token(
        live_seconds=3600, refused=False, client_secret="simulator-client-secret"
    )


def test_a_token_is_told_of_as_documented(simulator, client):
    before = simulator.flanks.counts()["tokens_minted"]

    heard = client.mint()

    assert heard.status == 200
    assert set(heard.body) == {"access_token", "expires_in", "token_type", "scope"}
    assert (heard.body["expires_in"], heard.body["token_type"]) == (3600, "Bearer")
    assert simulator.flanks.counts()["tokens_minted"] == before + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "another"},
        {"client_id": "somebody-else"},
        {"grant_type": "password"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_keys_are_denied(simulator, client, wrong):
    before = simulator.flanks.counts()

    heard = client.mint(**wrong)

    after = simulator.flanks.counts()
    assert (heard.status, heard.body) == (403, {"error": "access_denied"})
    assert after["tokens_denied"] == before["tokens_denied"] + 1
    assert after["tokens_minted"] == before["tokens_minted"]


def test_what_is_missing_is_named(client):
    heard = client.bare("POST", "/v0/token", {"client_id": FLANKS_CLIENT_ID})

    assert error_of(heard) == (400, "Missing fields: client_secret, grant_type", 40001)


def test_no_header_and_a_wrong_bearer_are_told_apart(client):
    bare = client.bare("POST", f"{CREDENTIALS}/list", {})
    wrong = client.bare("POST", f"{CREDENTIALS}/list", {}, authorization="Bearer nonsense")

    assert (bare.status, bare.body) == (401, {"error": "Not authenticated"})
    assert (wrong.status, wrong.body) == (401, {"error": "Invalid credentials"})


def test_a_new_token_ends_the_one_before(simulator, client):
    first = client.renew()
    assert client.page().status == 200

    client.renew()

    old = client.bare("POST", f"{CREDENTIALS}/list", {}, authorization=f"Bearer {first}")
    assert error_of(old) == (401, "Invalid credentials", None)
    assert client.page().status == 200


def test_a_token_can_be_revoked_behind_our_back(simulator, client):
    client.renew()

    simulator.flanks.token(revoke=True)

    assert client.page().status == 401
    client.renew()
    assert client.page().status == 200


def test_a_token_can_end_sooner_than_told(simulator, client):
    client.renew()

    simulator.flanks.token(live_seconds=0)

    assert client.page().status == 401
    assert client.mint().body["expires_in"] == 3600


def test_a_secret_can_change_and_an_application_can_be_refused(simulator, client):
    simulator.flanks.token(client_secret="rolled-over-secret")
    assert client.mint().status == 403
    assert client.mint(client_secret="rolled-over-secret").status == 200

    simulator.flanks.token(refused=True)
    assert client.mint(client_secret="rolled-over-secret").status == 403


def test_the_life_of_a_token_and_its_keys_are_options():
    keys = {"flanks_client_secret": "from-a-file", "bearer": "of-flinks"}
    with running_simulator(
        logins=1, keys=keys, flanks_client_id="app-7", flanks_token_seconds=0.2
    ) as simulator:
        client = FlanksClient(simulator.port)
        assert client.mint().status == 403

        heard = client.mint(client_secret="from-a-file", client_id="app-7")
        client.bearer = heard.body["access_token"]

        assert heard.body["expires_in"] == 1
        time.sleep(0.25)
        assert client.page().status == 401
        client.close()
