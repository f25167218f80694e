"""Whom a live refresh may be ordered for: rows of (what happened, may it be tried now)."""

from datetime import timedelta

import pytest

from refreshops.logins import cases
from refreshops.logins.models import Login, ReconnectCase
from refreshops.routine import live_limits, services
from refreshops.routine.models import Attempt, Run
from refreshops.routine.retrying import logins_to_retry, retry_plan
from refreshops.rules.lifecycle import Purpose
from tests.builders import NOON, make_login, make_provider
from tests.routine.conftest import WINDOW

pytestmark = pytest.mark.django_db

LIVE, CLICK = Purpose.LIVE_REFRESH, Purpose.RECONNECT


def tried(login, purpose, outcome, *, hours, reason=""):
    """An attempt that ended so many hours ago."""
    at = NOON - timedelta(hours=hours)
    run = Run.objects.create(
        provider=make_provider(),
        purpose=purpose.value,
        origin="person",
        local_date=at.date(),
        opened_at=at,
    )
    return Attempt.objects.create(
        run=run,
        login=login,
        purpose=purpose.value,
        state="done",
        outcome=outcome,
        outcome_reason=reason,
        not_before=at,
        finished_at=at,
    )


def is_allowed(login):
    return live_limits.allowed(Login.objects.filter(pk=login.pk), now=NOON).exists()


DOWN, FAULT = "institution_unavailable", "provider_fault"


@pytest.mark.parametrize(
    ("history", "allowed"),
    [
        pytest.param([], True, id="never-tried"),
        pytest.param([(LIVE, DOWN, 1)], True, id="once-today"),
        pytest.param([(LIVE, DOWN, 1), (LIVE, DOWN, 23)], False, id="twice-today"),
        pytest.param([(LIVE, DOWN, 1), (LIVE, FAULT, 2)], False, id="the-provider-s-fault-counts"),
        pytest.param([(LIVE, DOWN, 1), (CLICK, DOWN, 2)], False, id="a-click-counts"),
        pytest.param([(CLICK, FAULT, 1), (CLICK, DOWN, 2)], False, id="two-clicks"),
        pytest.param([(LIVE, DOWN, 1), (LIVE, DOWN, 25)], True, id="one-of-them-yesterday"),
        pytest.param([(LIVE, DOWN, 1), (LIVE, DOWN, 24)], True, id="a-day-ago-to-the-hour"),
        pytest.param([(LIVE, "fresh", 1), (LIVE, DOWN, 2)], True, id="one-went-well"),
        pytest.param([(LIVE, "throttled", 1), (LIVE, "throttled", 2)], True, id="not-the-bank"),
        pytest.param(
            [(Purpose.REFRESH, DOWN, 1), (Purpose.REFRESH, DOWN, 2)], True, id="cached-asks-no-bank"
        ),
    ],
)
def test_two_failures_of_a_bank_in_a_day_are_enough(history, allowed):
    login, other = make_login(), make_login()
    for purpose, outcome, hours in history:
        tried(login, purpose, outcome, hours=hours)

    assert is_allowed(login) is allowed
    assert is_allowed(other)


@pytest.mark.parametrize(
    ("outcome", "reason", "allowed"),
    [
        pytest.param("user_action", "credentials", False, id="refused-credentials"),
        pytest.param("user_action", "mfa", True, id="a-code"),
        pytest.param("institution_unavailable", "", True, id="bank-down"),
        pytest.param("", "", True, id="never-asked"),
    ],
)
def test_a_login_whose_last_answer_refused_the_credentials_is_not_tried(outcome, reason, allowed):
    login = make_login(outcome=outcome, outcome_reason=reason)

    assert is_allowed(login) is allowed


