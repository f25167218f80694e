"""The queue's edge: what the schedules start, once and never more often."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django_q.models import OrmQ

from refreshops import wiring
from refreshops.logins.models import Login
from refreshops.routine import schedules, seats, services, tasks
from refreshops.routine.models import Attempt, Run
from tests.builders import make_login, make_logins, make_provider

pytestmark = pytest.mark.django_db

# 10:29 and 10:31 in Toronto, in winter.
BEFORE = datetime(2026, 11, 20, 15, 29, tzinfo=UTC)
AFTER = datetime(2026, 11, 20, 15, 31, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _machine_clock(monkeypatch):
    """The clock that the tests can set: a real PostgreSQL keeps its own."""
    monkeypatch.setattr(wiring, "clock", lambda: datetime.now(UTC))
    schedules.ensure_schedules(wiring.provider_names())


def queued() -> list[str]:
    """Return the names of the functions that wait in the queue."""
    return [row.func().rpartition(".")[2] for row in OrmQ.objects.order_by("pk")]


class TestHeartbeat:
    def test_before_the_daily_time_nothing_is_opened(self):
        make_login()

        with time_machine.travel(BEFORE, tick=False):
            tasks.heartbeat()

        assert not Run.objects.exists()

    def test_a_missed_run_is_opened_once_and_late(self):
        make_logins(3)

        with time_machine.travel(AFTER + timedelta(hours=3), tick=False):
            tasks.heartbeat()
            tasks.heartbeat()

        run = Run.objects.get()
        assert (run.planned, run.local_date.isoformat()) == (3, "2026-11-20")

    def test_after_a_week_without_a_worker_only_today_is_opened(self):
        make_login()
        with time_machine.travel(AFTER - timedelta(days=7), tick=False):
            tasks.heartbeat()

        with time_machine.travel(AFTER, tick=False):
            tasks.heartbeat()

        states = dict(Run.objects.values_list("local_date", "state"))
        assert {day.isoformat(): state for day, state in states.items()} == {
            "2026-11-13": "closed",
            "2026-11-20": "open",
        }

    def test_a_daily_run_that_is_switched_off_stays_off(self):
        make_login()
        schedules.set_daily_time(None, provider="flinks")

        with time_machine.travel(AFTER, tick=False):
            tasks.heartbeat()

        assert not Run.objects.exists()

    def test_an_earlier_time_set_by_staff_is_obeyed(self):
        make_login()
        schedules.set_daily_time(time(9, 15), provider="flinks")

        with time_machine.travel(BEFORE, tick=False):
            tasks.heartbeat()

        assert Run.objects.count() == 1

    def test_what_a_dead_worker_left_is_taken_back(self):
        make_login()
        with time_machine.travel(AFTER, tick=False):
            tasks.heartbeat()
            Attempt.objects.update(
                state="calling", lease_until=AFTER - timedelta(seconds=1), lease_token="dead"
            )

            tasks.heartbeat()

        assert Attempt.objects.get().state == "due"

    def test_open_work_is_driven_by_no_more_tasks_than_there_are_seats(self):
        make_login()
        with time_machine.travel(AFTER, tick=False):
            tasks.open_today()
            OrmQ.objects.all().delete()

            tasks.heartbeat()

        assert queued() == ["drive"] * wiring.driving_seats()

    def test_taken_seats_are_not_offered_again(self):
        make_login()
        with time_machine.travel(AFTER, tick=False):
            tasks.open_today()
            OrmQ.objects.all().delete()
            for _ in range(wiring.driving_seats()):
                seats.sit_down(
                    "drive:flinks",
                    seats=wiring.driving_seats(),
                    now=AFTER,
                    lease=timedelta(minutes=1),
                )

            tasks.heartbeat()

        assert queued() == []

    def test_with_nothing_to_do_nothing_is_queued(self):
        with time_machine.travel(BEFORE, tick=False):
            tasks.heartbeat()

        assert queued() == []


class TestDrive:
    def test_a_second_driver_finds_no_seat(self):
        make_provider()
        now = wiring.clock()
        for _ in range(wiring.driving_seats()):
            seats.sit_down(
                "drive:flinks",
                seats=wiring.driving_seats(),
                now=now,
                lease=timedelta(minutes=1),
            )

        assert tasks.drive("flinks") == "enough are driving"

    @pytest.mark.django_db(transaction=True)
    def test_a_slice_ends_when_nothing_is_left_and_frees_its_seat(self):
        schedules.ensure_schedules(wiring.provider_names())

        said = tasks.drive("flinks")

        assert said == "0 calls, nothing left"
        assert seats.free_seats("drive:flinks", seats=1, now=wiring.clock()) == 1


class TestSeats:
    NOW = AFTER
    LEASE = timedelta(seconds=15)

    def sit(self, *, later=timedelta(0), count=1):
        return seats.sit_down("x", seats=count, now=self.NOW + later, lease=self.LEASE)

    def test_a_seat_is_taken_once(self):
        assert self.sit() is not None
        assert self.sit() is None

    def test_a_seat_whose_lease_ran_out_is_taken_over_and_its_holder_notices(self):
        first = self.sit()

        second = self.sit(later=timedelta(seconds=16))

        assert second is not None
        assert not seats.keep(first, now=self.NOW, lease=self.LEASE)
        assert seats.keep(second, now=self.NOW, lease=self.LEASE)

    def test_a_seat_that_was_left_is_free(self):
        seats.leave(self.sit())

        assert self.sit() is not None


def test_a_ping_shows_that_the_worker_is_alive():
    tasks.ping()

    seen_at = seats.last_beat(seats.WORKER)
    assert seen_at is not None
    assert wiring.clock() - seen_at < timedelta(seconds=10)


def test_a_nudge_waits_for_the_commit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as waiting:
        tasks.nudge("flinks")

    assert queued() == []
    assert len(waiting) == 1
    waiting[0]()
    assert queued() == ["drive"]


@pytest.mark.parametrize("task", [tasks.ping, tasks.heartbeat])
def test_an_order_whose_date_has_come_begins_and_is_driven_without_anybody_looking(task):
    make_login()
    (opened,) = services.switch(
        logins=Login.objects.all(),
        on=False,
        by=None,
        reason="The customer left",
        now=BEFORE,
        local_date=BEFORE.date(),
        window=timedelta(seconds=60),
        starts_at=BEFORE + timedelta(hours=20),
    )
    with time_machine.travel(BEFORE + timedelta(hours=19), tick=False):
        task()
    assert Run.objects.get(pk=opened.run.pk).state == "waiting"
    OrmQ.objects.all().delete()

    with time_machine.travel(BEFORE + timedelta(hours=20, seconds=30), tick=False):
        task()

    assert Run.objects.get(pk=opened.run.pk).state == "open"
    assert "drive" in queued()
