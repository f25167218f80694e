"""Arithmetic of slots, and how long a run takes under them."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.rules.pacing import (
    forecast,
    free_again_at,
    free_at_the_latest,
    limit_for,
    most_in,
)

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_slot_is_free_one_window_after_its_answer():
    assert free_again_at(answered_at=NOON, window=MINUTE) == NOON + MINUTE


def test_the_slot_of_a_killed_worker_comes_back_by_itself():
    freed = free_at_the_latest(sent_at=NOON, deadline=timedelta(seconds=240), window=MINUTE)

    assert freed == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("logins", "per_window", "busy", "windows"),
    [
        pytest.param(0, 30, 0, 0, id="nothing-to-do"),
        pytest.param(1, 30, 0, 0, id="one"),
        pytest.param(30, 30, 0, 0, id="one-windowful-at-once"),
        pytest.param(31, 30, 0, 1, id="one-more"),
        pytest.param(60, 30, 0, 1, id="two-windowfuls"),
        pytest.param(840, 20, 0, 41, id="a-morning"),
        pytest.param(1, 30, 30, 1, id="all-slots-in-use"),
        pytest.param(10, 30, 20, 0, id="just-room"),
        pytest.param(5, 1, 0, 4, id="one-at-a-time"),
    ],
)
def test_a_forecast_counts_whole_windows(logins, per_window, busy, windows):
    lasting = forecast(logins=logins, per_window=per_window, window=MINUTE, busy=busy)

    assert lasting == MINUTE * windows


@pytest.mark.parametrize("per_window", [1, 7, 30])
@pytest.mark.parametrize("logins", [1, 6, 7, 8, 29, 30, 31, 100])
def test_a_forecast_is_the_best_legal_schedule(logins, per_window):
    starts = [MINUTE * (number // per_window) for number in range(logins)]

    assert forecast(logins=logins, per_window=per_window, window=MINUTE) == starts[-1]


@pytest.mark.parametrize("per_window", [1, 7, 30])
@pytest.mark.parametrize("seconds", [1, 60, 61, 3600, 86_400])
def test_what_fits_into_a_span_is_what_the_forecast_says(seconds, per_window):
    span = timedelta(seconds=seconds)

    fitting = most_in(span=span, per_window=per_window, window=MINUTE)

    assert forecast(logins=fitting, per_window=per_window, window=MINUTE) < span
    assert forecast(logins=fitting + 1, per_window=per_window, window=MINUTE) >= span


@pytest.mark.parametrize("logins", [0, 1, 59, 60, 61, 840, 28_801])
@pytest.mark.parametrize("hours", [1, 23, 24])
def test_the_limit_for_a_day_is_the_smallest_under_which_it_fits(logins, hours):
    span = timedelta(hours=hours)

    limit = limit_for(logins=logins, span=span, window=MINUTE)

    assert most_in(span=span, per_window=limit, window=MINUTE) >= logins
    assert limit == 1 or most_in(span=span, per_window=limit - 1, window=MINUTE) < logins
