"""Fault E2: no spreadsheet runs what we write, and nothing is lost on the way back."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refreshops.logins.cells import BYTE_ORDER_MARK, CHUNK, cell, csv_chunks, neutral, original
from refreshops.logins.cells import visible as spelled_out

RUN_BY_SPREADSHEETS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
# Texts made mostly of what matters here.
NASTY = st.text(alphabet=st.sampled_from("'=+-@\t\r\n \x00\u200b\ufeff＝a,\""), max_size=12)


@pytest.mark.parametrize("start", RUN_BY_SPREADSHEETS, ids=ascii)
@pytest.mark.parametrize("before", ["", "'", "''", " ", "\u200b", "\x00 "], ids=ascii)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(start, before):
    text = f"{before}{start}1+1"

    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Maple Foods", "a=b", "'quoted'", "O'Brien", "''", "5 - 3"])
def test_other_texts_stay_as_they_are(text):
    assert neutral(text) == text
    assert original(text) == text


@given(st.one_of(st.text(), NASTY))
@example("'=1")
@example("''=1")
@example("' =1")
def test_the_way_back_is_exact(text):
    assert original(neutral(text)) == text


@given(st.one_of(st.text(), NASTY))
def test_no_cell_is_left_that_would_run(text):
    assert neutral(text).lstrip(" \x00\u200b\ufeff")[:1] not in set("=+-@\t\r\n＝＋－＠")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\u202eb", "a<U+202E>b", id="right-to-left-override"),
        pytest.param("a\x1b[31mb", "a<U+001B>[31mb", id="terminal-colour"),
        pytest.param("a\r\nb\tc", "a b c", id="line-ends"),
        pytest.param("a\x00b\ud800", "a<U+0000>b<U+D800>", id="nul-and-half-a-character"),
        pytest.param("Müller & Söhne", "Müller & Söhne", id="letters-stay"),
    ],
)
def test_unseen_characters_are_spelled_out(text, shown):
    assert spelled_out(text) == shown


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "yes", id="yes"),
        pytest.param(-3, "-3", id="a-number-is-no-formula"),
        pytest.param(Decimal("-1.50"), "-1.50", id="money"),
        pytest.param("-3", "'-3", id="a-text-might-be"),
        pytest.param(
            datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=-5))),
            "2026-11-20T17:00:00Z",
            id="a-time-in-utc",
        ),
        pytest.param(datetime(2026, 11, 20, tzinfo=UTC).date(), "2026-11-20", id="a-day"),
    ],
)
def test_a_cell(value, written):
    assert cell(value) == written


@given(st.lists(st.lists(st.one_of(NASTY, st.text()), min_size=2, max_size=3), max_size=5))
def test_a_file_reads_back_as_it_was_written(rows):
    encodable = [[text.encode("utf-8", "replace").decode() for text in row] for row in rows]

    text = "".join(csv_chunks(rows)).encode().decode("utf-8-sig")

    read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert [[original(found) for found in row] for row in read] == encodable


def test_lines_end_and_quotes_double_as_rfc_4180_says():
    text = "".join(csv_chunks([["name", "said"], ['a "b", c', "line\r\nline"]]))

    assert text == f'{BYTE_ORDER_MARK}name,said\r\n"a ""b"", c","line\r\nline"\r\n'


def test_a_long_table_comes_in_pieces():
    pieces = list(csv_chunks([["x" * 1000]] * 1000))

    assert len(pieces) > 10
    assert max(map(len, pieces)) < CHUNK + 2000
