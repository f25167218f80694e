"""Cells of the tables people download: text that a spreadsheet must not run, and the way back.

Source: reference/measurements.md, fault E2. Knows no database and no HTTP.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

# A spreadsheet takes a cell that begins so for a formula: = + - @, their full-width twins that some
# turn into them, and TAB, CR and LF, which some drop first. Spaces and invisible marks in front
# are dropped by some readers too.
_RUNS = re.compile(r"'*[\s\x00-\x1f\x7f\u200b-\u200f\u2060-\u2064\ufeff]*[=+\-@＝＋－＠\t\r\n]")
# Controls, zero-width and bidirectional marks, and halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n|[\r\n\t\u2028\u2029]")

# Excel reads UTF-8 only with this mark in front; our own import skips it.
BYTE_ORDER_MARK = "\ufeff"
CHUNK = 64 * 1024

Row = Sequence[object]


def neutral(text: str) -> str:
    """Return `text` with an apostrophe in front when a spreadsheet would run it.

    A text that already begins with apostrophes before such a character gets one more, so that
    `original` is the exact way back for every text.
    """
    return f"'{text}" if _RUNS.match(text) else text


def original(text: str) -> str:
    """Return what `neutral` was given: `original(neutral(text)) == text` for every text."""
    return text[1:] if text.startswith("'") and _RUNS.match(text, 1) else text


def visible(text: str) -> str:
    """Return `text` on one line with every unseen character spelled out, as in <U+202E>."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", _LINE_ENDS.sub(" ", text))


def cell(value: object) -> str:
    """Return a value as a cell: numbers plain, times in UTC (ISO 8601), texts neutralised."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return neutral(str(value))


def csv_chunks(rows: Iterable[Row]) -> Iterator[str]:
    """Yield a CSV file (RFC 4180, CRLF) in pieces of about `CHUNK` characters."""
    buffer = _Buffer()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(BYTE_ORDER_MARK)
    for row in rows:
        writer.writerow([_encodable(cell(value)) for value in row])
        if buffer.size >= CHUNK:
            yield buffer.taken()
    yield buffer.taken()


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class _Buffer:
    """Collects what the CSV writer writes until somebody takes it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> None:
        self._parts.append(text)
        self.size += len(text)

    def taken(self) -> str:
        """Return what was written since the last time."""
        text = "".join(self._parts)
        self._parts.clear()
        self.size = 0
        return text
