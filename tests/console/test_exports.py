"""Downloads open inert, stream, and are kept by no cache."""

import csv
import io
import zipfile

import openpyxl
import pytest

from refreshops.console.exports import csv_response, dated_name, text_response, xlsx_response
from refreshops.logins.cells import original

NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", 'Maple, "Foods"', "a\nb", "Zürich"]


def body_of(response) -> bytes:
    return b"".join(response.streaming_content)


def test_a_csv_begins_with_the_mark_excel_wants_and_reads_back():
    response = csv_response([["name"], *([text] for text in NASTY)], filename="names.csv")

    body = body_of(response)

    assert body.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert [original(row[0]) for row in read[1:]] == NASTY
    assert all(row[0][0] not in "=+-@\t\r" for row in read)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(csv_response([["a"]], filename="x.csv"), id="csv"),
        pytest.param(xlsx_response([["a"]], filename="x.csv", sheet="a"), id="xlsx"),
        pytest.param(
            text_response(["{}"], filename="x.csv", content_type="application/json"), id="text"
        ),
    ],
)
def test_no_cache_keeps_a_download_and_no_browser_shows_it(response):
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Disposition"] == 'attachment; filename="x.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_rows_are_made_while_they_are_sent():
    made = []

    def rows():
        for number in range(100_000):
            made.append(number)
            yield [number, "x" * 20]

    first = next(iter(csv_response(rows(), filename="x.csv").streaming_content))

    assert first
    assert len(made) < 10_000


def test_a_spreadsheet_holds_texts_and_no_formula():
    rows = [["name"], *([text] for text in NASTY), ["a\x00b"]]

    body = body_of(xlsx_response(rows, filename="x.xlsx", sheet="Names: all/of [them]"))

    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {found.data_type for found in cells} == {"s"}
    assert [original(found.value) for found in cells[:-1]] == NASTY
    assert cells[-1].value == "a<U+0000>b"
    xml = zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in xml


@pytest.mark.parametrize(
    ("parts", "begins"),
    [
        pytest.param(("run", 12), "run-12-", id="plain"),
        pytest.param(("run", '1"\r\nX: y/../'), "run-1-X-y-..-", id="nothing-of-a-header-or-path"),
    ],
)
def test_a_file_is_named_by_what_it_holds_and_the_day(parts, begins):
    name = dated_name(*parts, ending="csv")

    assert name.startswith(begins)
    assert name.endswith(".csv")
    assert not set(name) & set('"\r\n/ ')
