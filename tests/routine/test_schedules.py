"""The schedule rows, and what django-q2 makes of them on the nights when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import OuterRef, Subquery
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from refreshops.logins.models import Provider
from refreshops.routine import schedules
from refreshops.routine.schedules import UnfitTime

TORONTO = ZoneInfo("America/Toronto")
OURS = "daily run flinks"
OPEN_TODAY = "refreshops.routine.tasks.open_today"

pytestmark = pytest.mark.django_db


def run_command(*arguments: str) -> str:
    out = StringIO()
    call_command("schedule_routine", *arguments, stdout=out)
    return out.getvalue()


def scheduled_starts(*, first: date, days: int) -> list[datetime]:
    """Let q2's own scheduler go through whole local days, half an hour a step; local starts."""
    starts = []
    moment = datetime.combine(first, time(0), TORONTO).astimezone(UTC) + timedelta(seconds=1)
    end = datetime.combine(first + timedelta(days=days), time(0), TORONTO).astimezone(UTC)
    with time_machine.travel(moment, tick=False) as clock:
        row = Schedule.objects.get(name=OURS)
        row.next_run = row.calculate_next_run()
        row.save()
        while moment < end:
            clock.move_to(moment)
            due_at = Schedule.objects.get(name=OURS).next_run
            scheduler()
            if Schedule.objects.get(name=OURS).next_run != due_at:
                starts.append(due_at.astimezone(TORONTO))
            moment += timedelta(minutes=30)
    return starts


@pytest.fixture
def one_provider(settings):
    settings.FLANKS_API_URL = ""


@pytest.mark.usefixtures("one_provider")
class TestWriting:
    def test_it_writes_five_rows_and_a_second_time_the_same_five(self):
        run_command()
        first = set(Schedule.objects.values_list("pk", "name", "func", "args", "cron"))

        run_command()

        assert set(Schedule.objects.values_list("pk", "name", "func", "args", "cron")) == first
        assert {row[1:] for row in first} == {
            (OURS, OPEN_TODAY, "'flinks',", "30 10 * * *"),
            ("heartbeat", "refreshops.routine.tasks.heartbeat", None, "* * * * *"),
            ("prune", "refreshops.routine.tasks.prune", None, "40 3 * * *"),
            ("mails", "refreshops.connect.tasks.send_letters", None, "* * * * *"),
            ("reminders", "refreshops.connect.tasks.remind", None, "20 9-21 * * *"),
        }

    def test_it_keeps_a_time_that_staff_have_set(self):
        schedules.ensure_schedules(["flinks"])
        schedules.set_daily_time(time(9, 5), provider="flinks")

        run_command()

        assert schedules.daily_time("flinks") == time(9, 5)

    def test_it_keeps_the_daily_run_off(self):
        run_command("--off")

        run_command()

        assert schedules.daily_time("flinks") is None

    def test_a_time_switches_it_on_again(self):
        run_command("--off")

        said = run_command("--time", "11:15")

        assert schedules.daily_time("flinks") == time(11, 15)
        assert "11:15 America/Toronto" in said

    def test_doubles_of_a_row_are_removed(self):
        schedules.ensure_schedules(["flinks"])
        Schedule.objects.create(name="heartbeat", func="refreshops.routine.tasks.heartbeat")

        schedules.ensure_schedules(["flinks"])

        assert Schedule.objects.filter(name="heartbeat").count() == 1

    def test_a_changed_function_name_is_repaired(self):
        schedules.ensure_schedules(["flinks"])
        Schedule.objects.filter(name=OURS).update(func="os.system", args="'/bin/sh',")

        schedules.ensure_schedules(["flinks"])

        row = Schedule.objects.get(name=OURS)
        assert (row.func, row.args) == (OPEN_TODAY, "'flinks',")


