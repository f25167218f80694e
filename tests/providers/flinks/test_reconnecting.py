"""What happens behind a connect link, as tables of (what is heard) -> (what is asked, the end)."""

import json
from datetime import timedelta

import pytest

from refreshops.providers.contract import Ask, Done, Halt, Handover, Pacing, Subject, Wait
from refreshops.providers.flinks.conversations import Connect, Invite, Reconnect
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import (
    HTML_502,
    LOGIN_ID,
    NETWORK,
    NEW_REQUEST_ID,
    NOON,
    OTHER_LOGIN_ID,
    POLICY,
    REQUEST_ID,
    SUBJECT,
    TOKEN,
    TONIGHT_AT,
    Play,
    authorized,
    detail,
    login,
    minted,
    pending,
    refused,
)

MINT = "GenerateAuthorizeToken"
CHALLENGE = refused(
    None, status=203, request_id=REQUEST_ID, SecurityChallenges=[{"Prompt": "In which city?"}]
)
LIVE = {"LoginId": LOGIN_ID, "MostRecentCached": False, "Save": True}
NOBODY = Subject("")


def reconnect(*heard, mints=True):
    return Play(Reconnect(policy=POLICY, mints_token=mints)).hear(*heard)


def invite(*heard):
    return Play(Invite(policy=POLICY, mints_token=True), subject=NOBODY).hear(*heard)


def connect(*heard, mints=False):
    return Play(Connect(policy=POLICY, mints_token=mints)).hear(*heard)


