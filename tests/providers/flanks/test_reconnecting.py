"""A customer at the door: a session token from the status or by force, then a page of their own."""

import pytest

from refreshops.providers.contract import Answer, Ask, Pacing
from refreshops.providers.flanks.conversations import Reconnect
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flanks.spoken import (
    BACK,
    LOGIN_ID,
    NETWORK,
    PRODUCTS,
    REFUSED_TOKEN,
    SESSION_ID,
    TERMS,
    UNKNOWN,
    Play,
    refused,
    status,
)

STATUS, FORCE, SESSION = "credentials/status", "credentials/force", "sessions/create-session"
URL = f"https://platform.flanks.io/connect/{SESSION_ID}"
OPENED = Answer(200, {"session": {"session_id": SESSION_ID, "status": "Waiting:Challenge"}})
RESET, SCA = "canary-reset-token", "canary-sca-token"


def reconnect():
    return Play(Reconnect(**TERMS))


def forced(step, token):
    return Answer(200, {f"{step}_token": token})


class TestAHandover:
    @pytest.mark.parametrize(
        ("fields", "name", "token", "reason"),
        [
            ({"blocked": True, "reset_token": RESET}, "reset_token", RESET, Reason.CREDENTIALS),
            ({"reset_token": RESET}, "reset_token", RESET, Reason.CREDENTIALS),
            ({"sca_token": SCA, "reset_token": RESET}, "sca_token", SCA, Reason.MFA),
        ],
        ids=["blocked", "reset", "sca"],
    )
    def test_the_token_of_the_status_opens_a_session(self, fields, name, token, reason):
        play = reconnect().hear(status(**fields), OPENED)

        assert play.calls == [STATUS, SESSION]
        assert play.asked[1].body == {
            "configuration": {"connection_id": LOGIN_ID, "redirect_url": BACK, name: token}
        }
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, reason)
        assert play.end.handover.request_id == SESSION_ID
        assert play.end.handover.token == SESSION_ID
        assert "canary" not in repr(play.states)

    @pytest.mark.parametrize(
        ("answer", "step"),
        [
            (status(blocked=True), "reset"),
            (refused(50002), "reset"),
            (refused(50003), "sca"),
        ],
        ids=["blocked", "50002", "50003"],
    )
    def test_without_a_token_one_is_asked_for_by_force(self, answer, step):
        play = reconnect().hear(answer, forced(step, RESET), OPENED)

        assert play.calls == [STATUS, FORCE, SESSION]
        assert play.asked[1].method == "PUT"
        assert play.asked[1].pacing is Pacing.USE
        assert play.asked[1].body == {"credentials_token": LOGIN_ID, "force": step}
        assert play.asked[2].body["configuration"][f"{step}_token"] == RESET
        assert play.end.handover.request_id == SESSION_ID

    def test_an_address_that_flanks_gives_is_the_way(self):
        given = Answer(200, {"session": {"session_id": SESSION_ID, "url": URL}})

        end = reconnect().hear(status(blocked=True, reset_token=RESET), given).end

        assert end.handover.token == URL
        assert URL not in repr(end)

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(200, {"session": {}}),
            Answer(200, {"session": {"session_id": SESSION_ID, "status": "Finished:Error"}}),
            Answer(200, {}),
            Answer(400, {"success": False, "error": {"code": "ValidationError"}}),
            refused(http=404),
            UNKNOWN,
        ],
    )
    def test_without_a_session_the_attempt_ends_as_the_status_said(self, answer):
        end = reconnect().hear(status(sca_token=SCA), answer).end

        assert end.handover is None
        assert (end.outcome, end.provider_code) == (Outcome.USER_ACTION, "sca_token")

    def test_where_force_brings_nothing_there_is_no_session(self):
        end = reconnect().hear(status(blocked=True), Answer(200, {"message": "ok"})).end

        assert end.handover is None
        assert end.outcome is Outcome.USER_ACTION

    @pytest.mark.parametrize("stop", [NETWORK, REFUSED_TOKEN], ids=["silence", "token"])
    def test_a_session_that_failed_begins_again_at_the_status(self, stop):
        blocked = status(blocked=True, reset_token=RESET)

        play = reconnect().hear(blocked, stop)

        assert play.calls == [STATUS, SESSION, STATUS]
        assert play.hear(blocked, OPENED).end.handover.request_id == SESSION_ID
        assert "canary" not in repr(play.states)

    def test_a_session_is_tried_three_times_at_most(self):
        play, blocked = reconnect(), status(blocked=True, reset_token=RESET)

        while isinstance(play.step, Ask):
            play.hear(blocked if play.calls[-1] == STATUS else REFUSED_TOKEN)

        assert play.calls.count(SESSION) == 3
        assert play.end.handover is None


class TestNoNeedForOne:
    def test_a_login_that_is_well_is_refreshed(self):
        play = reconnect().hear(status()).hear_everything()

        assert play.calls == [STATUS, *PRODUCTS]
        assert play.end.outcome is Outcome.FRESH
        assert play.end.handover is None
        assert len(play.end.bank_data.accounts) == 5

    def test_a_login_that_is_gone_has_no_page(self):
        end = reconnect().hear(UNKNOWN).end

        assert end.outcome is Outcome.LOGIN_GONE
        assert end.handover is None

    def test_a_customer_at_a_page_does_not_wait_for_hours(self):
        play = reconnect()

        while isinstance(play.step, Ask):
            play.hear(status(pending=True, created_at_timestamp=None))

        assert sum(play.pauses) <= 30 * 60
        assert play.end.outcome is Outcome.PENDING
