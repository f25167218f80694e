"""Makes records of a spreadsheet's cells: shared and inline texts, numbers, dates, faults."""

import re
import sys
from datetime import datetime, time, timedelta

from refreshops.logins.register_file import LINE_CAP, Record, Unreadable
from refreshops.logins.spreadsheet_xml import Scanner

LAST_ROW = 1_048_576
# A sheet has 16 384 columns; ours have names for four. What stands further right is refused.
COLUMN_CAP = 1000
# Bytes of memory for the texts that cells share: those of a million short ones.
STRINGS_CAP = 64 * 1024 * 1024

_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
# How a cell spells a carriage return.
_RETURN = "_x000D_"


class Texts(Scanner):
    """Gathers the text of `<t>` tags, without the pronunciation some languages add."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._open = False
        self._aside = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "rPh":
            self._aside += 1
        self._open = tag == "t" and not self._aside

    def end(self, tag: str) -> None:
        self._open = False
        if tag == "rPh":
            self._aside -= 1

    def text(self, text: str) -> None:
        if not self._open:
            return
        self._length += len(text)
        if self._length > LINE_CAP:
            raise Unreadable(f"A cell is longer than {LINE_CAP} characters.")
        self._pieces.append(text)

    def taken(self) -> str:
        """Return what was gathered since the last time."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text.replace(_RETURN, "\r") if _RETURN in text else text


class Strings(Texts):
    """The texts that cells share, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._held = 0

    def end(self, tag: str) -> None:
        super().end(tag)
        if tag != "si":
            return
        text = self.taken()
        self._held += sys.getsizeof(text) + 8
        if self._held > STRINGS_CAP:
            raise Unreadable("The workbook holds too much text. Import it in parts.")
        self.texts.append(text)


class Rows(Texts):
    """The rows of a sheet. `dates` tells which cell formats show a number as a date."""

    def __init__(self, *, strings: list[str], dates: list[bool], epoch: datetime) -> None:
        super().__init__()
        self._strings = strings
        self._dates = dates
        self._epoch = epoch
        self._rows: list[Record] = []
        self._line = 0
        self._column = 0
        self._kind = ""
        self._format = ""
        self._cells: list[str] = []
        self._faults: list[str] = []

    def rows(self) -> list[Record]:
        """Return the rows finished since the last time."""
        found, self._rows = self._rows, []
        return found

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        if tag == "c":
            self._begin_cell(attributes)
        elif tag == "v":
            self._open = True
        elif tag == "f":
            self._fault("holds a formula: paste its value instead")
        elif tag == "row":
            self._begin_row(attributes.get("r", ""))

    def end(self, tag: str) -> None:
        super().end(tag)
        if tag == "c":
            self._end_cell()
        elif tag == "row":
            self._end_row()

    def _begin_row(self, number: str) -> None:
        self._line = int(number) if number.isdecimal() and len(number) < 8 else self._line + 1
        if self._line > LAST_ROW:
            raise Unreadable("The sheet has more rows than any sheet can have: it is damaged.")
        self._column = 0
        self._cells, self._faults = [], []

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self._column = _number_of(place[1]) if place else self._column + 1
        if self._column > LAST_ROW:
            raise Unreadable("The sheet has more columns than any sheet can have: it is damaged.")
        self._kind = attributes.get("t", "n")
        self._format = attributes.get("s", "")

    def _end_cell(self) -> None:
        said = self._value(self.taken())
        if not said or said.isspace():
            return
        if self._column > COLUMN_CAP:
            raise Unreadable(f"The sheet has more than {COLUMN_CAP} columns.")
        self._cells.extend([""] * (self._column - len(self._cells)))
        self._cells[self._column - 1] = said

    def _end_row(self) -> None:
        if not (self._cells or self._faults):
            return
        fault = "; ".join(self._faults)
        self._rows.append(Record(self._line, () if fault else tuple(self._cells), fault))

    def _value(self, text: str) -> str:
        match self._kind:
            case "s":
                return self._shared(text)
            case "e":
                self._fault(f"holds the error {text[:20]}")
                return ""
            case "b":
                return "TRUE" if text.strip() == "1" else "FALSE"
            case "n":
                return self._number(text.strip()) if text.strip() else ""
        return text

    def _shared(self, text: str) -> str:
        if not (text.isdecimal() and len(text) < 9 and int(text) < len(self._strings)):
            raise Unreadable("A cell refers to a text that is not there: the workbook is damaged.")
        return self._strings[int(text)]

    def _number(self, text: str) -> str:
        if not self._is_date():
            return _plainly(text)
        try:
            return _day_or_moment(self._epoch + timedelta(days=_days(float(text), self._epoch)))
        except (ValueError, OverflowError):
            self._fault(f"holds {text[:20]}, which is no date")
            return ""

    def _is_date(self) -> bool:
        known = self._format.isdecimal() and len(self._format) < 7
        return known and int(self._format) < len(self._dates) and self._dates[int(self._format)]

    def _fault(self, what: str) -> None:
        if len(self._faults) < 5:
            self._faults.append(f"cell {_letters(self._column)}{self._line} {what}")


def _plainly(text: str) -> str:
    """Return a whole number without the point or exponent it may be stored with."""
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and abs(value) < 10**15 else text


def _days(serial: float, epoch: datetime) -> float:
    # A spreadsheet that counts from 1900 believes that 1900 had a 29 February.
    return serial + 1 if epoch.year < 1900 and 0 < serial < 60 else serial


def _day_or_moment(at: datetime) -> str:
    # Stored as a fraction of a day, a time of day is exact to some microseconds.
    at = (at + timedelta(milliseconds=500)).replace(microsecond=0)
    return at.date().isoformat() if at.time() == time() else at.isoformat()


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(column: int) -> str:
    found = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found