class TestReconnect:
    @pytest.mark.parametrize("mints", [True, False])
    def test_a_200_is_the_cure_and_brings_the_data(self, mints):
        play = reconnect(*[minted()] * mints, authorized(), detail(), mints=mints)

        assert play.calls == [MINT] * mints + ["Authorize", "GetAccountsDetail"]
        assert play.asked[mints].body == LIVE
        assert (play.end.outcome, play.end.last_refresh_at) == (Outcome.FRESH, TONIGHT_AT)
        assert play.end.bank_data is not None
        assert play.end.handover is None

    def test_it_polls_while_the_data_is_being_prepared(self):
        play = reconnect(minted(), authorized(), pending(), pending(), detail())

        assert play.calls[2:] == ["GetAccountsDetail"] + ["GetAccountsDetailAsync"] * 2
        assert play.end.outcome is Outcome.FRESH

    def test_a_challenge_is_handed_over_with_a_token_of_its_own(self):
        play = reconnect(minted(), CHALLENGE, minted())

        assert play.calls == [MINT, "Authorize", MINT]
        assert [call.pacing for call in play.asked] == [Pacing.RESERVE, Pacing.USE, Pacing.FREE]
        assert [state["step"] for state in play.states] == ["token", "authorize", "hand"]
        assert play.end.handover == Handover(REQUEST_ID, TOKEN)
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.institution == "Maple Bank"
        assert play.end.bank_data is None

    def test_a_challenge_is_handed_over_at_once_where_no_token_is_wanted(self):
        play = reconnect(CHALLENGE, mints=False)

        assert play.calls == ["Authorize"]
        assert play.end.handover == Handover(REQUEST_ID)
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)

    @pytest.mark.parametrize(
        ("answer", "outcome", "reason", "code"),
        [
            pytest.param(
                refused("INVALID_PASSWORD", request_id=REQUEST_ID, message="Wrong password"),
                Outcome.USER_ACTION,
                Reason.CREDENTIALS,
                "INVALID_PASSWORD",
                id="password",
            ),
            pytest.param(
                refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID),
                Outcome.USER_ACTION,
                Reason.MFA,
                "QUESTION_NOT_FOUND",
                id="an-error-that-opens-old-data",
            ),
            pytest.param(
                refused("DISABLED_INSTITUTION", status=405),
                Outcome.INSTITUTION_UNAVAILABLE,
                None,
                "DISABLED_INSTITUTION",
                id="bank-down",
            ),
            pytest.param(
                refused("INVALID_LOGIN", status=400, message="LoginId does not exist"),
                Outcome.LOGIN_GONE,
                Reason.UNKNOWN_LOGIN,
                "INVALID_LOGIN",
                id="gone",
            ),
            pytest.param(
                refused("BRAND_NEW"), Outcome.UNKNOWN, Reason.NONE, "BRAND_NEW", id="unknown-code"
            ),
            pytest.param(
                refused("INVALID_REQUEST", status=400),
                Outcome.OUR_CONFIG,
                None,
                "INVALID_REQUEST",
                id="our-request",
            ),
            pytest.param(
                refused(None, status=203), Outcome.USER_ACTION, Reason.MFA, "", id="no-request-id"
            ),
        ],
    )
    @pytest.mark.parametrize("mints", [True, False])
    def test_another_failure_is_handed_over_to_plain_onboarding(
        self, answer, outcome, reason, code, mints
    ):
        around = [minted()] * mints

        play = reconnect(*around, answer, *around, mints=mints)

        assert play.end.handover == Handover(token=TOKEN if mints else "")
        assert (play.end.outcome, play.end.provider_code) == (outcome, code)
        assert reason is None or play.end.reason is reason
        assert play.end.message == (answer.body.get("Message") or "")
        assert play.end.bank_data is None

    def test_a_failure_of_the_login_after_a_202_is_handed_over_too(self):
        play = reconnect(minted(), pending(), refused("INVALID_PASSWORD"), minted())

        assert play.calls == [MINT, "Authorize", "GetAccountsDetailAsync", MINT]
        assert play.end.handover == Handover(token=TOKEN)
        assert play.end.reason is Reason.CREDENTIALS

    def test_data_that_does_not_come_is_no_reason_to_connect_again(self):
        play = reconnect(minted(), authorized(), *[pending()] * 181)

        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.TOO_LONG)
        assert play.end.handover is None

    def test_silence_asks_the_cache_how_it_ended_and_never_the_bank_twice(self):
        play = reconnect(minted(), NETWORK, minted(), authorized(), detail())

        assert play.calls == [MINT, "Authorize", MINT, "Authorize", "GetAccountsDetail"]
        assert play.asked[3].body == {"LoginId": LOGIN_ID, "MostRecentCached": True}
        assert play.end.outcome is Outcome.FRESH

    def test_after_silence_a_203_of_the_cache_opens_no_session(self):
        play = reconnect(NETWORK, CHALLENGE, mints=False)

        assert play.end.handover == Handover()
        assert play.end.reason is Reason.MFA

    @pytest.mark.parametrize(
        "odd",
        [
            pytest.param(
                refused(
                    None, status=203, request_id=REQUEST_ID, Login=login(login_id=OTHER_LOGIN_ID)
                ),
                id="another-login",
            ),
            pytest.param(HTML_502, id="error-page"),
        ],
    )
    def test_what_is_not_believed_is_asked_of_the_cache(self, odd):
        play = reconnect(odd, refused("INVALID_PASSWORD"), mints=False)

        assert play.calls == ["Authorize", "Authorize"]
        assert play.end.handover == Handover()

    def test_a_first_token_that_cannot_be_had_ends_it_without_a_handover(self):
        play = reconnect(HTML_502, HTML_502, HTML_502)

        assert play.calls == [MINT] * 3
        assert play.end.outcome is Outcome.PROVIDER_FAULT
        assert play.end.handover is None

    @pytest.mark.parametrize(
        ("heard", "pauses"),
        [
            pytest.param([NETWORK] * 3, [5, 20], id="silence"),
            pytest.param([refused("BRAND_NEW")], [], id="unknown-code"),
            pytest.param([refused("UNAUTHORIZED")] * 4, [900] * 3, id="our-key-is-refused"),
        ],
    )
    def test_without_the_token_of_a_handover_the_failure_stays_as_it_was(self, heard, pauses):
        play = reconnect(minted(), CHALLENGE, *heard)

        assert play.pauses == pauses
        assert play.end.handover is None
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.provider_code == ""

    def test_the_token_of_a_handover_is_tried_as_often_whatever_went_wrong_before(self):
        failed = [minted(), NETWORK, minted(), NETWORK, minted(), refused("INVALID_PASSWORD")]

        play = reconnect(*failed, NETWORK, NETWORK, minted())

        assert play.pauses == [5, 20, 5, 20]
        assert play.end.handover == Handover(token=TOKEN)
        assert play.end.reason is Reason.CREDENTIALS

    @pytest.mark.parametrize(
        ("rest_minutes", "challenge"), [(0, REQUEST_ID), (8, REQUEST_ID), (9, "")]
    )
    def test_after_a_crash_a_dead_challenge_becomes_plain_onboarding(self, rest_minutes, challenge):
        play = reconnect(minted(), CHALLENGE)
        stored = json.loads(json.dumps(play.step.state))
        later = NOON + timedelta(minutes=rest_minutes)

        again = play.script.resume(SUBJECT, stored, now=later)
        done = play.script.heard(SUBJECT, again.state, minted(), now=later)

        assert (again.call.endpoint, again.call.pacing) == (MINT, Pacing.FREE)
        assert done.result.handover == Handover(challenge, TOKEN)
        assert done.result.reason is Reason.MFA

    @pytest.mark.parametrize(
        ("code", "kind"), [("TOO_MANY_REQUESTS", "throttled"), ("ACCESS_DENIED", "keys")]
    )
    def test_what_concerns_everybody_pauses_everybody(self, code, kind):
        script = Reconnect(policy=POLICY)
        begun = script.begin(SUBJECT)

        step = script.heard(SUBJECT, begun.state, refused(code), now=NOON)

        assert isinstance(step, Halt)
        assert step.kind == kind

    @pytest.mark.parametrize("code", ["TOO_MANY_REQUESTS", "ACCESS_DENIED"])
    def test_a_door_that_stays_shut_to_us_is_handed_to_no_customer(self, code):
        play = reconnect(*[refused(code)] * 4, mints=False)

        assert play.end.handover is None

    def test_the_escalation_of_a_code_is_kept_while_the_token_is_minted(self):
        subject = Subject(LOGIN_ID, last_code="SESSION_EXPIRED", same_code_runs=1)
        play = Play(Reconnect(policy=POLICY, mints_token=True), subject=subject)

        play.hear(minted(), refused("SESSION_EXPIRED"), minted())

        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.handover == Handover(token=TOKEN)

    def test_the_token_is_in_no_state_and_in_no_repr(self):
        play = reconnect(minted(), CHALLENGE, minted())

        assert TOKEN not in str(play.states)
        assert TOKEN not in repr(play.end)


