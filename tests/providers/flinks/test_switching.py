"""A switch is done only when Flinks said so; silence is looked into, never believed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from refreshops.providers.contract import Answer, Pacing
from refreshops.providers.flinks.conversations import SwitchSchedule
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import (
    HTML_200,
    HTML_502,
    LOGIN_ID,
    NETWORK,
    NOON,
    OTHER_LOGIN_ID,
    POLICY,
    REQUEST_ID,
    SUBJECT,
    TOKEN,
    UNREADABLE_SUMMARIES,
    Play,
    authorized,
    login,
    minted,
    pending,
    refused,
    summary,
)

OTHER_ID = "0d7c1d43-5b5c-4d4f-9a57-0d1f2d3c4b5a"
ACCEPTED = Answer(200, f"LoginId {LOGIN_ID} has now been taken off automatic refresh")
IS_OFF = authorized(Login=login(nightly=False))
IS_ON = authorized(Login=login(nightly=True))
HIDDEN_FLAG = refused("INVALID_PASSWORD", request_id=REQUEST_ID)
OPENS_DATA = refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID)
HELD = replace(SUBJECT, held_as_of=NOON - timedelta(days=9))
WAITS = [wait.total_seconds() for wait in POLICY.confirm_waits]


def off(**terms):
    return SwitchSchedule(on=False, policy=POLICY, **terms)


class TestTheOrder:
    @pytest.mark.parametrize("on", [True, False])
    def test_it_orders_and_reads_back(self, on):
        play = Play(SwitchSchedule(on=on, policy=POLICY), subject=HELD).hear(
            ACCEPTED, authorized(Login=login(nightly=on))
        )

        assert play.calls == ["SetScheduledRefresh", "Authorize"]
        assert play.asked[0].method == "PATCH"
        assert play.asked[0].body == {"loginId": LOGIN_ID, "isActivated": on}
        assert play.asked[1].body == {"LoginId": LOGIN_ID, "MostRecentCached": True}
        assert [call.pacing for call in play.asked] == [Pacing.USE, Pacing.USE]
        assert play.end.outcome is Outcome.FRESH
        assert (play.end.nightly, play.end.verified) == (on, True)
        assert play.end.message == ACCEPTED.body
        assert play.end.data_state is DataState.STALE_EXPIRED

    def test_it_mints_a_token_for_the_read_back_only(self):
        play = Play(off(mints_token=True)).hear(ACCEPTED, minted(), IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "GenerateAuthorizeToken", "Authorize"]
        assert play.asked[2].token == TOKEN
        assert TOKEN not in str(play.states)
        assert play.end.verified

    def test_resuming_the_beginning_is_the_beginning(self):
        script = off(mints_token=True)
        begun = script.begin(SUBJECT)

        assert script.resume(SUBJECT, begun.state, now=NOON) == begun

    @pytest.mark.parametrize(
        ("code", "status", "message", "outcome"),
        [
            ("INVALID_REQUEST", 400, "isActivated is missing", Outcome.OUR_CONFIG),
            ("DISABLED_INSTITUTION", 405, None, Outcome.INSTITUTION_UNAVAILABLE),
            ("WHAT_IS_THIS", 409, None, Outcome.UNKNOWN),
        ],
    )
    def test_a_refusal_ends_it_with_the_providers_words(self, code, status, message, outcome):
        play = Play(off()).hear(refused(code, status=status, message=message))

        assert play.calls == ["SetScheduledRefresh"]
        assert (play.end.outcome, play.end.reason) == (outcome, Reason.REFUSED)
        assert play.end.message == (message or "")
        assert (play.end.nightly, play.end.verified) == (None, False)

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            pytest.param("INVALID_REQUEST", f"The login '{LOGIN_ID}' is invalid.", id="seen"),
            pytest.param("INVALID_LOGIN", "LoginId does not belong to you", id="as-at-authorize"),
        ],
    )
    @pytest.mark.parametrize("on", [True, False])
    def test_a_login_flinks_does_not_know_ends_as_gone(self, code, message, on):
        play = Play(SwitchSchedule(on=on, policy=POLICY)).hear(
            refused(code, status=400, message=message)
        )

        assert play.calls == ["SetScheduledRefresh"]
        assert (play.end.outcome, play.end.reason) == (Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN)
        assert play.end.message == message
        assert (play.end.nightly, play.end.verified) == (None, False)

    def test_a_200_that_carries_an_error_is_a_refusal(self):
        body = {"HttpStatusCode": 400, "FlinksCode": "INVALID_REQUEST", "Message": "no"}

        play = Play(off()).hear(Answer(200, body))

        assert play.end.reason is Reason.REFUSED

    @pytest.mark.parametrize("code", ["ACCESS_DENIED", "TOO_MANY_REQUESTS"])
    def test_what_concerns_everybody_pauses_everybody(self, code):
        play = Play(off()).hear(refused(code))

        assert play.halted
        assert play.calls == ["SetScheduledRefresh"] * 2

    def test_a_busy_login_is_ordered_again(self):
        play = Play(off()).hear(refused("CARD_IN_USE", status=400), ACCEPTED, IS_OFF)

        assert play.pauses == [300]
        assert play.end.verified


class TestAmbiguity:
    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(NETWORK, id="silence"),
            pytest.param(HTML_502, id="error-page"),
            pytest.param(HTML_200, id="html-with-200"),
            pytest.param(Answer(200, None), id="null"),
            pytest.param(Answer(200, []), id="list"),
            pytest.param(Answer(500, {"HttpStatusCode": 500}), id="failure-without-code"),
            pytest.param(refused("AGGREGATION_ERROR", status=500), id="failure-with-code"),
            pytest.param(Answer(202, {"HttpStatusCode": 202}), id="still-working"),
            pytest.param(Answer(200, f"LoginId {LOGIN_ID} not found"), id="a-word-that-is-no-yes"),
        ],
    )
    def test_it_looks_before_it_orders_again(self, heard):
        play = Play(off()).hear(heard, IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "Authorize"]
        assert play.pauses == WAITS[:1]
        assert play.end.outcome is Outcome.FRESH
        assert (play.end.nightly, play.end.verified) == (False, True)

    def test_it_orders_again_when_the_flag_is_still_wrong(self):
        play = Play(off()).hear(NETWORK, IS_ON, ACCEPTED, IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "Authorize"] * 2
        assert play.pauses == WAITS[:2]
        assert play.end.verified

    def test_a_yes_with_the_wrong_flag_is_no_yes(self):
        play = Play(off()).hear(ACCEPTED, IS_ON, ACCEPTED, IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "Authorize"] * 2
        assert play.end.verified

    def test_it_gives_up_after_a_day_and_says_what_flinks_last_said(self):
        play = Play(off())
        for _ in range(7):
            play.hear(ACCEPTED, IS_ON)
        play.hear(ACCEPTED, IS_ON)

        assert play.pauses == WAITS
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (True, False)

    def test_after_silence_alone_nothing_is_claimed(self):
        play = Play(off()).hear(*[NETWORK] * 8)

        assert play.pauses == WAITS
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (None, False)

    def test_a_hidden_flag_after_a_silence_is_no_yes(self):
        play = Play(off()).hear(NETWORK, HIDDEN_FLAG, ACCEPTED, HIDDEN_FLAG)

        assert play.calls == ["SetScheduledRefresh", "Authorize"] * 2
        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.UNCONFIRMED)

    def test_a_yes_that_proved_wrong_does_not_count_later(self):
        play = Play(off()).hear(ACCEPTED, IS_ON, NETWORK, HIDDEN_FLAG)

        assert play.calls[-1] == "SetScheduledRefresh"
        assert not hasattr(play.step, "result")


class TestTheReadBack:
    @pytest.mark.parametrize(
        ("on", "said"),
        [
            pytest.param(False, "OK", id="a-word-about-nobody"),
            pytest.param(False, f"LoginId {OTHER_ID} has now been deactivated", id="another-login"),
            pytest.param(False, f"LoginId {LOGIN_ID} has now been activated", id="on-for-off"),
            pytest.param(True, f"LoginId {LOGIN_ID} has now been deactivated", id="off-for-on"),
            pytest.param(True, f"LoginId {LOGIN_ID} has been de-activated", id="off-with-a-dash"),
        ],
    )
    def test_a_success_that_says_something_else_is_no_yes_while_the_flag_is_hidden(self, on, said):
        play = Play(SwitchSchedule(on=on, policy=POLICY)).hear(Answer(200, said), HIDDEN_FLAG)

        assert play.calls[-1] == "SetScheduledRefresh"
        assert not hasattr(play.step, "result")

    @pytest.mark.parametrize("word", ["deactivated", "de-activated", "DEACTIVATED", "removed"])
    def test_any_word_for_off_that_names_the_login_is_a_yes(self, word):
        said = f"LoginId {LOGIN_ID.upper()} has now been {word}"
        play = Play(off()).hear(Answer(200, said), HIDDEN_FLAG)

        assert (play.end.outcome, play.end.nightly) == (Outcome.FRESH, False)

    def test_a_success_that_says_something_else_is_believed_once_read_back(self):
        play = Play(off()).hear(Answer(200, "OK"), IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "Authorize"]
        assert play.end.verified

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(HIDDEN_FLAG, id="wrong-password"),
            pytest.param(refused("QUESTION_NOT_FOUND"), id="no-request-id"),
            pytest.param(refused("RETRY_LATER"), id="bank-away"),
            pytest.param(refused("BRAND_NEW"), id="unknown-code"),
            pytest.param(authorized(Login=None), id="no-login"),
        ],
    )
    def test_an_accepted_order_whose_flag_is_hidden_counts_unverified(self, heard):
        play = Play(off()).hear(ACCEPTED, heard)

        assert play.calls == ["SetScheduledRefresh", "Authorize"]
        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (False, False)
        assert play.end.message == ACCEPTED.body

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(NETWORK, id="silence"),
            pytest.param(HTML_200, id="html"),
            pytest.param(pending(), id="pending"),
            pytest.param(authorized(RequestId=None), id="no-request-id"),
            pytest.param(
                authorized(Login=login(login_id=OTHER_LOGIN_ID, nightly=False)), id="another-login"
            ),
        ],
    )
    def test_it_is_repeated_until_it_can_be_believed(self, heard):
        play = Play(off()).hear(ACCEPTED, heard, IS_OFF)

        assert play.calls == ["SetScheduledRefresh", "Authorize", "Authorize"]
        assert play.end.verified

    @pytest.mark.parametrize(
        "heard", [pytest.param(ACCEPTED, id="accepted"), pytest.param(NETWORK, id="silence")]
    )
    def test_a_login_that_flinks_does_not_know_any_more_is_gone(self, heard):
        unknown = refused("INVALID_LOGIN", status=400, message="LoginId does not belong to you")

        play = Play(off()).hear(heard, unknown)

        assert play.calls == ["SetScheduledRefresh", "Authorize"]
        assert (play.end.outcome, play.end.reason) == (Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN)
        assert (play.end.nightly, play.end.verified) == (None, False)

    def test_an_invalid_login_without_a_message_may_be_the_bank_password(self):
        play = Play(off()).hear(ACCEPTED, refused("INVALID_LOGIN", status=400))

        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.UNCONFIRMED)

    def test_an_error_that_shows_the_flag_verifies(self):
        play = Play(off()).hear(ACCEPTED, refused("RETRY_LATER", Login=login(nightly=False)))

        assert (play.end.outcome, play.end.verified) == (Outcome.FRESH, True)

    def test_an_accepted_order_that_can_never_be_read_back_counts_unverified(self):
        play = Play(off()).hear(ACCEPTED, *[NETWORK] * 8)

        assert play.pauses == WAITS
        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (False, False)

    def test_a_token_that_cannot_be_minted_is_waited_for(self):
        play = Play(off(mints_token=True)).hear(ACCEPTED, NETWORK, minted(), IS_OFF)

        assert play.end.verified


class TestTheSummary:
    @pytest.mark.parametrize("on", [True, False])
    def test_a_flag_the_login_hides_is_read_from_its_summary(self, on):
        play = Play(SwitchSchedule(on=on, policy=POLICY), subject=HELD).hear(
            ACCEPTED, OPENS_DATA, summary(Login=login(nightly=on))
        )

        assert play.calls == ["SetScheduledRefresh", "Authorize", "GetAccountsSummary"]
        assert play.asked[2].body == {"RequestId": REQUEST_ID}
        assert play.asked[2].pacing is Pacing.FREE
        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.NONE)
        assert (play.end.nightly, play.end.verified) == (on, True)
        assert play.end.message == ACCEPTED.body
        assert play.end.provider_code == "QUESTION_NOT_FOUND"
        assert play.end.bank_data is None

    def test_it_verifies_an_order_whose_answer_was_lost(self):
        play = Play(off()).hear(NETWORK, OPENS_DATA, summary(Login=login(nightly=False)))

        assert play.calls == ["SetScheduledRefresh", "Authorize", "GetAccountsSummary"]
        assert play.end.verified

    def test_it_orders_again_when_the_summary_shows_the_wrong_flag(self):
        play = Play(off()).hear(ACCEPTED, OPENS_DATA, summary(), ACCEPTED, OPENS_DATA)

        assert play.pauses == WAITS[:1]
        assert play.calls == ["SetScheduledRefresh", "Authorize", "GetAccountsSummary"] * 2

    def test_a_flag_that_stays_wrong_ends_after_a_day(self):
        play = Play(off())
        for _ in range(8):
            play.hear(ACCEPTED, OPENS_DATA, summary())

        assert play.pauses == WAITS
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (True, False)

    @pytest.mark.parametrize("heard", UNREADABLE_SUMMARIES)
    def test_without_a_flag_an_accepted_order_counts_unverified(self, heard):
        play = Play(off()).hear(ACCEPTED, OPENS_DATA, heard)

        assert play.calls == ["SetScheduledRefresh", "Authorize", "GetAccountsSummary"]
        assert play.pauses == []
        assert (play.end.outcome, play.end.reason) == (Outcome.FRESH, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (False, False)
        assert play.end.message == ACCEPTED.body
        assert play.end.provider_code == "QUESTION_NOT_FOUND"

    @pytest.mark.parametrize("heard", UNREADABLE_SUMMARIES)
    def test_without_a_flag_and_without_a_yes_it_orders_again_and_ends(self, heard):
        play = Play(off())
        for _ in range(8):
            play.hear(Answer(200, "OK"), OPENS_DATA, heard)

        assert play.pauses == WAITS
        assert play.calls == ["SetScheduledRefresh", "Authorize", "GetAccountsSummary"] * 8
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.UNCONFIRMED)
        assert (play.end.nightly, play.end.verified) == (None, False)
        assert play.end.provider_code == "QUESTION_NOT_FOUND"

    def test_the_drop_out_the_authorize_told_is_kept(self):
        told = Play(off()).hear(ACCEPTED, refused("QUESTION_NOT_FOUND"))

        play = Play(off()).hear(ACCEPTED, OPENS_DATA, NETWORK)

        assert play.end.drops_out_at == told.end.drops_out_at == NOON

    @pytest.mark.parametrize("mints_token", [True, False])
    @pytest.mark.parametrize(
        ("idle", "is_new"),
        [
            pytest.param(timedelta(minutes=8), False, id="young-enough"),
            pytest.param(timedelta(minutes=8, seconds=1), True, id="too-old"),
        ],
    )
    def test_a_request_id_that_lay_idle_is_not_used(self, idle, is_new, mints_token):
        script = off(mints_token=mints_token)
        play = Play(script).hear(ACCEPTED, *[minted()] * mints_token, OPENS_DATA)

        resumed = script.resume(SUBJECT, play.step.state, now=NOON + idle)

        first = "GenerateAuthorizeToken" if mints_token else "Authorize"
        assert resumed.call.endpoint == (first if is_new else "GetAccountsSummary")
        assert resumed.state["accepted"] is True
        assert ("request_id" in resumed.state) is not is_new

    @pytest.mark.parametrize("code", ["ACCESS_DENIED", "TOO_MANY_REQUESTS"])
    def test_what_concerns_everybody_pauses_everybody_here_too(self, code):
        play = Play(off()).hear(ACCEPTED, OPENS_DATA, refused(code))

        assert play.halted
