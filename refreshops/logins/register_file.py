"""Reads a register file as text: records with their physical line numbers. No database, no meaning.

Whatever is wrong with the file as a whole is `Unreadable`; memory stays bounded whatever it holds.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SIZE_CAP = 200 * 1024 * 1024
ROW_CAP = 500_000
# Characters of one line, and lines of one record (a quoted cell may hold line ends).
LINE_CAP = 64 * 1024
RECORD_LINES_CAP = 100

SAVE_AS = "Save it as CSV in UTF-8."


class Unreadable(Exception):
    """The file as a whole is refused; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the physical line it begins on, and its cells or what is wrong with it."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True)
class Sheet:
    """An open file: the names in its first row, and an iterator over the rows below."""

    header: tuple[str, ...]
    records: Iterator[Record]


@contextmanager
def opened(path: Path) -> Iterator[Sheet]:
    """Open a register file of at most `SIZE_CAP` bytes; raise `Unreadable`.

    Bytes that are no UTF-8 arrive as lone surrogates, so that the row they stand in can be named.
    """
    try:
        if not path.is_file():
            raise Unreadable(f"{path} is no file.")
        with path.open("rb") as file, reading(file, size=path.stat().st_size) as sheet:
            yield sheet
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def reading(file: BinaryIO, *, size: int, semicolons: bool = False) -> Iterator[Sheet]:
    """Read an open file as `opened` does; the file stays open afterwards.

    With `semicolons`, cells may stand between these instead of commas; the header tells.
    """
    start = _look_at(file, size=size)
    separator = _separator(start) if semicolons else ","
    # newline="" leaves line ends as they are but counts \n, \r\n and \r alike.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield _sheet(text, separator=separator)
    finally:
        text.detach()


def _look_at(file: BinaryIO, *, size: int) -> bytes:
    """Refuse what is no CSV at all, by its first bytes; return these."""
    if size > SIZE_CAP:
        raise Unreadable(
            f"The file has {size / 1e6:.0f} MB, more than the {SIZE_CAP / 1e6:.0f} MB read at once."
        )
    start = file.read(LINE_CAP)
    file.seek(0)
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Unreadable("The file is empty.")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise Unreadable(f"The file is a zip archive or a spreadsheet (.xlsx). {SAVE_AS}")
    if start.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        raise Unreadable(f"The file is in UTF-16 or UTF-32. {SAVE_AS}")
    first_line = start.replace(b"\r", b"\n").split(b"\n", 1)[0]
    if b"\0" in first_line:
        raise Unreadable(f"The first line holds NUL bytes: no text, or UTF-16. {SAVE_AS}")
    try:
        start[: len(first_line)].decode()
    except UnicodeDecodeError as error:
        # A line cut at LINE_CAP may end inside a character; it is refused for its length.
        if len(first_line) < LINE_CAP:
            raise Unreadable(f"The first line is no UTF-8 text. {SAVE_AS}") from error
    return start


def _separator(start: bytes) -> str:
    """Return ";" for a header that has semicolons and no comma, both outside quotation marks.

    Spreadsheets write so where the comma is the decimal sign, as in French.
    """
    lines = re.split(r"[\r\n]", start.decode("utf-8-sig", errors="replace"))
    header = next((line for line in lines if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", header)
    return ";" if ";" in bare and "," not in bare else ","


def _sheet(text: io.TextIOWrapper, *, separator: str) -> Sheet:
    lines = _Lines(text)
    records = _records(lines, separator=separator)
    header = next(records)
    if header.fault:
        raise Unreadable(f"The header on line {header.line}: {header.fault}")
    return Sheet(header.cells, records)


class _Lines:
    """Physical lines for the CSV reader, which notices neither long lines nor open quotes."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.count = 0
        self.in_record = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(LINE_CAP + 1):
            self.count += 1
            self.in_record += 1
            if len(line) > LINE_CAP:
                raise Unreadable(f"Line {self.count} is longer than {LINE_CAP} characters.")
            if self.in_record > RECORD_LINES_CAP:
                raise csv.Error("unexpected end of data")
            yield line


def _records(lines: _Lines, *, separator: str) -> Iterator[Record]:
    """Yield what is not blank; stop after a row whose quotation marks cannot be told apart."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    rows = 0
    while True:
        begins, lines.in_record = lines.count + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(begins, (), _quote_fault(error))
            return
        if not any(cell and not cell.isspace() for cell in cells):
            continue
        rows += 1
        if rows > ROW_CAP + 1:
            raise Unreadable(f"The file has more than {ROW_CAP} rows. Import it in parts.")
        yield Record(begins, tuple(cells))


def _quote_fault(error: csv.Error) -> str:
    closed = "expected after" in str(error)
    what = "text follows a closing quotation mark" if closed else "a quotation mark is not closed"
    return f"{what}; nothing below this row was read."
