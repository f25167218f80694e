"""Where a run stands: numbers that add up, an ETA that is legal, and one sentence why it waits."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Login
from refreshops.routine import services
from refreshops.routine.models import Attempt, Run, Slot
from refreshops.routine.progress import progress_of
from refreshops.rules.lifecycle import Purpose
from tests.builders import ScriptedProvider, make_login, make_logins, make_provider
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
    assert found.waits_because == "All 2 places of this minute are used."


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
    assert found.waits_because.startswith("Waiting for the provider, next at ")
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
