"""The schedule flag really switches; cards can be deleted; the nightly status tells on failures."""

import http.client
import time

import pytest

from tests.simulation import running_simulator

pytestmark = pytest.mark.processes

STRANGER = "00000000-0000-4000-8000-000000000000"


class TestSetScheduledRefresh:
    @pytest.mark.parametrize(
        ("login_key", "flag_key"),
        [
            pytest.param("loginId", "isActivated", id="as-the-reference-spells-it"),
            pytest.param("LoginId", "IsActivated", id="as-the-libraries-spell-it"),
        ],
    )
    def test_it_switches_off_and_on_again(self, client, login_id, login_key, flag_key):
        seen = []
        for wanted in (False, True):
            heard = client.switch({login_key: login_id, flag_key: wanted})
            read_back = client.authorize(login_id).body["Login"]["IsScheduledRefresh"]
            seen.append((heard.status, heard.body, read_back))

        off = f"LoginId {login_id} has now been deactivated from automatic refresh"
        on = f"LoginId {login_id} has now been activated for automatic refresh"
        assert seen == [(200, off, False), (200, on, True)]

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"LoginId": STRANGER, "IsActivated": False}, id="unknown-login"),
            pytest.param({"LoginId": STRANGER}, id="no-flag"),
            pytest.param({"LoginId": STRANGER, "IsActivated": "false"}, id="a-flag-in-quotes"),
            pytest.param({"IsActivated": False}, id="no-login"),
        ],
    )
    def test_what_it_refuses(self, client, fields):
        heard = client.switch(fields)

        assert (heard.status, heard.code) == (400, "INVALID_REQUEST")

    def test_a_flag_can_flip_behind_our_back(self, calm, client, login_id):
        calm.change(login_id, scheduled=False)

        assert client.authorize(login_id).body["Login"]["IsScheduledRefresh"] is False

    @pytest.mark.parametrize("wanted", [True, False])
    def test_a_deleted_login_is_as_unknown_as_one_that_never_was(
        self, calm, client, login_id, wanted
    ):
        calm.change(login_id, deleted=True)

        switched = client.switch({"LoginId": login_id, "IsActivated": wanted})
        asked = client.authorize(login_id)

        assert (switched.status, switched.code) == (400, "INVALID_REQUEST")
        assert switched.body["Message"] == f"The login '{login_id}' is invalid."
        assert (asked.status, asked.code) == (400, "INVALID_LOGIN")
        assert "does not belong to" in asked.body["Message"]
        assert "RequestId" not in asked.body

    @pytest.mark.parametrize(
        ("fault", "done"),
        [
            pytest.param({"kind": "do_then_stall", "seconds": 0.1}, True, id="done-no-answer"),
            pytest.param({"kind": "do_then_reset"}, True, id="done-then-reset"),
            pytest.param({"kind": "cut"}, True, id="done-answer-cut"),
            pytest.param({"kind": "stall", "seconds": 0.1}, False, id="no-answer"),
            pytest.param({"kind": "reset"}, False, id="reset"),
        ],
    )
    @pytest.mark.parametrize("endpoint", ["SetScheduledRefresh", "DeleteCard"])
    def test_an_order_without_an_answer_was_obeyed_or_not(
        self, calm, connect, login_id, endpoint, fault, done
    ):
        calm.change(login_id, faults=[{**fault, "endpoint": endpoint, "times": 1}])
        order = {
            "DeleteCard": ("DELETE", f"DeleteCard/{login_id}"),
            "SetScheduledRefresh": (
                *("PATCH", "SetScheduledRefresh"),
                {"LoginId": login_id, "IsActivated": False},
            ),
        }[endpoint]

        with pytest.raises((OSError, http.client.HTTPException)):
            connect(calm, timeout=3).call(*order)

        now = calm.login(login_id)
        assert now["scheduled"] is not done
        assert now["deleted"] is (done and endpoint == "DeleteCard")

    @pytest.mark.parametrize("status", [500, 503])
    def test_an_order_answered_with_an_error_was_not_obeyed(self, calm, client, login_id, status):
        fault = {"kind": "status", "status": status, "endpoint": "SetScheduledRefresh", "times": 1}
        calm.change(login_id, faults=[fault])

        heard = client.switch({"LoginId": login_id, "IsActivated": False})

        assert (heard.status, calm.login(login_id)["scheduled"]) == (status, True)


class TestDeleteCard:
    def test_right_after_an_authorize_the_card_is_in_use(self, client, login_id):
        client.authorize(login_id)
        busy = client.call("DELETE", f"DeleteCard/{login_id}")
        time.sleep(0.35)

        deleted = client.call("DELETE", f"DeleteCard/{login_id}")

        assert (busy.status, busy.code) == (400, "CARD_IN_USE")
        assert deleted.status == deleted.body["StatusCode"] == 200
        assert client.authorize(login_id).code == "INVALID_LOGIN"
        assert client.call("DELETE", f"DeleteCard/{login_id}").code == "INVALID_LOGIN"


class TestNights:
    def test_the_status_lists_the_scheduled_that_are_refreshed_no_more(self, connect):
        with running_simulator(scenario="codes", logins=1) as simulator:
            listed = connect(simulator).nightly_status().body["IneligibleCards"]
            rows = {row["LoginId"]: row for row in listed}
            (asked,) = simulator.logins(fate="question_not_found")
            (wrong,) = simulator.logins(fate="invalid_password")
            fine = [*simulator.logins(fate="success"), *simulator.logins(fate="retry_later")]

            assert rows[asked["login_id"]]["LastRefreshErrorCode"] is None
            assert rows[asked["login_id"]]["LastRefreshState"] == "AnsweringSecurityChallenge"
            assert rows[wrong["login_id"]]["LastRefreshErrorCode"] == "INVALID_PASSWORD"
            assert rows[wrong["login_id"]]["LastRefreshDate"] == wrong["last_refresh"]
            assert not {login["login_id"] for login in fine} & set(rows)

    def test_a_night_refreshes_the_scheduled_only(self):
        with running_simulator(scenario="calm", logins=3) as simulator:
            before = simulator.state()["logins"]
            simulator.change(before[0]["login_id"], scheduled=False)

            refreshed = simulator.night()

            after = simulator.state()["logins"]
            moved = [
                new["last_refresh"] > old["last_refresh"]
                for new, old in zip(after, before, strict=True)
            ]
            assert (refreshed, moved) == (2, [False, True, True])
