"""Takes a pasted or uploaded list apart: lines, the word a line may mean, and its smaller parts.

No database: which reading is meant is for `pasted` to decide. Whatever is wrong with the list as a
whole is `Unreadable`; nobody may paste more than the caps.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from refreshops.logins.cells import original
from refreshops.logins.register_file import SAVE_AS, Unreadable
from refreshops.providers.redaction import printable

SIZE_CAP = 8 * 1024 * 1024
WORD_CAP = 100_000
# No LoginId and no reference is longer (Login.login_id, Customer.reference): it names nothing.
LONGEST = 64

_LINE_END = re.compile(r"\r\n|\r|\n")
_BETWEEN = re.compile(r"[,;\t]")
_BY_LOGIN = frozenset({"loginid"})
_BY_CUSTOMER = frozenset({"reference", "customer", "customerreference"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: as a whole, and the parts between commas, semicolons and tabs.

    A part may be one reference with spaces inside, or several words. In a table with a header
    there is one part, the cell of the named column.
    """

    number: int
    whole: str
    parts: tuple[str, ...]


def text_of(raw: bytes) -> str:
    """Return an uploaded list as text; raise `Unreadable` for what is no UTF-8 text."""
    if len(raw) > SIZE_CAP:
        raise Unreadable(_too_large())
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise Unreadable(f"The file is a zip archive or a spreadsheet (.xlsx). {SAVE_AS}")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        raise Unreadable(f"The file is in UTF-16 or UTF-32. {SAVE_AS}")
    if b"\0" in raw:
        raise Unreadable(f"The file holds NUL bytes: no text, or UTF-16. {SAVE_AS}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file is no UTF-8 text. {SAVE_AS}") from error


def lines_of(text: str) -> list[Line]:
    """Return the lines that say something; raise `Unreadable` when it is nothing or too much."""
    if len(text) > SIZE_CAP:
        raise Unreadable(_too_large())
    if "\0" in text:
        raise Unreadable("The list holds NUL characters: it is no text.")
    found, words = [], 0
    for line in _table(text) or _free(text):
        found.append(line)
        words += sum(1 if len(part) <= LONGEST else part.count(" ") + 1 for part in line.parts)
        if words > WORD_CAP:
            raise Unreadable(f"The list has more than {WORD_CAP} words. Give it in parts.")
    if not found:
        raise Unreadable("The list is empty: give one LoginId or customer reference a line.")
    return found


def tidy(text: str) -> str:
    """Return a word as the register writes it: visible, composed, no doubled spaces."""
    plain = " ".join(printable(text).split())
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def _too_large() -> str:
    return f"The list is larger than {SIZE_CAP // 1024 // 1024} MB. Give it in parts."


def _free(text: str) -> Iterator[Line]:
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        parts = tuple(filter(None, (tidy(part).strip('"').strip() for part in _BETWEEN.split(raw))))
        if parts:
            yield Line(number, tidy(raw), parts)


def _table(text: str) -> Iterator[Line] | None:
    """Return the rows of a table whose first line names a column of ours, else None."""
    body = text.removeprefix("\ufeff")
    start = len(body) - len(body.lstrip())
    first = _LINE_END.split(body[start : start + 10_000], maxsplit=1)[0]
    between = max(",;\t", key=first.count)
    names = [re.sub(r"[\s_-]", "", tidy(name).strip('"').lower()) for name in first.split(between)]
    columns = [
        *(index for index, name in enumerate(names) if name in _BY_LOGIN),
        *(index for index, name in enumerate(names) if name in _BY_CUSTOMER),
    ]
    return _rows(body, between, columns) if columns else None


def _rows(text: str, between: str, columns: list[int]) -> Iterator[Line]:
    """Yield the first cell of the named columns that says something, row after row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    header_seen, begins = False, 1
    try:
        for cells in reader:
            said = [tidy(original(cells[index])) for index in columns if index < len(cells)]
            word = next(filter(None, said), "")
            if word and header_seen:
                yield Line(begins, word, (word,))
            header_seen = header_seen or any(cell.strip() for cell in cells)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(
            f"The table cannot be read from line {begins} on: a quotation mark is not closed, "
            "or text follows a closing one."
        ) from error
