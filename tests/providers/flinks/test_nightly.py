"""The opening call: the list is the answer, whatever stands beside it."""

import pytest

from refreshops.providers.contract import Answer, Halt, Subject
from refreshops.providers.flinks.conversations import NightlyStatus
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import HTML_502, LOGIN_ID, NETWORK, NOON, POLICY, Play, refused

CARD = {
    "LoginId": LOGIN_ID.upper(),
    "LastRefreshDate": "2026-02-18T03:26:34.6854364",
    "LastRefreshState": "AnsweringSecurityChallenge",
    "LastRefreshErrorCode": None,
}


def status():
    return Play(NightlyStatus(policy=POLICY), subject=Subject(""))


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Message": "The login 'x' is invalid.", "FlinksCode": "INVALID_REQUEST"}),
        pytest.param({"FlinksCode": "TOO_MANY_REQUESTS"}, id="a-code-that-would-pause"),
    ],
)
def test_it_reports_who_dropped_out(beside):
    play = status().hear(Answer(200, {"HttpStatusCode": 200, "IneligibleCards": [CARD]} | beside))

    assert play.asked[0].endpoint == "GetNightlyRefreshStatus"
    assert play.asked[0].auth == "bearer"
    assert play.end.outcome is Outcome.FRESH
    assert (play.end.provider_code, play.end.message) == ("", "")
    assert play.end.report == [
        {
            "login_id": LOGIN_ID,
            "last_refresh_at": "2026-02-18T03:26:34.685436+00:00",
            "state": "AnsweringSecurityChallenge",
            "code": "",
        }
    ]


def test_an_empty_list_is_good_news():
    assert (
        status().hear(Answer(200, {"HttpStatusCode": 200, "IneligibleCards": []})).end.report == []
    )


def test_a_200_without_the_list_is_a_bad_answer():
    play = status().hear(Answer(200, {"HttpStatusCode": 200}))

    assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.BAD_ANSWER)
    assert play.end.report is None


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "ACCESS_DENIED"])
def test_a_refused_key_ends_this_call_and_pauses_nobody(code):
    play = status().hear(refused(code))

    assert (play.end.outcome, play.end.reason) == (Outcome.OUR_CONFIG, Reason.KEYS)


def test_too_many_requests_pauses_everybody():
    script = NightlyStatus(policy=POLICY)
    begun = script.begin(Subject(""))

    halt = script.heard(Subject(""), begun.state, refused("TOO_MANY_REQUESTS"), now=NOON)

    assert isinstance(halt, Halt)


@pytest.mark.parametrize(
    ("heard", "reason"), [(NETWORK, Reason.NETWORK), (HTML_502, Reason.BAD_ANSWER)]
)
def test_silence_is_asked_again_and_then_ends(heard, reason):
    play = status().hear(heard, heard, heard)

    assert play.pauses == [5, 20]
    assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, reason)


@pytest.mark.parametrize("cards", ["none", [17, None], [{}], [{"LoginId": 3}]])
def test_odd_lists_do_not_break_it(cards):
    play = status().hear(*[Answer(200, {"HttpStatusCode": 200, "IneligibleCards": cards})])

    assert play.end.outcome in (Outcome.FRESH, Outcome.PROVIDER_FAULT)
