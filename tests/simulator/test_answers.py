"""Every endpoint answers in the published shape."""

import re
from datetime import UTC, datetime

import pytest

from tests.simulation import running_simulator
from tests.simulator import examples
from tests.simulator.client import Client

pytestmark = pytest.mark.processes


class TestShapes:
    def test_a_cached_authorize_of_a_good_night(self, client, login_id):
        heard = client.authorize(login_id)

        assert heard.status == 200
        assert examples.shape_of(heard.body) == examples.shape_of(examples.AUTHORIZED)

    def test_a_failed_night_keeps_the_request_id_and_has_no_login(self, calm, client, login_id):
        calm.change(login_id, fate="question_not_found")

        heard = client.authorize(login_id)

        assert heard.status == 401
        assert examples.shape_of(heard.body) == examples.shape_of(examples.REFRESH_FAILED)

    def test_a_live_authorize_that_needs_a_person(self, calm, client, login_id):
        calm.change(login_id, fate="question_not_found")

        heard = client.authorize(login_id, cached=False)

        assert heard.status == 203
        assert examples.shape_of(heard.body) == examples.shape_of(examples.CHALLENGED)

    def test_accounts_detail_and_its_async_twin(self, client, login_id):
        request_id = client.authorize(login_id).request_id

        heard, polled = client.detail(request_id), client.poll(request_id)

        assert heard.status == polled.status == 200
        assert examples.shape_of(heard.body) == examples.shape_of(examples.DETAIL)
        assert polled.body == heard.body

    def test_accounts_summary_and_its_async_twin(self, client, login_id):
        request_id = client.authorize(login_id).request_id

        heard = client.call("POST", "GetAccountsSummary", {"RequestId": request_id})
        polled = client.call("GET", f"GetAccountsSummaryAsync/{request_id}")

        assert examples.shape_of(heard.body) == examples.shape_of(examples.SUMMARY)
        assert polled.body == heard.body

    def test_a_pending_answer(self, calm, client, login_id):
        calm.change(login_id, fate="operation_pending")

        heard = client.detail(client.authorize(login_id).request_id)

        assert heard.status == 202
        assert examples.shape_of(heard.body) == examples.shape_of(examples.PENDING)

    def test_a_token(self, client):
        heard = client.mint()

        assert examples.shape_of(heard.body) == examples.shape_of(examples.TOKEN)

    def test_the_nightly_status(self, calm, client, login_id):
        calm.change(login_id, fate="question_not_found")

        heard = client.nightly_status()

        assert examples.shape_of(heard.body) == examples.shape_of(examples.NIGHTLY)


class TestLastRefresh:
    def test_it_is_utc_without_a_zone_and_less_than_a_day_old(self, calm):
        texts = [login["last_refresh"] for login in calm.state()["logins"]]
        good = [text for text in texts[200:] if not text.startswith("0001")]

        assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{6,7}", text) for text in good)
        assert {len(text.split(".")[1]) for text in good} == {6, 7}
        for text in good:
            moment = datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
            assert 0 <= (datetime.now(UTC) - moment).total_seconds() < 24 * 3600

    def test_never_refreshed_is_the_first_moment_of_time(self, calm, client, login_id):
        calm.change(login_id, fate="never_refreshed", last_refresh=None)

        heard = client.authorize(login_id)

        assert heard.body["Login"]["LastRefresh"] == "0001-01-01T00:00:00"
        assert client.detail(heard.request_id).body["Accounts"] == []

    def test_a_live_authorize_moves_it_to_now(self, calm, client, login_id):
        calm.change(login_id, fate="stale", last_refresh="2026-01-01T00:00:00")

        heard = client.authorize(login_id, cached=False)

        moment = datetime.fromisoformat(heard.body["Login"]["LastRefresh"][:26])
        assert abs((datetime.now(UTC) - moment.replace(tzinfo=UTC)).total_seconds()) < 10
        assert calm.login(login_id)["fate"] == "success"


class TestBankData:
    def test_balances_run_on_from_row_to_row(self, client, login_id):
        accounts = client.detail(client.authorize(login_id).request_id).body["Accounts"]

        assert [account["Type"] for account in accounts] == ["Chequing", "Savings", "CreditCard"]
        moving = [account for account in accounts if account["Transactions"]]
        assert {"Chequing", "CreditCard"} <= {account["Type"] for account in moving}
        for account in moving:
            rows = account["Transactions"]
            assert rows[0]["Balance"] == account["Balance"]["Current"]
            for newer, older in zip(rows, rows[1:], strict=False):
                moved = (newer["Credit"] or 0) - (newer["Debit"] or 0)
                assert newer["Balance"] == pytest.approx(older["Balance"] + moved)
                assert newer["Date"] >= older["Date"]

    def test_options_narrow_and_widen_it(self, client, login_id):
        request_id = client.authorize(login_id).request_id
        whole = client.detail(request_id).body["Accounts"]

        bare = client.detail(request_id, WithTransactions=False).body["Accounts"]
        year = client.detail(request_id, DaysOfTransactions="Days365").body["Accounts"]
        one = client.detail(request_id, AccountsFilter=[whole[1]["Id"]]).body["Accounts"]

        assert all(account["Transactions"] == [] for account in bare)
        assert len(year[0]["Transactions"]) > 2 * len(whole[0]["Transactions"])
        assert [account["Id"] for account in one] == [whole[1]["Id"]]

    def test_a_year_is_spelled_days365(self, client, login_id):
        request_id = client.authorize(login_id).request_id

        assert client.detail(request_id, DaysOfTransactions="Days360").code == "INVALID_REQUEST"


def test_body_kb_is_about_the_size_of_a_detail_answer(connect):
    with running_simulator(scenario="calm", logins=3, body_kb=50) as simulator:
        client: Client = connect(simulator)
        for row in simulator.register_rows():
            heard = client.detail(client.authorize(row["login_id"]).request_id)

            assert 40_000 < int(heard.headers["content-length"]) < 60_000


def test_planted_canaries_stand_in_every_answer(connect):
    planted = {
        "username": "canary-user",
        "account_number": "99887766554433",
        "holder_name": "Canary Holder",
        "echo": "canary-echo",
    }

    with running_simulator(scenario="calm", logins=2, plant=planted) as simulator:
        client: Client = connect(simulator)
        login_id = simulator.register_rows()[0]["login_id"]
        heard = client.authorize(login_id)
        accounts = client.detail(heard.request_id).body["Accounts"]
        refused = client.authorize("00000000-0000-4000-8000-000000000000")

    assert heard.body["Login"]["Username"] == "canary-user"
    assert {account["AccountNumber"] for account in accounts} == {"99887766554433"}
    assert {account["Holder"]["Name"] for account in accounts} == {"Canary Holder"}
    assert refused.body["Message"].endswith("canary-echo")
