"""The refresh scripts as tables of (what is heard) -> (what is asked, how it ends)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from refreshops.providers.contract import Answer, Ask, Halt, Pacing, Silence, Subject, Wait
from refreshops.providers.flinks.conversations import CachedRefresh, CheckSchedule, LiveRefresh
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import (
    HTML_200,
    HTML_502,
    IN_THE_FUTURE,
    LAST_WEEK,
    LOGIN_ID,
    LONG_AGO,
    NETWORK,
    NEVER,
    NEW_REQUEST_ID,
    NOON,
    OTHER_LOGIN_ID,
    POLICY,
    REQUEST_ID,
    SUBJECT,
    TOKEN,
    TONIGHT_AT,
    UNREADABLE_SUMMARIES,
    Play,
    authorized,
    detail,
    login,
    minted,
    pending,
    refused,
    summary,
)

HELD = replace(SUBJECT, held_as_of=NOON - timedelta(days=3))


def cached(**terms):
    return CachedRefresh(policy=POLICY, **terms)


class TestCachedRefresh:
    def test_it_authorizes_and_fetches_the_data(self):
        play = Play(cached()).hear(authorized(), detail())

        assert play.calls == ["Authorize", "GetAccountsDetail"]
        assert play.asked[0].body == {"LoginId": LOGIN_ID, "MostRecentCached": True}
        assert play.asked[1].body == {"RequestId": REQUEST_ID}
        assert [call.pacing for call in play.asked] == [Pacing.USE, Pacing.FREE]
        assert (play.end.outcome, play.end.data_state) == (Outcome.FRESH, DataState.FRESH)
        assert play.end.reason is Reason.NONE
        assert play.end.last_refresh_at == TONIGHT_AT
        assert play.end.nightly is True
        assert play.end.institution == "Maple Bank"
        assert play.end.bank_data.as_of == TONIGHT_AT
        assert play.end.bank_data.transaction_count == 1
        assert play.end.bank_data.accounts[0].last_four == "1238"

    def test_it_mints_a_token_before_each_authorize(self):
        play = Play(cached(mints_token=True)).hear(minted(), authorized(), detail())

        assert play.calls == ["GenerateAuthorizeToken", "Authorize", "GetAccountsDetail"]
        assert [call.auth for call in play.asked] == ["secret", "token", "x_api_key"]
        assert [call.pacing for call in play.asked] == [Pacing.RESERVE, Pacing.USE, Pacing.FREE]
        assert play.asked[1].token == TOKEN
        assert TOKEN not in str(play.states)
        assert play.end.outcome is Outcome.FRESH

    def test_it_mints_again_when_it_resumes_before_authorize(self):
        script = cached(mints_token=True)
        play = Play(script).hear(minted())

        again = script.resume(SUBJECT, play.step.state, now=NOON)

        assert again.call.endpoint == "GenerateAuthorizeToken"
        assert again.state["step"] == "token"

    @pytest.mark.parametrize("script", [cached(), cached(mints_token=True)])
    def test_resuming_the_beginning_is_the_beginning(self, script):
        begun = script.begin(SUBJECT)

        assert script.resume(SUBJECT, begun.state, now=NOON) == begun

    @pytest.mark.parametrize(
        ("at", "outcome", "reason", "state"),
        [
            pytest.param(LAST_WEEK, Outcome.STALE, Reason.NONE, DataState.STALE_USABLE, id="old"),
            pytest.param(
                LONG_AGO, Outcome.STALE, Reason.NONE, DataState.STALE_EXPIRED, id="very-old"
            ),
            pytest.param(
                NEVER, Outcome.STALE, Reason.NO_TIMESTAMP, DataState.NONE, id="never-refreshed"
            ),
            pytest.param(
                None, Outcome.STALE, Reason.NO_TIMESTAMP, DataState.NONE, id="no-timestamp"
            ),
            pytest.param("soon", Outcome.STALE, Reason.NO_TIMESTAMP, DataState.NONE, id="garbage"),
            pytest.param(
                IN_THE_FUTURE,
                Outcome.STALE,
                Reason.FUTURE_TIMESTAMP,
                DataState.STALE_USABLE,
                id="future",
            ),
        ],
    )
    def test_a_200_does_not_prove_freshness(self, at, outcome, reason, state):
        play = Play(cached()).hear(authorized(Login=login(at=at)), detail(Login=login(at=at)))

        assert (play.end.outcome, play.end.reason, play.end.data_state) == (outcome, reason, state)
        assert play.end.bank_data is not None

    def test_a_future_timestamp_is_not_taught_to_the_register(self):
        play = Play(cached()).hear(
            authorized(Login=login(at=IN_THE_FUTURE)), detail(Login=login(at=IN_THE_FUTURE))
        )

        assert play.end.last_refresh_at is None
        assert play.end.bank_data.as_of is None

    @pytest.mark.parametrize(
        ("at_authorize", "at_data", "outcome"),
        [
            pytest.param(LAST_WEEK, None, Outcome.STALE, id="only-authorize-says"),
            pytest.param(None, LAST_WEEK, Outcome.STALE, id="only-the-data-says"),
            pytest.param("2026-03-03T05:00:00.0", LAST_WEEK, Outcome.STALE, id="the-data-wins"),
            pytest.param(LAST_WEEK, "2026-03-03T05:00:00.0", Outcome.FRESH, id="both-ways"),
            pytest.param("2026-03-03T05:00:00.0", NEVER, Outcome.STALE, id="never-is-a-statement"),
            pytest.param("2026-03-03T05:00:00.0", "xx", Outcome.FRESH, id="garbage-is-none"),
        ],
    )
    def test_the_data_calls_timestamp_wins(self, at_authorize, at_data, outcome):
        play = Play(cached()).hear(
            authorized(Login=login(at=at_authorize)), detail(Login=login(at=at_data))
        )

        assert play.end.outcome is outcome

    def test_data_without_a_login_is_judged_by_what_authorize_said(self):
        play = Play(cached()).hear(authorized(), detail(Login=None))

        assert play.end.outcome is Outcome.FRESH
        assert play.end.nightly is True


class TestQuestionNotFound:
    def test_it_reads_the_cached_data_and_still_asks_for_the_customer(self):
        play = Play(cached()).hear(
            refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID), detail(Login=login(at=LAST_WEEK))
        )

        assert play.calls == ["Authorize", "GetAccountsDetail"]
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.data_state is DataState.STALE_USABLE
        assert play.end.provider_code == "QUESTION_NOT_FOUND"
        assert play.end.bank_data is not None

    def test_fresh_data_does_not_hide_it(self):
        play = Play(cached()).hear(refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID), detail())

        assert (play.end.outcome, play.end.data_state) == (Outcome.USER_ACTION, DataState.FRESH)

    def test_without_a_request_id_there_is_nothing_to_read(self):
        play = Play(cached(), subject=HELD).hear(refused("QUESTION_NOT_FOUND"))

        assert play.calls == ["Authorize"]
        assert play.end.outcome is Outcome.USER_ACTION
        assert play.end.data_state is DataState.STALE_USABLE

    @pytest.mark.parametrize(
        "then",
        [
            pytest.param([NETWORK] * 3, id="silence"),
            pytest.param([HTML_502] * 3, id="error-pages"),
            pytest.param([refused("AGGREGATION_ERROR", status=500)], id="failure"),
            pytest.param([refused("NEVER_SEEN")], id="unknown-code"),
        ],
    )
    def test_a_failing_data_call_does_not_change_whose_move_it_is(self, then):
        play = Play(cached(), subject=HELD).hear(
            refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID), *then
        )

        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.provider_code == "QUESTION_NOT_FOUND"
        assert play.end.data_state is DataState.STALE_USABLE
        assert play.end.bank_data is None

    def test_already_authorized_goes_on_and_is_judged_by_the_data(self):
        play = Play(cached()).hear(refused("ALREADY_AUTHORIZED", request_id=REQUEST_ID), detail())

        assert play.end.outcome is Outcome.FRESH
        assert play.end.provider_code == ""

    def test_already_authorized_without_a_way_on_is_our_flow(self):
        play = Play(cached()).hear(refused("ALREADY_AUTHORIZED"))

        assert (play.end.outcome, play.end.reason) == (Outcome.OUR_CONFIG, Reason.FLOW)


class TestPolling:
    def test_it_polls_with_the_same_request_id_until_the_data_is_there(self):
        play = Play(cached()).hear(authorized(), pending(), pending(), pending(), detail())

        assert play.calls == ["Authorize", "GetAccountsDetail"] + ["GetAccountsDetailAsync"] * 3
        assert play.asked[-1].method == "GET"
        assert play.asked[-1].path.endswith(f"GetAccountsDetailAsync/{REQUEST_ID}")
        assert {call.pacing for call in play.asked[1:]} == {Pacing.FREE}
        assert play.pauses == [10, 10, 10]
        assert play.end.outcome is Outcome.FRESH

    def test_it_polls_after_a_202_on_authorize_itself(self):
        play = Play(cached()).hear(pending(), detail())

        assert play.calls == ["Authorize", "GetAccountsDetailAsync"]
        assert play.end.outcome is Outcome.FRESH

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(pending(code="OPERATION_DISPATCHED"), id="dispatched"),
            pytest.param(pending(code=None), id="no-code"),
            pytest.param(pending(code="SOMETHING_NEW"), id="unknown-code"),
            pytest.param(pending(request_id=None), id="no-request-id"),
        ],
    )
    def test_any_202_is_pending(self, heard):
        play = Play(cached()).hear(authorized(), heard)

        assert play.calls[-1] == "GetAccountsDetailAsync"
        assert play.step.state["request_id"] == REQUEST_ID

    def test_it_stops_half_an_hour_after_the_first_202(self):
        play = Play(cached(), subject=HELD).hear(authorized(), pending())
        polls = 0
        while isinstance(play.step, Ask) and polls < 1000:
            polls += 1
            play.hear(pending())

        assert polls == 180
        assert play.now - NOON == timedelta(minutes=30)
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.TOO_LONG)
        assert play.end.provider_code == "OPERATION_PENDING"
        assert play.end.data_state is DataState.STALE_USABLE
        assert play.end.nightly is True

    @pytest.mark.parametrize("heard", [NETWORK, HTML_502, HTML_200, Answer(503, {})])
    def test_failures_while_polling_do_not_end_it(self, heard):
        play = Play(cached()).hear(authorized(), pending(), *[heard] * 10, detail())

        assert play.end.outcome is Outcome.FRESH

    def test_a_code_ends_it(self):
        play = Play(cached()).hear(authorized(), pending(), refused("DISABLED_LOGIN"))

        assert play.end.outcome is Outcome.LOGIN_GONE

    def test_a_worker_started_later_goes_on_polling_the_same_request_id(self):
        script = cached()
        play = Play(script).hear(authorized(), pending())

        again = script.resume(SUBJECT, play.states[-1], now=NOON + timedelta(minutes=25))

        assert again.call.path.endswith(REQUEST_ID)


class TestSessions:
    @pytest.mark.parametrize("code", ["SESSION_NONEXISTENT", "SESSION_EXPIRED"])
    @pytest.mark.parametrize("before", [[], [pending()]], ids=["detail", "poll"])
    def test_a_dead_request_id_is_replaced_once(self, code, before):
        play = Play(cached()).hear(
            authorized(),
            *before,
            refused(code, status=400),
            authorized(request_id=NEW_REQUEST_ID),
            detail(request_id=NEW_REQUEST_ID),
        )

        assert play.calls.count("Authorize") == 2
        assert play.asked[-1].body == {"RequestId": NEW_REQUEST_ID}
        assert play.end.outcome is Outcome.FRESH

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            ("SESSION_NONEXISTENT", Outcome.OUR_CONFIG),
            ("SESSION_EXPIRED", Outcome.PROVIDER_FAULT),
        ],
    )
    def test_it_is_not_replaced_twice(self, code, outcome):
        play = Play(cached()).hear(
            authorized(), refused(code), authorized(request_id=NEW_REQUEST_ID), refused(code)
        )

        assert (play.end.outcome, play.end.reason) == (outcome, Reason.SESSION_OVER)
        assert play.end.nightly is True

    @pytest.mark.parametrize("code", ["SESSION_NONEXISTENT", "SESSION_EXPIRED"])
    def test_in_a_cached_check_it_is_last_nights_fault(self, code):
        play = Play(cached()).hear(refused(code))

        assert play.calls == ["Authorize"]
        assert play.end.outcome is Outcome.PROVIDER_FAULT

    @pytest.mark.parametrize(
        ("idle", "endpoint"),
        [
            pytest.param(timedelta(minutes=8), "GetAccountsDetail", id="young-enough"),
            pytest.param(timedelta(minutes=8, seconds=1), "Authorize", id="too-old"),
        ],
    )
    def test_a_request_id_that_lay_idle_is_not_used(self, idle, endpoint):
        script = cached()
        play = Play(script).hear(authorized())

        again = script.resume(SUBJECT, play.step.state, now=NOON + idle)

        assert again.call.endpoint == endpoint

    def test_an_idle_request_id_is_replaced_only_once(self):
        script = cached()
        state = {"step": "detail", "request_id": REQUEST_ID, "used_at": NOON.isoformat()}

        again = script.resume(SUBJECT, state | {"again": True}, now=NOON + timedelta(hours=1))

        assert again.call.endpoint == "GetAccountsDetail"

    def test_polling_is_not_idling(self):
        script = cached()
        play = Play(script).hear(authorized(), pending())

        again = script.resume(SUBJECT, play.states[-1], now=NOON + timedelta(minutes=29))

        assert again.call.endpoint == "GetAccountsDetailAsync"

    def test_the_verdict_survives_a_new_session(self):
        play = Play(cached()).hear(
            refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID),
            refused("SESSION_NONEXISTENT", status=400),
            authorized(request_id=NEW_REQUEST_ID),
            detail(request_id=NEW_REQUEST_ID),
        )

        assert play.end.outcome is Outcome.USER_ACTION


class TestSilence:
    def test_it_asks_again_after_the_policys_waits_and_then_ends(self):
        play = Play(cached(), subject=HELD).hear(NETWORK, NETWORK, NETWORK)

        assert play.calls == ["Authorize"] * 3
        assert play.pauses == [5, 20]
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.NETWORK)
        assert play.end.message == "out of time"
        assert play.end.data_state is DataState.STALE_USABLE

    def test_waits_are_spread(self):
        script = cached()
        begun = script.begin(SUBJECT)

        waiting = script.heard(SUBJECT, begun.state, NETWORK, now=NOON)

        assert isinstance(waiting, Wait)
        assert waiting.spread == timedelta(seconds=5)
        assert "out of time" in waiting.note

    def test_minting_tokens_does_not_reset_the_count(self):
        play = Play(cached(mints_token=True)).hear(
            minted(), NETWORK, minted(), NETWORK, minted(), NETWORK
        )

        assert play.end.reason is Reason.NETWORK

    def test_it_keeps_what_authorize_taught(self):
        play = Play(cached()).hear(authorized(), NETWORK, NETWORK, NETWORK)

        assert play.end.outcome is Outcome.PROVIDER_FAULT
        assert play.end.nightly is True
        assert play.end.last_refresh_at == TONIGHT_AT
        assert play.end.institution == "Maple Bank"
        assert play.end.bank_data is None

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(HTML_200, id="html-with-200"),
            pytest.param(HTML_502, id="html-with-502"),
            pytest.param(Silence("unreadable", "redirected", 307), id="redirect"),
            pytest.param(authorized(RequestId=None), id="no-request-id"),
            pytest.param(authorized(HttpStatusCode=None), id="no-status-code"),
            pytest.param(authorized(RequestId=17), id="request-id-of-wrong-type"),
            pytest.param(authorized(Login=login(login_id=OTHER_LOGIN_ID)), id="another-login"),
            pytest.param(authorized(Login=login(login_id="someone")), id="a-nonsense-login"),
            pytest.param(Answer(200, []), id="a-list"),
            pytest.param(Answer(200, None), id="null"),
            pytest.param(Answer(200, 17), id="a-number"),
            pytest.param(Answer(200, "fine"), id="a-string"),
            pytest.param(Answer(200, {}), id="an-empty-object"),
            pytest.param(replace(authorized(), http_status=500), id="200-inside-a-500"),
            pytest.param(pending(request_id=None), id="pending-without-request-id"),
            pytest.param(
                refused("RETRY_LATER", Login=login(login_id=OTHER_LOGIN_ID)),
                id="another-logins-error",
            ),
        ],
    )
    def test_an_answer_it_cannot_believe_is_never_success(self, heard):
        play = Play(cached()).hear(heard, heard, heard)

        assert play.calls == ["Authorize"] * 3
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.BAD_ANSWER)
        assert play.end.message
        assert play.end.bank_data is None
        assert play.end.nightly is None

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(detail(RequestId=NEW_REQUEST_ID), id="another-request-id"),
            pytest.param(detail(RequestId=None), id="no-request-id"),
            pytest.param(detail(HttpStatusCode=None), id="no-status-code"),
            pytest.param(detail(Login=login(login_id=OTHER_LOGIN_ID)), id="another-login"),
            pytest.param(detail(Accounts=None), id="no-accounts"),
            pytest.param(detail(Accounts="none"), id="accounts-of-wrong-type"),
            pytest.param(HTML_200, id="html"),
        ],
    )
    def test_data_it_cannot_believe_is_not_stored(self, heard):
        play = Play(cached()).hear(authorized(), heard, heard, heard)

        assert play.calls == ["Authorize"] + ["GetAccountsDetail"] * 3
        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.BAD_ANSWER)
        assert play.end.bank_data is None

    def test_a_failure_without_a_code_is_asked_again(self):
        play = Play(cached()).hear(Answer(503, {"Message": "down"}), authorized(), detail())

        assert play.pauses == [5]
        assert play.end.outcome is Outcome.FRESH

    def test_the_bodys_status_leads(self):
        body = {"HttpStatusCode": 401, "FlinksCode": "INVALID_PASSWORD", "RequestId": REQUEST_ID}

        play = Play(cached()).hear(Answer(200, body))

        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.CREDENTIALS)


class TestHoldingUpTheProvider:
    @pytest.mark.parametrize(
        ("heard", "kind", "seconds"),
        [
            pytest.param(refused("TOO_MANY_REQUESTS"), "throttled", 60, id="code"),
            pytest.param(Answer(429, {}), "throttled", 60, id="status"),
            pytest.param(Answer(429, {}, {"retry-after": "7"}), "throttled", 7, id="seconds"),
            pytest.param(Answer(429, {}, {"retry-after": "90000"}), "throttled", 3600, id="cap"),
            pytest.param(Silence("unreadable", "HTML", 429), "throttled", 60, id="html"),
            pytest.param(refused("ACCESS_DENIED"), "keys", 900, id="access-denied"),
            pytest.param(
                refused("UNAUTHORIZED", message="You must provide a valid authorize token"),
                "keys",
                900,
                id="wrong-token",
            ),
            pytest.param(Silence("unreadable", "HTML", 404), "keys", 900, id="wrong-address"),
            pytest.param(Silence("unreadable", "HTML", 403), "keys", 900, id="turned-away"),
        ],
    )
    def test_it_pauses_everybody_and_blames_no_login(self, heard, kind, seconds):
        script = cached()
        begun = script.begin(SUBJECT)

        halt = script.heard(SUBJECT, begun.state, heard, now=NOON)

        assert isinstance(halt, Halt)
        assert (halt.kind, halt.until) == (kind, NOON + timedelta(seconds=seconds))
        assert halt.reason
        assert script.resume(SUBJECT, halt.state, now=halt.until).call == begun.call

    def test_the_reason_holds_the_providers_words(self):
        script = cached(mints_token=True)
        begun = script.begin(SUBJECT)

        halt = script.heard(
            SUBJECT,
            begun.state,
            refused("UNAUTHORIZED", message="You must provide a valid auth key"),
            now=NOON,
        )

        assert halt.reason.endswith("accept our key: You must provide a valid auth key")

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [("TOO_MANY_REQUESTS", Outcome.THROTTLED), ("ACCESS_DENIED", Outcome.OUR_CONFIG)],
    )
    def test_one_login_cannot_hold_it_up_for_ever(self, code, outcome):
        play = Play(cached()).hear(*[refused(code)] * 4)

        assert play.end.outcome is outcome

    def test_it_goes_on_with_the_data_call_after_a_pause(self):
        play = Play(cached()).hear(authorized(), refused("TOO_MANY_REQUESTS"), detail())

        assert play.calls == ["Authorize", "GetAccountsDetail", "GetAccountsDetail"]
        assert play.end.outcome is Outcome.FRESH

    @pytest.mark.parametrize("code", ["CONCURRENT_SESSION", "CARD_IN_USE"])
    def test_a_busy_login_waits_twice_and_then_ends(self, code):
        play = Play(cached()).hear(*[refused(code)] * 3)

        assert play.pauses == [300, 300]
        assert (play.end.outcome, play.end.reason) == (Outcome.THROTTLED, Reason.BUSY)


class TestEscalation:
    @pytest.mark.parametrize(
        ("code", "last", "runs", "outcome", "reason"),
        [
            ("UNAUTHORIZED", "UNAUTHORIZED", 1, Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
            ("UNAUTHORIZED", "UNAUTHORIZED", 2, Outcome.USER_ACTION, Reason.BANK_SITE),
            ("UNAUTHORIZED", "RETRY_LATER", 9, Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
            ("SESSION_EXPIRED", "", 0, Outcome.PROVIDER_FAULT, Reason.SESSION_OVER),
            ("SESSION_EXPIRED", "session_expired", 1, Outcome.USER_ACTION, Reason.MFA),
            ("RETRY_LATER", "RETRY_LATER", 9, Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
        ],
    )
    def test_a_code_that_repeats_becomes_the_customers(self, code, last, runs, outcome, reason):
        subject = Subject(LOGIN_ID, last_code=last, same_code_runs=runs)

        play = Play(cached(), subject=subject).hear(refused(code))

        assert (play.end.outcome, play.end.reason) == (outcome, reason)

    @pytest.mark.parametrize(
        ("worked", "outcome"), [(True, Outcome.USER_ACTION), (False, Outcome.LOGIN_GONE)]
    )
    def test_an_invalid_login_that_worked_before_is_the_customers(self, worked, outcome):
        subject = Subject(LOGIN_ID, worked_before=worked)

        play = Play(cached(), subject=subject).hear(refused("INVALID_LOGIN", status=400))

        assert play.end.outcome is outcome

    def test_an_unknown_code_is_shown_as_it_came(self):
        play = Play(cached()).hear(refused("Brand-New Code", message="what now"))

        assert play.end.outcome is Outcome.UNKNOWN
        assert play.end.provider_code == "Brand-New Code"
        assert play.end.message == "what now"


class TestLiveRefresh:
    def live(self):
        return LiveRefresh(policy=POLICY)

    def test_it_asks_the_bank_and_fetches_the_data(self):
        play = Play(self.live()).hear(authorized(), detail())

        assert play.asked[0].body == {
            "LoginId": LOGIN_ID,
            "MostRecentCached": False,
            "Save": True,
        }
        assert play.asked[0].deadline_s == 240
        assert play.end.outcome is Outcome.FRESH

    def test_a_question_of_the_bank_is_the_customers(self):
        body = {
            "HttpStatusCode": 203,
            "SecurityChallenges": [{"Type": "QuestionAndAnswer", "Prompt": "Which city?"}],
            "RequestId": REQUEST_ID,
        }

        play = Play(self.live()).hear(Answer(203, body))

        assert play.calls == ["Authorize"]
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)

    @pytest.mark.parametrize(
        "before",
        [
            pytest.param([NETWORK], id="silence"),
            pytest.param([authorized(), refused("SESSION_NONEXISTENT")], id="dead-request-id"),
        ],
    )
    def test_it_never_asks_the_bank_twice_by_itself(self, before):
        play = Play(self.live()).hear(*before, authorized(), detail())

        asked_cached = [
            call.body["MostRecentCached"] for call in play.asked if call.endpoint == "Authorize"
        ]
        assert asked_cached == [False, True]
        assert play.end.outcome is Outcome.FRESH

    def test_a_busy_login_is_asked_live_again(self):
        play = Play(self.live()).hear(refused("CONCURRENT_SESSION"))

        assert play.step.call.body["MostRecentCached"] is False

    def test_it_mints_a_token_too(self):
        play = Play(LiveRefresh(policy=POLICY, mints_token=True)).hear(minted())

        assert play.step.call.body["MostRecentCached"] is False
        assert play.step.call.token == TOKEN

    def test_a_wrong_password_is_not_repeated(self):
        play = Play(self.live()).hear(refused("INVALID_PASSWORD"))

        assert play.calls == ["Authorize"]
        assert play.end.outcome is Outcome.USER_ACTION


HIDDEN = refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID)


class TestCheckSchedule:
    def check(self):
        return CheckSchedule(policy=POLICY)

    @pytest.mark.parametrize(
        ("at", "outcome"), [("2026-03-03T05:00:00.1", Outcome.FRESH), (LAST_WEEK, Outcome.STALE)]
    )
    def test_it_learns_the_flag_with_one_call(self, at, outcome):
        play = Play(self.check(), subject=HELD).hear(authorized(Login=login(at=at, nightly=False)))

        assert play.calls == ["Authorize"]
        assert play.end.nightly is False
        assert play.end.outcome is outcome
        assert play.end.last_refresh_at == datetime.fromisoformat(f"{at}+00:00")
        assert play.end.data_state is DataState.STALE_USABLE
        assert play.end.bank_data is None

    def test_a_failed_night_that_opens_no_data_ends_it(self):
        play = Play(self.check()).hear(refused("INVALID_PASSWORD", request_id=REQUEST_ID))

        assert play.calls == ["Authorize"]
        assert play.end.outcome is Outcome.USER_ACTION
        assert play.end.nightly is None

    @pytest.mark.parametrize(
        "heard",
        [
            pytest.param(refused("QUESTION_NOT_FOUND"), id="no-request-id"),
            pytest.param(
                refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID, Login=login(nightly=True)),
                id="flag-shown",
            ),
        ],
    )
    def test_it_asks_no_summary_where_none_is_open_or_needed(self, heard):
        play = Play(self.check()).hear(heard)

        assert play.calls == ["Authorize"]
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)

    @pytest.mark.parametrize("nightly", [True, False])
    def test_a_hidden_flag_is_read_from_the_summary(self, nightly):
        play = Play(self.check(), subject=HELD).hear(
            HIDDEN, summary(Login=login(at=LAST_WEEK, nightly=nightly))
        )

        assert play.calls == ["Authorize", "GetAccountsSummary"]
        assert play.asked[1].body == {"RequestId": REQUEST_ID}
        assert play.asked[1].pacing is Pacing.FREE
        assert play.end.nightly is nightly
        assert play.end.last_refresh_at == datetime.fromisoformat(f"{LAST_WEEK}+00:00")
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.provider_code == "QUESTION_NOT_FOUND"
        assert play.end.data_state is DataState.STALE_USABLE
        assert play.end.bank_data is None

    @pytest.mark.parametrize(
        ("at", "outcome"), [("2026-03-03T05:00:00.1", Outcome.FRESH), (LAST_WEEK, Outcome.STALE)]
    )
    def test_without_a_verdict_the_summary_tells_the_freshness(self, at, outcome):
        heard = refused("ALREADY_AUTHORIZED", request_id=REQUEST_ID)

        play = Play(self.check()).hear(heard, summary(Login=login(at=at, nightly=False)))

        assert (play.end.outcome, play.end.nightly) == (outcome, False)
        assert play.end.bank_data is None

    @pytest.mark.parametrize("heard", UNREADABLE_SUMMARIES)
    def test_a_summary_without_a_flag_leaves_the_verdict(self, heard):
        play = Play(self.check(), subject=HELD).hear(HIDDEN, heard)

        assert play.calls == ["Authorize", "GetAccountsSummary"]
        assert play.pauses == []
        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.provider_code == "QUESTION_NOT_FOUND"
        assert play.end.nightly is None
        assert play.end.bank_data is None

    @pytest.mark.parametrize("heard", UNREADABLE_SUMMARIES)
    def test_a_summary_without_a_flag_is_never_fresh(self, heard):
        play = Play(self.check()).hear(refused("ALREADY_AUTHORIZED", request_id=REQUEST_ID), heard)

        assert play.calls == ["Authorize", "GetAccountsSummary"]
        assert play.end.outcome not in (Outcome.PENDING, Outcome.USER_ACTION)
        assert play.end.nightly is None

    @pytest.mark.parametrize(
        ("idle", "endpoint"),
        [
            pytest.param(timedelta(minutes=8), "GetAccountsSummary", id="young-enough"),
            pytest.param(timedelta(minutes=8, seconds=1), "Authorize", id="too-old"),
        ],
    )
    def test_a_request_id_that_lay_idle_reads_no_summary(self, idle, endpoint):
        play = Play(self.check()).hear(HIDDEN)

        resumed = self.check().resume(SUBJECT, play.step.state, now=NOON + idle)

        assert resumed.call.endpoint == endpoint

    def test_pending_is_polled_and_the_data_is_not_kept(self):
        play = Play(self.check()).hear(pending(), detail())

        assert play.end.nightly is True
        assert play.end.bank_data is None
