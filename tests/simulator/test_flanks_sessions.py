"""Sessions of the fake Flanks: made by us, gone through by a customer, good once."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulation import Simulator, running_simulator
from tests.simulator.flanks_client import FlanksClient
from tests.simulator.visitor import Visitor

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(scenario="calm", logins=1, flanks_logins=2) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[FlanksClient]:
    client = FlanksClient(simulator.port)
    yield client
    client.close()


@pytest.fixture
def blocked(simulator: Simulator) -> str:
    return simulator.flanks.add_login(fate="blocked")["login_id"]


@pytest.fixture
def unconfirmed(simulator: Simulator) -> str:
    return simulator.flanks.add_login(fate="sca_needed")["login_id"]


def visit(session) -> Visitor:
    return Visitor(f"http://{urlsplit(session['url']).netloc}", urlsplit(session["url"]).path)


def opened(client, token, name):
    held = client.status(token).body[name]
    return client.create_session(token, **{name: held}).body["session"]


def landed(visitor) -> dict[str, str]:
    parts = urlsplit(visitor.landed)
    assert (parts.netloc, parts.path) == ("lender.example", "/back/")
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


class TestCreate:
    def test_a_session_waits_for_what_its_token_is_for(self, client, blocked, unconfirmed):
        reset = opened(client, blocked, "reset_token")
        sca = opened(client, unconfirmed, "sca_token")

        assert reset["status"] == "Waiting:ProvideCredentials"
        assert sca["status"] == "Waiting:Challenge"
        assert reset["url"].endswith(f"/flanks/connect/{reset['session_id']}")
        assert reset["session_id"] != sca["session_id"]

    @pytest.mark.parametrize(
        ("wishes", "wrong"),
        [
            ({"connection_id": "nobody-has-this-one"}, ["configuration.connection_id"]),
            ({"redirect_url": "javascript:alert(1)"}, ["configuration.redirect_url"]),
            ({"reset_token": "of-somebody-else"}, ["configuration.reset_token"]),
            ({"sca_token": "never-held"}, ["configuration.sca_token"]),
        ],
    )
    def test_wrong_wishes_are_named(self, client, blocked, wishes, wrong):
        heard = client.create_session(blocked, **wishes)

        assert heard.status == 400
        assert set(heard.body) == {"success", "error", "trace_id"}
        assert heard.body["error"]["code"] == "ValidationError"
        assert [each["field"] for each in heard.body["error"]["details"]] == wrong

    def test_sessions_are_found_by_their_fields(self, client, blocked):
        first = opened(client, blocked, "reset_token")
        visit(first).send("abort")
        second = opened(client, blocked, "reset_token")

        def found(**query):
            items = client.list_sessions(connection_id_in=[blocked], **query).body["items"]
            return [item["session_id"] for item in items]

        assert found() == [first["session_id"], second["session_id"]]
        assert found(status_in=["Finished:Error"]) == [first["session_id"]]
        assert found(session_id_in=[second["session_id"]]) == [second["session_id"]]
        assert client.list_sessions(colour_in=["red"]).status == 400

    def test_connectors_are_listed(self, client):
        heard = client.call("POST", "/connect/v2/connectors/list-connectors", {})

        assert "testbank" in {item["connector_id"] for item in heard.body["items"]}


class TestPage:
    def test_a_right_password_cures_and_leads_back(self, simulator, client, blocked):
        session = opened(client, blocked, "reset_token")

        visitor = visit(session)
        visitor.send("password", password="a new one")

        assert landed(visitor) == {"session_id": session["session_id"]}
        status = client.status(blocked).body
        assert (status["blocked"], status["reset_token"], status["pending"]) == (False, None, False)
        (told,) = client.list_sessions(session_id_in=[session["session_id"]]).body["items"]
        assert (told["status"], told["error_code"]) == ("Finished:OK", None)

    def test_a_right_code_cures_and_leads_back(self, client, unconfirmed):
        session = opened(client, unconfirmed, "sca_token")

        visitor = visit(session).send("code", code="123456")

        assert landed(visitor) == {"session_id": session["session_id"]}
        assert client.status(unconfirmed).body["sca_token"] is None

    @pytest.mark.parametrize(
        ("word", "error"),
        [
            ("INVALID_CREDENTIALS", "InvalidCredentials"),
            ("INTERNAL_ERROR", "InternalError"),
            ("USER_INTERACTION_NEEDED", "UserInteractionNeeded"),
            ("SCA_TYPE_NOT_ALLOWED", "UnsupportedChallengeMethod"),
            ("ALREADY_EXISTS", "CREDENTIALS_ALREADY_EXIST"),
        ],
    )
    def test_a_word_of_the_testbank_fails(self, client, blocked, word, error):
        session = opened(client, blocked, "reset_token")

        visitor = visit(session).send("password", password=word)

        assert landed(visitor) == {"session_id": session["session_id"], "error": error}
        assert client.status(blocked).body["blocked"] is True
        (told,) = client.list_sessions(session_id_in=[session["session_id"]]).body["items"]
        assert (told["status"], told["error_code"]) == ("Finished:Error", error)

    @pytest.mark.parametrize(
        ("word", "error"),
        [("INVALID_SCA", "InvalidChallengeResponse"), ("INTERNAL_ERROR", "InternalError")],
    )
    def test_a_code_fails(self, client, unconfirmed, word, error):
        visitor = visit(opened(client, unconfirmed, "sca_token")).send("code", code=word)

        assert landed(visitor)["error"] == error
        assert client.status(unconfirmed).body["sca_token"]

    def test_a_password_may_be_followed_by_a_code(self, client, blocked):
        visitor = visit(opened(client, blocked, "reset_token"))

        visitor.send("password", password="SCA_SMS")
        assert "code" in visitor.page.forms
        visitor.send("code", code="1234")

        assert "error" not in landed(visitor)
        assert client.status(blocked).body["blocked"] is False

    def test_a_login_may_work_and_its_accounts_fail(self, client, blocked):
        visitor = visit(opened(client, blocked, "reset_token"))

        visitor.send("password", password="DATA_ERROR_PRODUCT_ACCOUNT")

        assert "error" not in landed(visitor)
        assert client.status(blocked).body["errored"]["product"]["account"] is True
        assert client.data("account", blocked).body["error_code"] == 20001

    def test_who_cancels_returns_with_an_error(self, client, blocked):
        assert landed(visit(opened(client, blocked, "reset_token")).send("abort"))["error"] == (
            "ABORTED_BY_USER"
        )

    def test_a_session_is_good_once(self, client, blocked):
        session = opened(client, blocked, "reset_token")
        visit(session).send("password", password="a new one")

        again = visit(session)

        assert again.status == 410
        assert again.page.forms == {}

    def test_an_unknown_session_is_no_page(self, simulator):
        assert Visitor(simulator.flanks_url, "flanks/connect/nowhere").status == 404

    def test_a_cured_one_may_be_pending_for_some_polls(self):
        with running_simulator(
            scenario="calm", logins=1, flanks_logins=1, flanks_cure_polls=2
        ) as simulator:
            client = FlanksClient(simulator.port)
            token = simulator.flanks.add_login(fate="blocked")["login_id"]
            visit(opened(client, token, "reset_token")).send("password", password="a new one")
            told = [client.status(token).body["pending"] for _ in range(3)]
            client.close()

        assert told == [True, True, False]