class TestTwoProviders:
    BOTH = ("flinks", "flanks")

    def test_each_has_a_daily_run_with_a_time_of_its_own(self):
        schedules.ensure_schedules(self.BOTH)

        schedules.set_daily_time(time(9, 5), provider="flanks")

        assert schedules.daily_time("flinks") == schedules.DEFAULT_DAILY_TIME
        assert schedules.daily_time("flanks") == time(9, 5)
        rows = Schedule.objects.filter(func=OPEN_TODAY).order_by("pk")
        assert [row.args for row in rows] == ["'flinks',", "'flanks',"]

    def test_one_is_switched_off_without_the_other(self):
        schedules.ensure_schedules(self.BOTH)

        schedules.set_daily_time(None, provider="flinks")
        schedules.ensure_schedules(self.BOTH)

        assert schedules.daily_time("flinks") is None
        assert schedules.daily_time("flanks") == schedules.DEFAULT_DAILY_TIME

    def test_one_that_is_not_used_any_more_loses_its_row(self):
        schedules.ensure_schedules(self.BOTH)

        schedules.ensure_schedules(["flinks"])

        assert list(Schedule.objects.filter(func=OPEN_TODAY).values_list("name", flat=True)) == [
            OURS
        ]

    @pytest.mark.parametrize("off", [False, True], ids=["on", "off"])
    def test_the_one_row_of_an_older_installation_becomes_the_first_providers_with_its_time(
        self, off
    ):
        older = Schedule.objects.create(
            name="daily run",
            func=OPEN_TODAY,
            schedule_type=Schedule.CRON,
            cron="5 9 * * *",
            repeats=schedules.SWITCHED_OFF if off else schedules.FOR_EVER,
        )

        schedules.ensure_schedules(self.BOTH)
        schedules.ensure_schedules(self.BOTH)

        row = Schedule.objects.get(name=OURS)
        assert (row.pk, row.cron, row.args) == (older.pk, "5 9 * * *", "'flinks',")
        assert schedules.daily_time("flinks") == (None if off else time(9, 5))
        assert not Schedule.objects.filter(name="daily run").exists()

    def test_a_row_of_an_older_installation_that_came_back_changes_no_time(self):
        schedules.ensure_schedules(self.BOTH)
        schedules.set_daily_time(time(11, 0), provider="flinks")
        Schedule.objects.create(name="daily run", func=OPEN_TODAY, cron="5 9 * * *")

        schedules.ensure_schedules(self.BOTH)

        assert schedules.daily_time("flinks") == time(11, 0)
        assert not Schedule.objects.filter(name="daily run").exists()

    def test_the_cron_line_is_asked_for_beside_each_provider(self):
        schedules.ensure_schedules(self.BOTH)
        schedules.set_daily_time(time(9, 5), provider="flanks")
        for name in self.BOTH:
            Provider.objects.create(name=name)

        told = Provider.objects.annotate(cron=Subquery(schedules.daily_cron(OuterRef("name"))[:1]))

        times = {row.name: schedules.time_of(row.cron) for row in told}
        assert times == {"flinks": schedules.DEFAULT_DAILY_TIME, "flanks": time(9, 5)}


class TestTwoProvidersByCommand:
    def test_one_is_named_or_all_are_set(self):
        run_command("--time", "11:15")
        said = run_command("--provider", "flanks", "--time", "09:05")

        assert "flinks at 11:15 America/Toronto, flanks at 09:05 America/Toronto" in said

    def test_one_is_switched_off(self):
        said = run_command("--provider", "flinks", "--off")

        assert "flinks off, flanks at 10:30" in said

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(CommandError, match="nobody.*flinks, flanks"):
            run_command("--provider", "nobody", "--off")


class TestRefusing:
    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param(time(1, 0), id="comes-twice"),
            pytest.param(time(1, 30), id="comes-twice-half-past"),
            pytest.param(time(2, 30), id="is-skipped"),
            pytest.param(time(2, 59), id="last-skipped-minute"),
        ],
    )
    def test_times_that_a_clock_change_touches_are_refused_with_the_reason(self, wanted):
        with pytest.raises(UnfitTime, match="clocks change.*daylight saving"):
            schedules.set_daily_time(wanted, provider="flinks")

        assert schedules.daily_time("flinks") is None

    @pytest.mark.parametrize("wanted", [time(0, 59), time(3, 0), time(23, 59)])
    def test_times_beside_them_are_fine(self, wanted):
        schedules.set_daily_time(wanted, provider="flinks")

        assert schedules.daily_time("flinks") == wanted

    @pytest.mark.parametrize("text", ["25:00", "ten", "10.30", "02:15"])
    def test_the_command_says_what_is_wrong(self, text):
        with pytest.raises(CommandError, match=r"HH:MM|clocks change"):
            run_command("--time", text)


class TestClockChanges:
    @pytest.fixture(autouse=True)
    def _connection_stays(self, monkeypatch):
        """The scheduler closes old connections, and with it this test's transaction."""
        monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)

    @pytest.mark.parametrize(
        "first", [date(2027, 3, 12), date(2027, 11, 5)], ids=["spring", "autumn"]
    )
    @pytest.mark.parametrize("at", [time(10, 30), time(0, 30), time(3, 0)], ids=str)
    def test_it_starts_once_each_local_day_at_the_same_local_time(self, first, at):
        schedules.ensure_schedules(["flinks"])
        schedules.set_daily_time(at, provider="flinks")

        starts = scheduled_starts(first=first, days=5)

        expected = [datetime.combine(first + timedelta(days=n), at) for n in range(5)]
        assert [start.replace(tzinfo=None) for start in starts] == expected
        assert OrmQ.objects.count() >= len(starts)

    def test_after_three_days_down_it_starts_once_and_not_three_times(self):
        schedules.ensure_schedules(["flinks"])
        Schedule.objects.exclude(name=OURS).delete()
        with time_machine.travel(datetime(2027, 6, 1, 15, tzinfo=UTC), tick=False) as clock:
            schedules.set_daily_time(time(10, 30), provider="flinks")
            clock.move_to(datetime(2027, 6, 4, 16, tzinfo=UTC))

            for _ in range(5):
                scheduler()

        assert OrmQ.objects.count() == 1
