"""When a login drops out: the older of its last refresh and our last question counts."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.rules.eligibility import drops_out_at

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("refreshed_days_ago", "asked_days_ago", "days_left"),
    [
        pytest.param(0, 0, 7, id="both-now"),
        pytest.param(5, 0, 2, id="the-refresh-is-older"),
        pytest.param(0, 6, 1, id="the-question-is-older"),
        pytest.param(9, 0, -2, id="out-since-two-days"),
    ],
)
def test_the_older_of_the_two_counts(refreshed_days_ago, asked_days_ago, days_left):
    moment = drops_out_at(
        last_refresh_at=NOON - timedelta(days=refreshed_days_ago),
        last_asked_at=NOON - timedelta(days=asked_days_ago),
        within=WEEK,
    )

    assert moment == NOON + timedelta(days=days_left)


def test_one_that_was_never_refreshed_is_out():
    assert drops_out_at(last_refresh_at=None, last_asked_at=NOON, within=WEEK) == NOON
