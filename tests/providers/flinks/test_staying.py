"""When a login drops out of the nightly refresh: seven days, or at once by its error."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from refreshops.providers.flinks.codes import CODE_TABLE
from refreshops.providers.flinks.conversations import (
    CachedRefresh,
    CheckSchedule,
    Forget,
    LiveRefresh,
    SwitchSchedule,
)
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.staying import STAYS_FOR
from refreshops.rules.outcomes import Outcome
from tests.providers.flinks.spoken import (
    IN_THE_FUTURE,
    LAST_WEEK,
    LOGIN_ID,
    LONG_AGO,
    NETWORK,
    NEVER,
    NOON,
    POLICY,
    REQUEST_ID,
    SUBJECT,
    TONIGHT_AT,
    Play,
    authorized,
    detail,
    login,
    pending,
    refused,
)

ON_THE_LIST = (
    "RETRY_LATER",
    "AGGREGATION_ERROR",
    "SESSION_EXPIRED",
    "DISABLED_INSTITUTION",
    "UNAUTHORIZED",
    "SESSION_NONEXISTENT",
    "BANK_MAINTENANCE_RETRY_LATER",
)
OFF_THE_LIST = (
    "QUESTION_NOT_FOUND",
    "INVALID_PASSWORD",
    "INVALID_USERNAME",
    "DISABLED_LOGIN",
    "NEW_ACCOUNT",
    "INVALID_SECURITY_RESPONSE",
    "WHAT_IS_THIS",
)
FIVE_DAYS_AGO = NOON - timedelta(days=5)
KNOWN = replace(SUBJECT, last_refresh_at=FIVE_DAYS_AGO, last_asked_at=NOON - timedelta(days=6))
ACCEPTED = f"LoginId {LOGIN_ID} has now been activated for automatic refresh"


def check(heard, *, subject=KNOWN):
    return Play(CheckSchedule(policy=POLICY), subject=subject).hear(heard).end


def at(text):
    return datetime.fromisoformat(f"{text[:26]}+00:00")


@pytest.mark.parametrize(
    ("last_refresh", "moment"),
    [
        pytest.param("2026-03-03T05:36:07.6121953", TONIGHT_AT + STAYS_FOR, id="tonight"),
        pytest.param(LAST_WEEK, at(LAST_WEEK) + STAYS_FOR, id="days-ago"),
        pytest.param(LONG_AGO, at(LONG_AGO) + STAYS_FOR, id="long-out"),
        pytest.param("2026-03-03T12:02:00", NOON + STAYS_FOR, id="clock-a-little-ahead"),
        pytest.param(NEVER, NOON, id="never-refreshed"),
        pytest.param(IN_THE_FUTURE, FIVE_DAYS_AGO + STAYS_FOR, id="future-is-not-believed"),
        pytest.param("soon", FIVE_DAYS_AGO + STAYS_FOR, id="garbage"),
        pytest.param(None, FIVE_DAYS_AGO + STAYS_FOR, id="not-said"),
    ],
)
def test_a_good_answer_gives_seven_days_from_the_last_refresh(last_refresh, moment):
    said = check(authorized(Login=login(at=last_refresh)))

    assert said.drops_out_at == moment


def test_without_any_known_refresh_nothing_is_learned():
    assert check(authorized(Login=login(at=None)), subject=SUBJECT).drops_out_at is None


@pytest.mark.parametrize("code", ON_THE_LIST)
def test_an_error_on_flinkss_list_lets_the_clock_run(code):
    assert check(refused(code)).drops_out_at == FIVE_DAYS_AGO + STAYS_FOR


@pytest.mark.parametrize(
    "spelling", ["BANK MAINTENANCE_RETRY_LATER", "BANK_MAINTENENACE_RETRY_LATER"]
)
def test_its_spellings_are_on_the_list_too(spelling):
    assert check(refused(spelling)).drops_out_at == FIVE_DAYS_AGO + STAYS_FOR


@pytest.mark.parametrize("code", OFF_THE_LIST)
def test_any_other_error_of_a_login_drops_it_out_at_once(code):
    assert check(refused(code)).drops_out_at == NOON


def test_one_that_was_out_already_keeps_its_moment():
    subject = replace(KNOWN, last_refresh_at=NOON - timedelta(days=20))

    assert check(refused("INVALID_PASSWORD"), subject=subject).drops_out_at == NOON - timedelta(13)


def test_the_list_in_the_code_table_is_flinkss():
    at_authorize = [row for row in CODE_TABLE if not row.calls or CallKind.CACHED in row.calls]

    assert {row.code for row in at_authorize if row.stays_nightly} == set(ON_THE_LIST)


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param([NETWORK] * 3, id="network"),
        pytest.param([refused("", status=500)] * 3, id="gateway"),
        pytest.param([refused("CONCURRENT_SESSION")] * 3, id="busy"),
        pytest.param([refused("TOO_MANY_REQUESTS")] * 4, id="too-fast"),
        pytest.param([refused("ACCESS_DENIED")] * 4, id="our-keys"),
        pytest.param([refused("INVALID_REQUEST", status=400)], id="our-request"),
        pytest.param(
            [refused("INVALID_LOGIN", status=400, message="LoginId does not belong")],
            id="unknown-login",
        ),
        pytest.param([refused("", status=418)], id="a-status-nobody-explains"),
    ],
)
def test_what_is_no_word_about_the_login_teaches_nothing(heard):
    play = Play(CheckSchedule(policy=POLICY), subject=KNOWN).hear(*heard)

    assert play.end.drops_out_at is None


class TestTheDataCalls:
    def test_the_last_refresh_of_the_data_counts(self):
        play = Play(CachedRefresh(policy=POLICY), subject=KNOWN)

        play.hear(authorized(Login=None), detail(Login=login(at=LAST_WEEK)))

        assert play.end.drops_out_at == at(LAST_WEEK) + STAYS_FOR

    def test_good_data_does_not_take_the_authorizes_error_back(self):
        play = Play(CachedRefresh(policy=POLICY), subject=KNOWN)

        play.hear(refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID), detail())

        assert play.end.outcome is Outcome.USER_ACTION
        assert play.end.drops_out_at == NOON

    def test_a_failed_data_call_does_not_take_the_authorizes_word_back(self):
        play = Play(CachedRefresh(policy=POLICY), subject=KNOWN)

        play.hear(authorized(), refused("INVALID_REQUEST", status=400))

        assert play.end.outcome is Outcome.OUR_CONFIG
        assert play.end.drops_out_at == TONIGHT_AT + STAYS_FOR

    def test_after_a_wait_the_cached_call_counts_from_its_own_time(self):
        play = Play(CachedRefresh(policy=POLICY), subject=KNOWN)

        play.hear(authorized(), pending(), *[pending()] * 5)
        play.hear(detail(Login=login(at="2026-03-03T12:00:30")))

        assert play.now > NOON
        assert play.end.drops_out_at == NOON + STAYS_FOR

    def test_one_still_in_work_at_first_is_judged_by_its_data(self):
        play = Play(CachedRefresh(policy=POLICY), subject=KNOWN)

        play.hear(pending(), detail(Login=login(at=LAST_WEEK)))

        assert play.end.drops_out_at == at(LAST_WEEK) + STAYS_FOR


class TestALiveRefresh:
    def test_it_is_no_cached_call(self):
        play = Play(LiveRefresh(policy=POLICY), subject=KNOWN).hear(authorized(), detail())

        assert play.end.drops_out_at == KNOWN.last_asked_at + STAYS_FOR

    def test_a_challenge_drops_it_out(self):
        challenge = refused("", status=203)

        play = Play(LiveRefresh(policy=POLICY), subject=KNOWN).hear(challenge)

        assert play.end.drops_out_at == NOON


class TestOrders:
    def test_the_read_back_of_a_switch_starts_the_clock(self):
        play = Play(SwitchSchedule(on=True, policy=POLICY), subject=SUBJECT)

        play.hear(replace(authorized(), body=ACCEPTED), authorized())

        assert play.end.verified
        assert play.end.drops_out_at == TONIGHT_AT + STAYS_FOR

    def test_a_refused_order_teaches_nothing(self):
        play = Play(SwitchSchedule(on=True, policy=POLICY), subject=KNOWN)

        play.hear(refused("DISABLED_INSTITUTION", status=405))

        assert play.end.drops_out_at is None

    def test_a_deletion_teaches_nothing(self):
        play = Play(Forget(policy=POLICY), subject=KNOWN)

        play.hear(refused("", status=200))

        assert play.end.drops_out_at is None


def test_a_state_written_before_the_clock_was_known_is_read():
    script = CachedRefresh(policy=POLICY)
    learned = {"nightly": True, "last_refresh": "", "institution": "Maple Bank"}
    state = {
        "step": "detail",
        "request_id": REQUEST_ID,
        "used_at": NOON.isoformat(),
        "learned": learned,
    }

    said = script.heard(KNOWN, state, detail(), now=NOON)

    assert said.result.outcome is Outcome.FRESH
    assert said.result.drops_out_at == KNOWN.last_asked_at + STAYS_FOR
