"""Webhooks leave signed, again and again until a 200, and only for this machine."""

import base64
import hashlib
import hmac
import json
import socket

import pytest

from refreshops.simulator.webhooks import BadTarget, checked_target
from tests.simulation import WEBHOOK_KEY, running_simulator
from tests.simulator.test_control import refusal

pytestmark = pytest.mark.processes


def is_signed(headers, body, *, key=WEBHOOK_KEY):
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return headers.get("flinks-authenticity-key") == base64.b64encode(digest).decode()


class TestOrdered:
    def test_it_is_the_answer_of_accounts_detail_and_its_type(
        self, calm, client, login_id, receiver
    ):
        statuses = calm.deliver(login_id, url=receiver.url)

        ((headers, body),) = receiver.posts
        told = json.loads(body)
        assert statuses == [200]
        assert is_signed(headers, body)
        assert told.pop("ResponseType") == "GetAccountsDetail"
        assert client.detail(told["RequestId"]).body == told
        assert told["Login"]["Id"] == login_id

    def test_kyc_tells_who_and_no_transactions(self, calm, login_id, receiver):
        calm.deliver(login_id, url=receiver.url, kind="KYC")

        told = json.loads(receiver.posts[0][1])
        assert told["ResponseType"] == "KYC"
        assert all(row["Holder"]["Name"] and not row["Transactions"] for row in told["Accounts"])

    @pytest.mark.parametrize(
        ("order", "good"),
        [
            pytest.param({"signature": "good"}, True, id="good"),
            pytest.param({"signature": "bad"}, False, id="bad"),
            pytest.param({"signature": "none"}, False, id="none"),
            pytest.param({"key": "another"}, False, id="another-key"),
        ],
    )
    def test_the_signature_can_be_wrong(self, calm, login_id, receiver, order, good):
        calm.deliver(login_id, url=receiver.url, **order)

        headers, body = receiver.posts[0]
        assert is_signed(headers, body) is good
        assert ("flinks-authenticity-key" in headers) is (order.get("signature") != "none")

    def test_each_status_is_told(self, calm, login_id, receiver):
        receiver.statuses = [200, 503, 401]

        assert calm.deliver(login_id, url=receiver.url, times=4) == [200, 503, 401, 200]

    def test_nobody_listening_is_no_status(self, calm, login_id, receiver):
        receiver.server_close()

        assert calm.deliver(login_id, url=receiver.url) == [None]

    def test_an_old_state_can_be_told_and_changes_nothing(self, calm, login_id, receiver):
        before = calm.login(login_id)

        calm.deliver(login_id, url=receiver.url, last_refresh_hours_ago=72)

        told = json.loads(receiver.posts[0][1])
        assert told["Login"]["LastRefresh"] < before["last_refresh"]
        assert calm.login(login_id) == before

    @pytest.mark.parametrize(
        ("order", "reason"),
        [
            pytest.param({"url": "http://10.0.0.5/"}, "webhooks are delivered", id="elsewhere"),
            pytest.param({"url": "file:///etc/passwd"}, "webhooks are delivered", id="a-file"),
            pytest.param({}, "there is no webhook URL", id="nowhere"),
            pytest.param({"url": "http://localhost/", "kind": "Pay"}, "kind is one of", id="kind"),
            pytest.param({"url": "http://localhost/", "times": 0}, "times is 1 to", id="never"),
            pytest.param({"colour": "red"}, "cannot order ['colour']", id="unknown-field"),
        ],
    )
    def test_what_cannot_be_meant_says_why(self, calm, login_id, order, reason):
        status, error = refusal(calm, "webhook", {"login_id": login_id, **order})

        assert status == 400
        assert error.startswith(reason)


class TestByThemselves:
    def test_a_night_tells_of_each_login_it_refreshed(self, receiver):
        with running_simulator(
            scenario="calm", logins=5, body_kb=4, webhook_url=receiver.url
        ) as simulator:
            left_out = simulator.state()["logins"][0]["login_id"]
            simulator.change(left_out, fate="question_not_found")
            simulator.night()
            told = simulator.deliveries(settle_seconds=5)

        assert [attempt["status"] for attempt in told["attempts"]] == [200] * 4
        assert left_out not in {attempt["login_id"] for attempt in told["attempts"]}
        assert all(is_signed(headers, body) for headers, body in receiver.posts)

    def test_a_live_refresh_is_told_of_with_its_own_request_id(self, connect, receiver):
        with running_simulator(
            scenario="calm", logins=1, body_kb=4, webhook_url=receiver.url
        ) as simulator:
            (login,) = simulator.state()["logins"]
            connect(simulator).authorize(login["login_id"])
            heard = connect(simulator).authorize(login["login_id"], cached=False)
            told = simulator.deliveries(settle_seconds=5)

        assert len(told["attempts"]) == 1
        assert json.loads(receiver.posts[0][1])["RequestId"] == heard.request_id

    def test_it_is_tried_again_until_a_200(self, receiver):
        receiver.statuses = [500, 301, 202]
        with running_simulator(
            scenario="calm", logins=1, webhook_url=receiver.url, webhook_retry_seconds=0.05
        ) as simulator:
            simulator.night()
            told = simulator.deliveries(settle_seconds=5)

        assert [attempt["status"] for attempt in told["attempts"]] == [500, 301, 202, 200]
        assert [attempt["try"] for attempt in told["attempts"]] == [1, 2, 3, 4]

    def test_a_receiver_that_never_answers_holds_up_nobody(self, connect):
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            with running_simulator(scenario="calm", logins=12, webhook_url=url) as simulator:
                simulator.night()
                statuses = [
                    connect(simulator).authorize(login["login_id"]).status
                    for login in simulator.state()["logins"]
                ]
                told = simulator.deliveries()

        assert statuses == [200] * 12
        assert told == {"waiting": 12, "attempts": []}

    def test_after_ten_tries_it_is_given_up(self, receiver):
        receiver.statuses = [500] * 20
        with running_simulator(
            scenario="calm", logins=1, webhook_url=receiver.url, webhook_retry_seconds=0.01
        ) as simulator:
            simulator.night()
            told = simulator.deliveries(settle_seconds=5)

        assert len(told["attempts"]) == 10


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.com/", id="a-host"),
        pytest.param("http://127.0.0.1.example.com/", id="a-name-that-looks-local"),
        pytest.param("http://127.0.0.1@example.com/", id="a-user-that-looks-local"),
        pytest.param("https://127.0.0.1/", id="tls"),
        pytest.param("http://[::ffff:10.0.0.1]/", id="mapped"),
        pytest.param("http://0.0.0.0/", id="any-address"),
        pytest.param("http://127.0.0.1/\r\nX: y", id="a-header"),
    ],
)
def test_only_this_machine_is_a_target(url):
    with pytest.raises(BadTarget):
        checked_target(url)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_this_machine_has_several_names(host):
    assert checked_target(f"http://{host}/webhooks/") == f"http://{host}/webhooks/"
