"""Rows of a customer file by themselves: columns, cells, dates."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from refreshops.logins.customer_rows import (
    COLUMNS,
    LONGEST,
    activity_of,
    cells_of,
    columns_of,
    moment_of,
)
from refreshops.logins.models import Customer
from refreshops.logins.register_file import Record, Unreadable
from tests.builders import NOON

TORONTO = ZoneInfo("America/Toronto")


def test_columns_may_come_in_any_order_and_case_and_by_the_registers_names():
    assert columns_of(["customer_name", " Customer "]) == ("name", "reference")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param(["name"], "reference is missing", id="missing"),
        pytest.param(["reference", "reference"], "twice", id="doubled"),
        pytest.param(["reference", "customer"], "twice", id="doubled-by-another-name"),
        pytest.param(["reference", "colour"], "Unknown column 'colour'", id="unknown"),
        pytest.param(["reference;name"], "not separated by commas", id="semicolons"),
    ],
)
def test_a_wrong_header_is_refused(header, why):
    with pytest.raises(Unreadable, match=why):
        columns_of(header)


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        pytest.param(("C-1",), "1 cells where the header has 2 columns", id="short"),
        pytest.param(("C-1", "a", "b"), "3 cells where the header has 2 columns", id="long"),
        pytest.param(("  ", "a"), "reference is empty", id="no-reference"),
        pytest.param(("C\0", "a"), "invisible character U+0000", id="NUL"),
        pytest.param(("C-1", "a\udcff"), "no UTF-8 text", id="latin-1"),
        pytest.param(("x" * 65, "a"), "65 characters, more than 64", id="long-reference"),
        pytest.param(("C-1", "x" * 201), "201 characters, more than 200", id="long-name"),
    ],
)
def test_a_bad_row_is_named(cells, wrong):
    row, said = cells_of(Record(2, cells), columns=("reference", "name"))

    assert wrong in "; ".join(said)
    assert not row or len(said) == 1


def test_cells_are_tidied_and_neutral_ones_brought_back():
    row, wrong = cells_of(Record(2, (" C  1 ", "'=Zoe\u0308 \t")), columns=("reference", "name"))

    assert not wrong
    assert row == {"reference": "C 1", "name": "=Zo\u00eb"}


def test_the_lengths_are_those_of_the_table():
    for name in ("reference", "name"):
        assert LONGEST[name] == Customer._meta.get_field(name).max_length
    assert set(LONGEST) < set(COLUMNS)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("2026-11-20", datetime(2026, 11, 20, 5, tzinfo=UTC), id="local-day"),
        pytest.param("2026-07-20", datetime(2026, 7, 20, 4, tzinfo=UTC), id="local-summer-day"),
        pytest.param("2026-11-20T14:30", datetime(2026, 11, 20, 19, 30, tzinfo=UTC), id="local"),
        pytest.param("2026-11-20 14:30", datetime(2026, 11, 20, 19, 30, tzinfo=UTC), id="space"),
        pytest.param("2026-11-20T14:30Z", datetime(2026, 11, 20, 14, 30, tzinfo=UTC), id="utc"),
        pytest.param(
            "2026-11-20T14:30:15.5+02:00",
            datetime(2026, 11, 20, 12, 30, 15, 500_000, tzinfo=UTC),
            id="offset",
        ),
        pytest.param("2026-11-21", datetime(2026, 11, 21, 5, tzinfo=UTC), id="tomorrow"),
    ],
)
def test_a_date_means_a_moment(text, meant):
    said = activity_of(text, now=NOON, zone=TORONTO)

    assert moment_of(said, zone=TORONTO) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("20.11.2026", "is no date: write it as", id="other-order"),
        pytest.param("2026-02-30", "is no date", id="no-such-day"),
        pytest.param("2026-W47-5", "is no date", id="week"),
        pytest.param("46346", "is no date", id="number"),
        pytest.param("\u0662\u0660\u0662\u0666-11-20", "is no date", id="other-digits"),
        pytest.param("2026-11-20T25:00", "is no date", id="no-such-hour"),
        pytest.param("0001-01-01T00:00+14:00", "is no date", id="edge-of-the-calendar"),
        pytest.param("2026-11-22", "lies in the future", id="future"),
        pytest.param("0026-11-20", "lies before 1970", id="year-mistyped"),
    ],
)
def test_what_is_no_date_of_an_activity_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        activity_of(text, now=NOON, zone=TORONTO)


def test_a_bare_date_stays_a_date():
    assert activity_of("2026-11-20", now=NOON + timedelta(days=3), zone=TORONTO) == date(
        2026, 11, 20
    )
