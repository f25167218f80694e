"""An import of 100 000 customers, measured in a process of its own (acceptance 6, goal G13)."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.builders import NOON
from tests.installation import Installation

ROWS, SOME_ROWS = 100_000, 25_000
EXTRA_MB = 100
SCRIPT = Path(__file__).with_name("large_import.py")


def rows(number_of: int) -> Iterator[tuple[str, ...]]:
    yield "reference", "name", "account_manager", "last_activity_at"
    for number in range(number_of):
        at = NOON - timedelta(minutes=number)
        yield f"C-{number:07d}", f"Customer name number {number} Ltd.", "keeper", at.isoformat()


def as_csv(number_of: int) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows(number_of))
    return text.getvalue().encode()


def as_workbook(number_of: int) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows(number_of):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "content", "number_of"),
    [
        pytest.param("large.csv", as_csv, SOME_ROWS, id="csv"),
        pytest.param("large.xlsx", as_workbook, SOME_ROWS, id="xlsx"),
        pytest.param("large.csv", as_csv, ROWS, id="large-csv", marks=pytest.mark.soak),
        pytest.param("large.xlsx", as_workbook, ROWS, id="large-xlsx", marks=pytest.mark.soak),
    ],
)
def test_a_large_import_stays_small(name, content, number_of, tmp_path):
    place = Installation(
        tmp_path,
        database_url=f"sqlite:///{tmp_path / 'large.sqlite3'}",
        api_url="http://127.0.0.1:9/v3/",
        environment={},
    )
    file = tmp_path / name
    file.write_bytes(content(number_of))
    file.with_name("small.csv").write_text("reference\nC-0\n")

    process = place.start(str(SCRIPT), str(file))
    said, errors = process.communicate(timeout=300)

    assert process.returncode == 0, errors
    took = json.loads(said)
    print(took)
    assert took["customers"] == number_of
    assert took["preview"] == str(number_of)
    assert took["extra_mb"] < EXTRA_MB
