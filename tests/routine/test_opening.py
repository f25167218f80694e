"""Opening runs: one daily run a day, nobody asked twice, a person's order first."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Login, LoginStatus
from refreshops.routine.models import RANK_PERSON, Attempt, Run
from refreshops.routine.opening import NothingToDo, open_daily
from tests.builders import ScriptedProvider, make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db


def test_the_daily_run_holds_every_active_login_and_no_other(open_today):
    wanted = make_logins(2)
    make_login(status=LoginStatus.INACTIVE)

    run = open_today()

    assert run.planned == 2
    assert set(run.attempts.values_list("login_id", flat=True)) == {row.pk for row in wanted}


def test_a_second_opening_joins_the_first(open_today):
    make_login()

    assert open_today() == open_today()
    assert Run.objects.count() == 1


def test_the_report_call_is_an_attempt_without_a_login_and_is_not_planned(open_today):
    make_login()

    run = open_today(opening=True)

    assert run.planned == 1
    assert run.attempts.filter(login__isnull=True).count() == 1


def test_yesterdays_unfinished_run_is_closed_as_such(open_today, clock):
    make_logins(3)
    yesterday = open_today()
    clock.move(days=1)

    today = open_today()

    yesterday.refresh_from_db()
    assert (yesterday.state, today.state) == ("closed", "open")
    assert "3 logins were not asked" in yesterday.state_reason
    assert yesterday.totals["cancelled"] == 3
    assert today.planned == 3


def test_a_login_that_waits_already_is_brought_forward_not_doubled(open_today, order):
    first, second = make_logins(2)
    daily = open_today()

    opened = order(logins=Login.objects.filter(pk=second.pk))

    assert (opened.planned, opened.brought_forward) == (0, 1)
    assert opened.run.state == "closed"
    assert "go first now" in opened.run.state_reason
    assert Attempt.objects.filter(run=daily, login=second).get().rank == RANK_PERSON


def test_a_persons_order_goes_before_the_daily_run(open_today, order, make_desk):
    make_logins(3, institution="A")
    open_today()
    urgent = make_login(institution="Z")
    order(logins=Login.objects.filter(pk=urgent.pk))
    provider = ScriptedProvider()

    drain(make_desk(provider, limit=1))

    assert [login for step, login in provider.asked if step == "authorize"] == [urgent.login_id]


def test_an_order_over_nothing_is_refused_and_leaves_nothing(order):
    with pytest.raises(NothingToDo):
        order(logins=Login.objects.none())
    assert not Run.objects.exists()


def test_the_forecast_counts_whole_windows(open_today):
    provider = make_provider()
    provider.logins_per_minute = 10
    provider.save()
    make_logins(31)

    run = open_today()

    assert run.forecast_seconds == 180


def test_a_daily_run_skips_a_login_that_a_person_is_already_refreshing(open_today, order):
    make_logins(2)
    order()

    run = open_today()

    assert (run.planned, run.brought_forward) == (0, 2)


def test_a_retry_of_a_day_keeps_the_unique_daily_run(clock, open_today):
    run = open_today()

    again, opened = open_daily(
        provider=make_provider(),
        local_date=clock().date(),
        now=clock() + timedelta(hours=3),
        window=WINDOW,
    )

    assert (again, opened) == (run, False)