@pytest.mark.parametrize(
    ("reason", "closed_at", "allowed"),
    [
        pytest.param("credentials", None, False, id="open-for-credentials"),
        pytest.param("credentials", NOON, True, id="closed"),
        pytest.param("mfa", None, True, id="open-for-a-code"),
    ],
)
def test_an_open_case_for_credentials_bars_whatever_was_heard_since(reason, closed_at, allowed):
    login = make_login(outcome=DOWN)
    ReconnectCase.objects.create(
        login=login,
        reason=reason,
        opened_at=NOON - timedelta(days=3),
        closed_at=closed_at,
        closed_as="fresh" if closed_at else "",
    )

    assert is_allowed(login) is allowed


# --- When the order is given ---


def order(logins):
    return services.open_run(
        provider=make_provider(),
        purpose=LIVE,
        logins=logins,
        by=None,
        reason="A balance of today",
        now=NOON,
        local_date=NOON.date(),
        window=WINDOW,
    )


def test_an_order_leaves_out_whom_it_may_not_try_though_the_page_said_otherwise():
    well, tired, locked = make_login(), make_login(), make_login()
    for hours in (1, 2):
        tried(tired, LIVE, DOWN, hours=hours)
    cases.heard(
        locked,
        outcome="user_action",
        reason="credentials",
        provider_code="INVALID_PASSWORD",
        attempt_id=None,
        now=NOON,
    )

    opened = order(Login.objects.filter(pk__in=[well.pk, tired.pk, locked.pk]))

    assert list(opened.run.attempts.values_list("login_id", flat=True)) == [well.pk]


def test_a_failure_that_ends_while_the_order_is_given_counts(monkeypatch):
    login = make_login()
    tried(login, LIVE, DOWN, hours=1)

    def hold(keys):
        # Whoever held the login until now wrote down how it ended.
        tried(login, LIVE, DOWN, hours=0)

    monkeypatch.setattr("refreshops.routine.marking.hold", hold)

    with pytest.raises(services.NothingToDo):
        order(Login.objects.filter(pk=login.pk))


def test_a_cached_refresh_knows_no_such_limit():
    login = make_login(outcome="user_action", outcome_reason="credentials")
    run = services.open_run(
        provider=make_provider(),
        purpose=Purpose.REFRESH,
        logins=Login.objects.all(),
        by=None,
        reason="",
        now=NOON,
        local_date=NOON.date(),
        window=WINDOW,
    ).run

    assert list(run.attempts.values_list("login_id", flat=True)) == [login.pk]


# --- Retry failed only ---


def retried(run):
    return services.retry_failed(run, by=None, now=NOON, local_date=NOON.date(), window=WINDOW)


def test_a_retry_tries_nobody_a_third_time_and_says_how_many():
    once, twice = make_login(), make_login()
    run = tried(once, LIVE, DOWN, hours=1).run
    tried(twice, LIVE, DOWN, hours=5)
    Attempt.objects.filter(run__opened_at=NOON - timedelta(hours=5)).update(finished_at=NOON)
    Attempt.objects.create(
        run=run,
        login=twice,
        purpose=LIVE.value,
        state="done",
        outcome=DOWN,
        not_before=NOON,
        finished_at=NOON,
    )

    plan = retry_plan(run, Attempt.objects.all(), now=NOON)
    opened = retried(run)

    assert (plan.again.total(), plan.not_live) == (1, 1)
    assert list(opened.run.attempts.values_list("login_id", flat=True)) == [once.pk]


def test_a_retry_of_a_cached_run_goes_by_its_own_rules():
    login = make_login()
    run = tried(login, Purpose.REFRESH, DOWN, hours=9).run
    for hours in (1, 2):
        tried(login, LIVE, DOWN, hours=hours)

    assert list(logins_to_retry(run, now=NOON)) == [login]


@pytest.mark.parametrize("purpose", [CLICK, Purpose.CONNECT], ids=["reconnect", "connect"])
def test_what_a_customer_set_going_is_retried_by_nobody_else(purpose):
    run = tried(make_login(), purpose, DOWN, hours=1).run

    assert not logins_to_retry(run, now=NOON).exists()
    assert retry_plan(run, Attempt.objects.all(), now=NOON).again.total() == 0
    with pytest.raises(services.NothingToDo):
        retried(run)
