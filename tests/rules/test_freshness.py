"""Data is judged by the provider's own timestamp and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.rules.freshness import CLOCK_TOLERANCE, DataState, data_state, is_in_the_future

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
TERMS = {"now": NOON, "fresh_within": timedelta(hours=36), "usable_within": timedelta(days=7)}
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        pytest.param(timedelta(0), DataState.FRESH, id="now"),
        pytest.param(timedelta(hours=36), DataState.FRESH, id="just-fresh"),
        pytest.param(timedelta(hours=36) + SECOND, DataState.STALE_USABLE, id="just-stale"),
        pytest.param(timedelta(days=7), DataState.STALE_USABLE, id="just-usable"),
        pytest.param(timedelta(days=7) + SECOND, DataState.STALE_EXPIRED, id="just-expired"),
        pytest.param(-CLOCK_TOLERANCE, DataState.FRESH, id="clocks-differ-a-little"),
        pytest.param(-CLOCK_TOLERANCE - SECOND, DataState.STALE_USABLE, id="in-the-future"),
    ],
)
def test_the_age_decides(age, state):
    assert data_state(refreshed_at=NOON - age, **TERMS) is state


def test_what_was_never_refreshed_is_no_data():
    assert data_state(refreshed_at=None, **TERMS) is DataState.NONE


def test_the_zone_of_a_timestamp_does_not_matter():
    toronto = datetime.fromisoformat("2026-03-02T01:00:00-05:00")

    assert data_state(refreshed_at=toronto, **TERMS) is DataState.FRESH


@pytest.mark.parametrize(
    ("ahead", "future"), [(CLOCK_TOLERANCE, False), (CLOCK_TOLERANCE + SECOND, True)]
)
def test_the_future_begins_where_clocks_cannot_differ(ahead, future):
    assert is_in_the_future(refreshed_at=NOON + ahead, now=NOON) is future
