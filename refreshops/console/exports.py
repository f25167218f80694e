"""Downloads: CSV and XLSX files whose cells no spreadsheet runs, streamed, and kept by no cache."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import IO

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from refreshops.console.plain_pages import spelled_out
from refreshops.logins.cells import Row, cell, csv_chunks, visible

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a cell of a spreadsheet holds at most.
LONGEST_CELL = 32_767
# What no XML file may hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def csv_response(
    rows: Iterable[Row], *, filename: str, exact: bool = False
) -> StreamingHttpResponse:
    """Return a CSV download that is written while it is sent; the first row is the header.

    What is unseen is spelled out, but in a file that is `exact`, to be read back letter by letter.
    """
    texts: Iterator[bytes] = (text.encode() for text in csv_chunks(rows))
    chunks = texts if exact else map(spelled_out, texts)
    return _download(StreamingHttpResponse(chunks, content_type=CSV_TYPE), filename=filename)


def text_response(
    chunks: Iterable[str], *, filename: str, content_type: str
) -> StreamingHttpResponse:
    """Return a download of pieces of text as they come, such as a JSON document."""
    pieces = (text.encode() for text in chunks)
    return _download(StreamingHttpResponse(pieces, content_type=content_type), filename=filename)


def xlsx_response(rows: Iterable[Row], *, filename: str, sheet: str) -> HttpResponseBase:
    """Return a spreadsheet download of one sheet; every cell is a text, none a formula."""
    book = Workbook(write_only=True)
    page = book.create_sheet(title=re.sub(r"[\[\]:*?/\\]", " ", sheet)[:31])
    for row in rows:
        page.append([_text_cell(page, value) for value in row])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return _download(FileResponse(file, content_type=XLSX_TYPE), filename=filename)


def zip_response(file: IO[bytes], *, filename: str) -> StreamingHttpResponse:
    """Return a zip download of a file that is closed, and gone, when it has been sent."""
    file.seek(0)
    return _download(FileResponse(file, content_type="application/zip"), filename=filename)


def dated_name(*parts: object, ending: str) -> str:
    """Return a file name of plain characters with today's local date, as run-12-2026-11-20.csv."""
    words = [*(str(part) for part in parts), timezone.localdate().isoformat()]
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(words)).strip("-.")
    return f"{plain}.{ending}"


def _text_cell(page: object, value: object) -> WriteOnlyCell:
    made = WriteOnlyCell(page, value="")
    # Set apart from the value: openpyxl takes a text that begins with = for a formula.
    text = _FORBIDDEN.sub(lambda found: visible(found[0]), cell(value))
    made.value, made.data_type = text[:LONGEST_CELL], "s"
    return made


def _download(response: StreamingHttpResponse, *, filename: str) -> StreamingHttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
