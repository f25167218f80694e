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

ROWS = 100_000
EXTRA_MB = 100
SCRIPT = Path(__file__).with_name("large_import.py")


def rows() -> Iterator[tuple[str, ...]]:
    yield "reference", "name", "account_manager", "last_activity_at"
    for number in range(ROWS):
        at = NOON - timedelta(minutes=number)
        yield f"C-{number:07d}", f"Customer name number {number} Ltd.", "keeper", at.isoformat()


def as_csv() -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows())
    return text.getvalue().encode()


def as_workbook() -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows():
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("large.csv", as_csv, id="csv"),
        pytest.param("large.xlsx", as_workbook, id="xlsx"),
    ],
)
def test_a_large_import_stays_small(name, content, tmp_path):
    place = Installation(
        tmp_path,
        database_url=f"sqlite:///{tmp_path / 'large.sqlite3'}",
        api_url="http://127.0.0.1:9/v3/",
        environment={},
    )
    file = tmp_path / name
    file.write_bytes(content())
    file.with_name("small.csv").write_text("reference\nC-0\n")

    process = place.start(str(SCRIPT), str(file))
    said, errors = process.communicate(timeout=300)

    assert process.returncode == 0, errors
    took = json.loads(said)
    print(took)
    assert took["customers"] == ROWS
    assert took["preview"] == str(ROWS)
    assert took["extra_mb"] < EXTRA_MB