class TestInvite:
    def test_it_mints_one_token_that_takes_no_slot(self):
        play = invite(minted())

        assert play.calls == [MINT]
        assert play.asked[0].pacing is Pacing.FREE
        assert (play.end.outcome, play.end.data_state) == (Outcome.FRESH, DataState.NONE)
        assert play.end.handover == Handover(token=TOKEN)

    @pytest.mark.parametrize(
        ("heard", "outcome"),
        [
            pytest.param([NETWORK] * 3, Outcome.PROVIDER_FAULT, id="silence"),
            pytest.param([refused("UNAUTHORIZED")] * 4, Outcome.OUR_CONFIG, id="key-refused"),
            pytest.param([refused("BRAND_NEW")], Outcome.UNKNOWN, id="unknown-code"),
        ],
    )
    def test_a_failure_ends_it_without_a_handover(self, heard, outcome):
        play = invite(*heard)

        assert play.end.outcome is outcome
        assert play.end.handover is None

    def test_it_resumes_where_it_began(self):
        script = Invite(policy=POLICY, mints_token=True)
        begun = script.begin(NOBODY)

        assert isinstance(begun, Ask)
        assert script.resume(NOBODY, begun.state, now=NOON) == begun
        assert isinstance(script.heard(NOBODY, begun.state, NETWORK, now=NOON), Wait)


class TestConnect:
    def test_it_asks_the_cache_about_the_claimed_login_and_learns_all_of_it(self):
        play = connect(authorized(), pending(), detail(Tag="link-17.x:y"))

        assert play.asked[0].body == {"LoginId": LOGIN_ID, "MostRecentCached": True}
        assert play.calls == ["Authorize", "GetAccountsDetail", "GetAccountsDetailAsync"]
        assert play.end.outcome is Outcome.FRESH
        assert play.end.tag == "link-17.x:y"
        assert play.end.institution == "Maple Bank"
        assert (play.end.nightly, play.end.last_refresh_at) == (True, TONIGHT_AT)
        assert play.end.bank_data is not None

    def test_it_mints_a_token_under_a_slot_where_one_is_wanted(self):
        play = connect(minted(), authorized(), detail(), mints=True)

        assert [call.pacing for call in play.asked] == [Pacing.RESERVE, Pacing.USE, Pacing.FREE]

    @pytest.mark.parametrize(
        "tag", [None, 5, ["x"], "", "a b", "jane@example.com", "x" * 121, "é", "a\n"]
    )
    def test_a_tag_that_is_none_of_ours_is_none(self, tag):
        assert connect(authorized(), detail(Tag=tag)).end.tag == ""

    @pytest.mark.parametrize(
        ("heard", "outcome"),
        [
            pytest.param(
                [refused("INVALID_LOGIN", status=400, message="Invalid LoginId")],
                Outcome.LOGIN_GONE,
                id="unknown-there",
            ),
            pytest.param(
                [authorized(Login=login(login_id=OTHER_LOGIN_ID))] * 3,
                Outcome.PROVIDER_FAULT,
                id="another-login",
            ),
            pytest.param(
                [authorized(), *[detail(request_id=NEW_REQUEST_ID)] * 3],
                Outcome.PROVIDER_FAULT,
                id="another-request",
            ),
        ],
    )
    def test_a_claim_that_does_not_hold_brings_no_data(self, heard, outcome):
        play = connect(*heard)

        assert isinstance(play.step, Done)
        assert play.end.outcome is outcome
        assert play.end.bank_data is None
        assert play.end.tag == ""
