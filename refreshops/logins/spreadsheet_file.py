"""Reads the first sheet of an .xlsx file as text: records with their row numbers. No meaning.

The file is hostile until read: nothing is unpacked but the parts needed, never as a whole, and
memory stays bounded whatever it holds. Whatever is wrong with it as a whole is `Unreadable`.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from refreshops.logins.register_file import ROW_CAP, Record, Sheet, Unreadable
from refreshops.logins.spreadsheet_rows import Rows, Strings
from refreshops.logins.spreadsheet_xml import PartReader, Scanner

# A workbook of the largest size allowed has some dozens of parts.
PARTS_CAP = 2000
PART_SIZE_CAP = 256 * 1024 * 1024
SMALL_PART_CAP = 8 * 1024 * 1024
FORMATS_CAP = 70_000

# What the archive reader raises for bytes that are none, or are packed in unknown ways.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
_DIRECTORY_ENTRY = b"PK\x01\x02"
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Dates in the customs of other languages, which openpyxl's table leaves out (ECMA-376, 18.8.30).
_OTHER_DATES = frozenset((*range(27, 37), *range(50, 59)))

SAVE_AS = "Save it as a workbook (.xlsx) or as CSV in UTF-8."


def is_spreadsheet(content: bytes) -> bool:
    """Tell whether the first bytes are those of a workbook, readable or not."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLD_OR_LOCKED))


def sheet_of(content: bytes) -> Sheet:
    """Return the first visible sheet; raise `Unreadable`.

    Dates come as ISO text (a bare date for a cell without a time), numbers as they were typed.
    Formulas and error values are faults of their row.
    """
    if content.startswith(_OLD_OR_LOCKED):
        raise Unreadable(f"The file is locked with a password, or an old .xls. {SAVE_AS}")
    if content.count(_DIRECTORY_ENTRY) > PARTS_CAP:
        raise Unreadable(f"The archive has more than {PARTS_CAP} parts: no workbook. {SAVE_AS}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _BROKEN as error:
        raise Unreadable(f"The archive is damaged: no workbook. {SAVE_AS}") from error
    book = _Workbook(_Parts(archive))
    records = book.records()
    header = next(records, None)
    if header is None:
        raise Unreadable("The first sheet is empty.")
    if header.fault:
        raise Unreadable(f"The header in row {header.line}: {header.fault}")
    return Sheet(header.cells, _as_wide(records, len(header.cells)))


def _as_wide(records: Iterator[Record], width: int) -> Iterator[Record]:
    """Fill rows up to the header's width: a sheet leaves empty cells at the end out."""
    for count, record in enumerate(records, start=1):
        if count > ROW_CAP:
            raise Unreadable(f"The sheet has more than {ROW_CAP} rows. Import it in parts.")
        missing = 0 if record.fault else width - len(record.cells)
        if missing > 0:
            yield Record(record.line, record.cells + ("",) * missing)
        else:
            yield record


class _Parts:
    """The archive's parts, each unpacked piece by piece."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {info.filename.lower(): info for info in archive.infolist()}
        if any("vbaproject" in name for name in self._names):
            raise Unreadable(f"The workbook holds macros. {SAVE_AS}")

    def scan(self, name: str, scanner: Scanner, *, cap: int) -> Iterator[None]:
        """Let `scanner` hear a part; yield after each piece. A part that is absent says nothing."""
        info = self._names.get(name.lower())
        if info is None:
            return
        if info.file_size > cap:
            raise Unreadable(
                f"The workbook unpacks to more than {cap // 1024 // 1024} MB. Import it in parts."
            )
        if info.flag_bits & 1 or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise Unreadable(f"The archive is locked or packed in another way. {SAVE_AS}")
        reader = PartReader(scanner)
        try:
            with self._archive.open(info) as part:
                while piece := part.read(64 * 1024):
                    reader.feed(piece)
                    yield
            reader.close()
        except _BROKEN as error:
            raise Unreadable(f"The workbook is damaged. {SAVE_AS}") from error
        yield

    def read(self, name: str, scanner: Scanner, *, cap: int = SMALL_PART_CAP) -> None:
        """Let `scanner` hear a whole part."""
        for _ in self.scan(name, scanner, cap=cap):
            pass


class _Relations(Scanner):
    """What a part refers to: (kind, path) by id."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "Relationship" or len(self.targets) >= PARTS_CAP:
            return
        kind = attributes.get("Type", "").rsplit("/", 1)[-1]
        path = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
        self.targets[attributes.get("Id", "")] = (kind, path.lstrip("/"))

    def first(self, kind: str) -> str:
        """Return the path of the first part of a kind, or an empty text."""
        return next((path for what, path in self.targets.values() if what == kind), "")


class _Sheets(Scanner):
    """The workbook's list of sheets."""

    def __init__(self) -> None:
        self.visible: list[str] = []
        self.from_1904 = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "workbookPr":
            self.from_1904 = attributes.get("date1904", "") in ("1", "true")
        elif tag == "sheet" and attributes.get("state", "visible") == "visible":
            self.visible.append(next((v for k, v in attributes.items() if k[-3:] == ":id"), ""))


class _Formats(Scanner):
    """Which cell formats show a number as a date."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._in_cells = False
        self.dates: list[bool] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt" and len(self._codes) < FORMATS_CAP:
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:255]
        elif tag == "cellXfs":
            self._in_cells = True
        elif tag == "xf" and self._in_cells and len(self.dates) < FORMATS_CAP:
            self.dates.append(self._is_date(attributes.get("numFmtId", "0")))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._in_cells = False

    def _is_date(self, number: str) -> bool:
        if number in self._codes:
            return bool(is_date_format(self._codes[number]))
        if not number.isdecimal() or len(number) > 5:
            return False
        return int(number) in _OTHER_DATES or bool(
            is_date_format(BUILTIN_FORMATS.get(int(number), "General"))
        )


class _Workbook:
    """Finds the first visible sheet and what its cells refer to."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._main = self._relations("").first("officeDocument")
        if not self._main:
            raise Unreadable(f"The file is a zip archive, and no workbook. {SAVE_AS}")
        self._related = self._relations(self._main)
        self._sheets = _Sheets()
        parts.read(self._main, self._sheets)

    def _relations(self, path: str) -> _Relations:
        folder, name = posixpath.split(path)
        found = _Relations(folder)
        self._parts.read(posixpath.join(folder, "_rels", f"{name}.rels"), found)
        return found

    def _first_sheet(self) -> str:
        for name in self._sheets.visible:
            kind, path = self._related.targets.get(name, ("", ""))
            if kind == "worksheet":
                return path
        raise Unreadable(f"The workbook has no visible sheet. {SAVE_AS}")

    def records(self) -> Iterator[Record]:
        """Yield the rows that say something, the header first."""
        path = self._first_sheet()
        formats, strings = _Formats(), Strings()
        self._parts.read(self._related.first("styles"), formats)
        self._parts.read(self._related.first("sharedStrings"), strings, cap=PART_SIZE_CAP)
        epoch: datetime = MAC_EPOCH if self._sheets.from_1904 else WINDOWS_EPOCH
        rows = Rows(strings=strings.texts, dates=formats.dates, epoch=epoch)
        for _ in self._parts.scan(path, rows, cap=PART_SIZE_CAP):
            yield from rows.rows()
