"""The calls of the fake Flanks: what they refuse, and what they bring."""

from collections.abc import Iterator

import pytest

from tests.simulation import Simulator, running_simulator
from tests.simulator.flanks_client import CREDENTIALS, FlanksClient, error_of

pytestmark = pytest.mark.processes

NOT_THERE = (400, "A credentials_token with this value does not exist", 40001)
# Where it is asked for, and the fields of each of its rows.
OF_ALL = {"owners", "entity", "updated_at_timestamp", "_id", "balance", "currency"}
ROWS = {
    "account": OF_ALL | {"iban", "alias", "description", "isOwner", "numOwners"},
    "portfolio": OF_ALL
    | {"name", "type", "tax_type", "refValores", "refAccount", "refAccounts", "external_id"},
    "investment": OF_ALL
    | {"portfolio_id", "name", "isin", "type", "asset_class", "quantity", "price"}
    | {"initial_balance"},
    "card": OF_ALL | {"cardNumber", "name", "type", "limit", "account_id"},
    "liability": OF_ALL
    | {"name", "type", "initial_balance", "interest_rate", "end_date", "refAccount"},
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(
        scenario="calm", logins=12, flanks_logins=24, flanks_strangers=3, flanks_page_size=10
    ) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[FlanksClient]:
    client = FlanksClient(simulator.port)
    yield client
    client.close()


@pytest.fixture
def token(simulator: Simulator) -> str:
    return simulator.register_rows(provider="flanks")[0]["login_id"]


class TestRefusals:
    def test_a_field_is_missing(self, client):
        heard = client.call("PUT", f"{CREDENTIALS}/status", {"credentials_token": ""})

        assert error_of(heard) == (400, "Missing fields: credentials_token, force", 40001)

    @pytest.mark.parametrize(
        ("kind", "fields", "named"),
        [
            ("status", {"credentials_token": 17}, "credentials_token"),
            ("account", {"query": []}, "query"),
            ("account", {"ignore_data_error": "yes"}, "ignore_data_error"),
            ("list", {"page": 0}, "page"),
            ("list", {"page": "1"}, "page"),
            ("list", b"[]", "body"),
            ("list", b"{", "body"),
        ],
    )
    def test_a_parameter_is_invalid(self, client, token, kind, fields, named):
        if isinstance(fields, dict) and kind != "list":
            fields = {"credentials_token": token, **fields}

        heard = client.call("POST", f"{CREDENTIALS}/{kind}", fields)

        assert error_of(heard) == (400, f"Invalid {named}", 40001)

    def test_a_credential_does_not_exist(self, client):
        unknown = "nobody-has-this-one"

        heard = [
            client.status(unknown),
            client.force(unknown, "sca"),
            client.data("card", unknown),
            client.delete(unknown),
        ]

        assert [error_of(each) for each in heard] == [NOT_THERE] * 4

    def test_a_token_is_told_apart_by_its_case(self, client, token):
        assert error_of(client.status(token.swapcase())) == NOT_THERE

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_a_method_is_not_allowed(self, client, method):
        heard = client.call(method, f"{CREDENTIALS}/status", {"credentials_token": "x"})

        assert error_of(heard) == (405, "Method not allowed", None)
        assert heard.headers["allow"] == "POST, PUT"

    def test_a_body_is_not_json(self, client, token):
        heard = client.status(token, content_type="text/plain")

        assert error_of(heard) == (415, "Not matching body content type", None)

    def test_nothing_is_there(self, client):
        assert client.call("POST", "/v0/bank/credential", {}).status == 404


class TestList:
    def test_pages_begin_at_one_and_hold_all_that_is_there(self, simulator, client):
        pages = [client.page(number).body for number in (1, 2, 3)]

        assert [(page["page"], page["pages"]) for page in pages] == [(1, 3), (2, 3), (3, 3)]
        assert [len(page["items"]) for page in pages] == [10, 10, 7]
        found = {item["credentials_token"] for page in pages for item in page["items"]}
        assert found == {login["login_id"] for login in simulator.flanks.logins(there=True)}
        assert client.page().body == pages[0]

    def test_a_page_behind_the_last_is_empty(self, client):
        assert client.page(4).body == {"items": [], "page": 4, "pages": 3}

    def test_it_tells_of_strangers_and_not_of_who_is_gone(self):
        with running_simulator(
            scenario="leak", logins=1, flanks_logins=16, flanks_strangers=2
        ) as simulator:
            client = FlanksClient(simulator.port)
            listed = {item["credentials_token"] for item in client.page().body["items"]}
            client.close()
            registered = {row["login_id"] for row in simulator.register_rows(provider="flanks")}

        assert len(listed - registered) == 2
        assert len(registered - listed) == 2


class TestOrders:
    def test_a_forced_step_shows_in_the_status(self, simulator, client):
        token = simulator.flanks.add_login()["login_id"]

        forced = {step: client.force(token, step).body for step in ("sca", "reset", "transaction")}
        status = client.status(token).body

        for step, body in forced.items():
            assert body == {f"{step}_token": status[f"{step}_token"]}
        assert status["blocked"] is False
        assert error_of(client.force(token, "refresh")) == (400, "Invalid force", 40001)

    def test_a_deleted_credential_is_gone_everywhere(self, simulator, client):
        token = simulator.flanks.add_login(fate="blocked")["login_id"]

        deleted = client.delete(token)

        assert (deleted.status, list(deleted.body)) == (200, ["message"])
        assert error_of(client.status(token)) == error_of(client.delete(token)) == NOT_THERE
        assert simulator.flanks.login(token)["there"] is False


class TestData:
    @pytest.mark.parametrize("kind", ROWS)
    def test_rows_have_the_documented_fields(self, simulator, client, kind):
        rows = [
            row
            for each in simulator.register_rows(provider="flanks")[:6]
            for row in client.data(kind, each["login_id"]).body
        ]

        assert rows
        assert {frozenset(row) for row in rows} == {frozenset(ROWS[kind])}
        assert {row["currency"] for row in rows} == {"EUR"}

    def test_a_query_picks_rows(self, simulator, client, token):
        accounts = client.data("account", token).body
        wanted = accounts[-1]["_id"]

        moves = client.data("data", token, query={"account_id": [wanted]}).body
        picked = client.data("account", token, query={"account_id": [wanted]}).body

        assert {move["account_id"] for move in moves} == {wanted}
        assert picked == [accounts[-1]]
        assert client.data("data", token, query={"account_id": []}).body == []

    def test_ibans_are_right_and_the_same_tomorrow(self, client, token):
        ibans = [row["iban"] for row in client.data("account", token).body]

        for iban in ibans:
            turned = iban[4:] + "1428" + iban[2:4]
            assert (len(iban), iban[:2], int(turned) % 97) == (24, "ES", 1)
        assert [row["iban"] for row in client.data("account", token).body] == ibans

    def test_identity_is_an_object_with_or_without_a_slash(self, client, token):
        plain, slashed = client.data("auth", token).body, client.data("auth/", token).body

        assert plain == slashed
        assert "document" in plain

    def test_banks_are_listed(self, simulator, client):
        banks = client.call("GET", "/v0/bank/available").body

        named = {bank["id"] for bank in banks}
        assert "testbank" in named
        assert {row["institution"] for row in simulator.register_rows(provider="flanks")} <= named

    def test_canaries_stand_in_for_the_real_values(self):
        planted = {
            "username": "canary-user",
            "account_number": "ES7721000813610123456789",
            "holder_name": "Canary Holder",
            "echo": "canary-echo",
        }
        with running_simulator(
            scenario="calm", logins=1, flanks_logins=1, plant=planted
        ) as simulator:
            client = FlanksClient(simulator.port)
            token = simulator.register_rows(provider="flanks")[0]["login_id"]
            said = {kind: str(client.data(kind, token).body) for kind in ("account", "portfolio")}
            refused = client.status("nobody-has-this-one").body["error"]
            client.close()

        assert planted["account_number"] in said["account"]
        assert planted["holder_name"] in said["account"]
        assert planted["username"] in said["portfolio"]
        assert refused.endswith(planted["echo"])
