"""How long a daily run takes, and whether the day is long enough for it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from refreshops.logins.models import Provider
from refreshops.routine.forecasts import forecast_of_day, logins_to_ask
from tests.builders import make_login, make_logins, make_provider

MINUTE = timedelta(minutes=1)
TORONTO = ZoneInfo("America/Toronto")
# 09:00 in Toronto
MORNING = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
USUAL = {"starts": time(10, 30), "now": MORNING, "zone": TORONTO, "window": MINUTE}


def of_day(logins, *, limit=20, **changed):
    return forecast_of_day(
        Provider(name="flinks", logins_per_minute=limit), logins=logins, **(USUAL | changed)
    )


def test_the_usual_morning():
    day = of_day(840)

    assert day.starts_at == datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
    assert day.lasting == 41 * MINUTE
    assert day.done_at == day.starts_at + 41 * MINUTE
    assert day.fits
    assert day.left == 0


@pytest.mark.parametrize(
    ("logins", "limit", "left", "needed"),
    [
        pytest.param(28_800, 20, 0, 20, id="exactly-a-day"),
        pytest.param(28_801, 20, 1, 21, id="one-too-many"),
        pytest.param(100_000, 30, 56_800, 70, id="far-too-many"),
        pytest.param(0, 20, 0, 1, id="nobody"),
    ],
)
def test_a_day_that_is_too_short_says_what_would_fit(logins, limit, left, needed):
    day = of_day(logins, limit=limit)

    assert (day.left, day.limit_needed, day.fits) == (left, needed, left == 0)
    assert of_day(logins, limit=needed).fits


def test_what_fits_begins_before_the_next_run_and_one_more_does_not():
    day = of_day(1)

    assert of_day(day.fitting).done_at < day.next_at
    assert of_day(day.fitting + 1).done_at >= day.next_at


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        pytest.param(datetime(2026, 11, 20, 14, tzinfo=UTC), 24, id="usual"),
        pytest.param(datetime(2026, 3, 7, 14, tzinfo=UTC), 23, id="spring"),
        pytest.param(datetime(2026, 10, 31, 13, tzinfo=UTC), 25, id="autumn"),
    ],
)
def test_a_day_has_the_hours_its_clock_gives_it(now, hours):
    day = of_day(1, now=now)

    assert day.next_at - day.starts_at == timedelta(hours=hours)
    assert day.fitting == hours * 60 * 20


def test_a_missed_start_leaves_less_of_the_day():
    now = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)

    day = of_day(1, now=now)

    assert (day.starts_at, day.next_at - now) == (now, timedelta(hours=21))
    assert of_day(1, now=now, after_today=True).starts_at > now


def test_without_a_daily_time_it_is_reckoned_from_now_on():
    day = of_day(1, starts=None)

    assert (day.starts_at, day.next_at) == (MORNING, MORNING + timedelta(days=1))


def test_another_limit_may_be_tried():
    day = of_day(840).at_limit(30, window=MINUTE)

    assert (day.lasting, day.per_window, day.fitting) == (27 * MINUTE, 30, 43_200)


@pytest.mark.django_db
def test_the_next_run_asks_the_active_logins_of_its_provider():
    make_logins(2)
    make_login(status="inactive")
    make_login(provider=Provider.objects.create(name="flanks"))

    assert logins_to_ask(make_provider()) == 2
