"""The queue's edge: what the schedules start, once and never more often."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django_q.models import OrmQ, Schedule

from refreshops import wiring
from refreshops.logins.models import Login, Provider
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


def queued_with_arguments() -> list[tuple[str, tuple]]:
    """Return the same with what they are told."""
    rows = [row.task for row in OrmQ.objects.order_by("pk")]
    return [(row["func"].rpartition(".")[2], tuple(row["args"])) for row in rows]


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


class TestTwoProviders:
    """What happens at one provider is nothing to the other."""

    @pytest.fixture(autouse=True)
    def _two(self):
        self.flinks, self.flanks = make_provider(), Provider.objects.create(name="flanks")
        make_login()
        make_login(provider=self.flanks)

    def opened(self):
        return set(Run.objects.values_list("provider__name", flat=True))

    def test_each_run_is_opened_by_its_own_schedule(self):
        with time_machine.travel(AFTER, tick=False):
            tasks.open_today("flanks")

        assert self.opened() == {"flanks"}

    def test_a_task_queued_by_an_older_version_opens_all(self):
        with time_machine.travel(AFTER, tick=False):
            tasks.open_today()

        assert self.opened() == {"flinks", "flanks"}

    def test_a_schedule_of_a_provider_no_longer_used_does_nothing(self, settings):
        settings.FLANKS_API_URL = ""

        assert tasks.open_today("flanks") == "flanks is not used any more"
        assert not Run.objects.exists()

    def test_a_missed_run_is_opened_by_its_own_time(self):
        schedules.set_daily_time(time(15), provider="flanks")

        with time_machine.travel(AFTER, tick=False):
            tasks.heartbeat()
        early = self.opened()
        with time_machine.travel(AFTER + timedelta(hours=5), tick=False):
            tasks.heartbeat()

        assert early == {"flinks"}
        assert self.opened() == {"flinks", "flanks"}

    def test_one_that_came_with_new_settings_gets_its_daily_run_by_itself(self):
        schedules.set_daily_time(time(9), provider="flinks")
        Schedule.objects.filter(name="daily run flanks").delete()

        with time_machine.travel(BEFORE, tick=False):
            tasks.heartbeat()

        assert schedules.daily_time("flinks") == time(9)
        assert schedules.daily_time("flanks") == schedules.DEFAULT_DAILY_TIME

    def test_one_that_is_switched_off_keeps_the_other_no_longer(self):
        schedules.set_daily_time(None, provider="flinks")

        with time_machine.travel(AFTER, tick=False):
            tasks.heartbeat()

        assert self.opened() == {"flanks"}

    @pytest.mark.parametrize("broken", ["flinks", "flanks"])
    @pytest.mark.parametrize("task", [tasks.open_today, tasks.heartbeat, tasks.ping])
    def test_what_breaks_at_one_keeps_the_other_from_nothing(
        self, task, broken, monkeypatch, caplog
    ):
        whole = wiring.provider

        def provider(name):
            if name == broken:
                raise RuntimeError("keys of no use")
            return whole(name)

        with time_machine.travel(AFTER, tick=False):
            tasks.open_today()
            OrmQ.objects.all().delete()
            if task is not tasks.ping:
                Run.objects.all().delete()
            monkeypatch.setattr(wiring, "provider", provider)
            task()

        (other,) = {"flinks", "flanks"} - {broken}
        assert other in self.opened()
        if task is not tasks.open_today:
            assert {args for _, args in queued_with_arguments()} == {(other,)}
        assert f"{broken}: its turn broke off" in caplog.text

    def test_every_minute_another_one_is_first(self, monkeypatch):
        seen = []
        monkeypatch.setattr(wiring, "provider", lambda name: seen.append(name))

        with time_machine.travel(AFTER, tick=False) as clock:
            for _ in range(2):
                tasks.ping()
                clock.shift(timedelta(minutes=1))

        assert seen in (
            ["flinks", "flanks", "flanks", "flinks"],
            ["flanks", "flinks", "flinks", "flanks"],
        )

    def test_with_three_workers_each_has_a_seat_and_none_takes_all_places(self, settings):
        settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 3}

        assert (wiring.driving_seats(), wiring.driving_places()) == (1, 2)

    def test_who_still_waits_for_calls_that_hang_holds_a_place_and_no_more_come(self):
        for _ in range(wiring.driving_places()):
            seats.sit_down(
                "place:flinks",
                seats=wiring.driving_places(),
                now=AFTER,
                lease=timedelta(minutes=1),
            )

        with time_machine.travel(AFTER, tick=False):
            tasks.open_today()
            OrmQ.objects.all().delete()
            tasks.heartbeat()
            said = tasks.drive("flinks")

        assert said == "enough are driving"
        assert {args for _, args in queued_with_arguments()} == {("flanks",)}


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
        for prefix in ("drive:flinks", "place:flinks"):
            assert seats.free_seats(prefix, seats=1, now=wiring.clock()) == 1


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

    def test_a_hold_keeps_its_seat_and_tells_when_it_is_taken_over(self):
        now = self.NOW
        hold = seats.Hold(self.sit(), lambda: now, timedelta(0))

        kept = hold()
        assert self.sit(later=timedelta(seconds=16)) is not None

        assert (kept, hold()) == (True, False)

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
