"""Where a run stands: numbers that add up, an ETA that is legal, and one sentence why it waits."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Login
from refreshops.routine import services
from refreshops.routine.models import Attempt, Run, Slot
from refreshops.routine.paces import paces
from refreshops.routine.progress import progress_of
from refreshops.routine.tallies import tallies
from refreshops.rules.lifecycle import Purpose
from tests.builders import NOON, ScriptedProvider, make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db


def look(run, clock):
    run.refresh_from_db()
    return progress_of(run, now=clock(), window=WINDOW)


def test_the_numbers_add_up_to_the_plan(make_desk, open_today, clock):
    make_logins(5)
    run = open_today()

    drain(make_desk(limit=2))

    found = look(run, clock)
    assert (found.planned, found.done, found.due, found.calling, found.cancelled) == (5, 2, 3, 0, 0)
    assert (found.percent, found.outcomes, found.calls) == (40, {"fresh": 2}, 4)
    assert (found.slots_used, found.limit) == (2, 2)


def test_the_eta_counts_the_windows_that_are_left(make_desk, open_today, clock):
    make_logins(5)
    run = open_today()

    drain(make_desk(limit=2))

    found = look(run, clock)
    assert found.eta_at == clock() + 2 * WINDOW
    assert found.waits_because == "All 2 slots of this minute are used."


def test_a_limit_of_one_is_said_in_the_singular(make_desk, open_today, clock):
    make_logins(2)
    run = open_today()

    drain(make_desk(limit=1))

    assert look(run, clock).waits_because == "The one slot of this minute is used."


def test_a_persons_order_is_counted_before_the_daily_run(make_desk, open_today, clock):
    make_logins(4, institution="A")
    daily = open_today()
    make_logins(2, institution="Z")
    services.open_run(
        provider=make_provider(),
        purpose=Purpose.REFRESH,
        logins=Login.objects.filter(institution="Z"),
        by=None,
        reason="now",
        now=clock(),
        local_date=clock().date(),
        window=WINDOW,
    )
    make_desk(limit=2)

    assert look(daily, clock).eta_at == clock() + 2 * WINDOW
    assert look(Run.objects.latest("pk"), clock).eta_at == clock()


def test_a_paused_provider_is_the_reason_and_there_is_no_eta(open_today, clock):
    make_logins(2)
    run = open_today()
    services.pause_provider(make_provider(), by=None, why="maintenance until noon", now=clock())

    found = look(run, clock)

    assert found.eta_at is None
    assert "maintenance until noon" in found.waits_because


def test_a_poll_is_what_is_waited_for(make_desk, open_today, clock):
    make_login()
    run = open_today()

    drain(make_desk(ScriptedProvider(lambda call: {"then": "wait", "seconds": 10, "step": "poll"})))

    found = look(run, clock)
    assert found.waits_because.startswith("The provider; next at ")
    assert found.eta_at == clock() + timedelta(seconds=10)


def test_a_closed_run_is_read_from_its_own_totals(make_desk, open_today, clock):
    make_logins(2)
    run = open_today()
    desk = make_desk()
    drain(desk)
    from refreshops.routine import engine

    engine.tend(desk)
    Attempt.objects.all().delete()

    found = look(run, clock)

    assert (found.state, found.done, found.percent) == ("closed", 2, 100)
    assert found.outcomes == {"fresh": 2}
    assert found.waits_because == ""


def test_without_a_worker_the_run_says_so(open_today, make_desk, clock):
    make_logins(2)
    run = open_today()
    make_desk()

    assert look(run, clock).waits_because == "Waiting for a worker."
    assert Slot.objects.count() == 20


def test_an_order_takes_a_place_for_the_switch_and_one_for_the_read_back(order, make_desk, clock):
    make_logins(6)
    run = order(purpose=Purpose.SWITCH_OFF, logins=Login.objects.all()).run
    make_desk(limit=2)
    before = look(run, clock).lasts

    first = Attempt.objects.filter(run=run)[:3]
    Attempt.objects.filter(pk__in=[row.pk for row in first]).update(conversation={"step": "read"})

    assert before == 5 * WINDOW
    assert look(run, clock).lasts == 4 * WINDOW


def test_a_cancelled_run_is_not_whole_although_nothing_is_left(make_desk, open_today, clock):
    make_logins(4)
    run = open_today()
    drain(make_desk(limit=1))

    services.cancel_run(run, by=None, why="Wrong list", now=clock())

    found = look(run, clock)
    assert (found.done, found.cancelled, found.percent) == (1, 3, 25)


def test_the_numbers_of_many_runs_are_one_question(
    open_today, order, django_assert_max_num_queries
):
    make_logins(1)
    make_logins(2, institution="Z")
    chosen = Login.objects.filter(institution="Z")
    runs = [open_today(), order(logins=chosen, purpose=Purpose.CHECK_SCHEDULE).run]

    with django_assert_max_num_queries(1):
        counted = tallies(Attempt.objects.all(), [run.pk for run in runs])
    with django_assert_max_num_queries(1):
        found = paces(runs, attempts=Attempt.objects.all(), now=NOON)

    assert [counted[run.pk].due for run in runs] == [3, 2]
    assert [found[run.pk].ahead for run in runs] == [2, 0]
