"""Judges the rows of a customer file by themselves: cells, lengths, dates. No database.

An empty cell means that the file does not say; nothing is ever cleared by it.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo

from refreshops.logins.cells import original
from refreshops.logins.register_file import Record
from refreshops.logins.register_rows import check_header, shown, tidy, too_long, unseen

COLUMNS = ("reference", "name", "account_manager", "last_activity_at", "email", "language")
REQUIRED = ("reference",)
# What the register of logins calls the same two things.
OTHER_NAMES = {"customer": "reference", "customer_name": "name"}
# What the tables hold; a test compares.
LONGEST = {"reference": 64, "name": 200, "account_manager": 150, "email": 254}

FIRST_DAY = date(1970, 1, 1)
WRITE_DATES = "write it as 2026-11-20 or 2026-11-20T14:30"

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?: ?Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def columns_of(header: Iterable[str]) -> tuple[str, ...]:
    """Return the column names; raise `Unreadable` for unknown, doubled and missing ones."""
    return check_header(header, columns=COLUMNS, required=REQUIRED, other_names=OTHER_NAMES)


def cells_of(record: Record, *, columns: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Return the tidied cells of a row by column, or what is wrong with it.

    Invisible characters are left for whoever knows whether the cell changes anything.
    """
    if record.fault:
        return {}, [record.fault]
    if len(record.cells) != len(columns):
        return {}, [f"{len(record.cells)} cells where the header has {len(columns)} columns"]
    written = dict(zip(columns, map(original, record.cells), strict=True))
    wrong = unseen(written, text_is_enough=COLUMNS)
    if wrong:
        return {}, wrong
    row = {name: tidy(value) for name, value in written.items()}
    if not row["reference"]:
        return {}, ["reference is empty"]
    return row, too_long(row, longest=LONGEST)


def activity_of(text: str, *, now: datetime, zone: tzinfo) -> date | datetime:
    """Return a bare date as a date, all else as a moment; raise ValueError with a sentence.

    A time without a zone is local. Refused are days after tomorrow and before `FIRST_DAY`.
    """
    said = _parsed(text, zone=zone)
    day = said.astimezone(zone).date() if isinstance(said, datetime) else said
    today = now.astimezone(zone).date()
    if day > today + timedelta(days=1):
        raise ValueError(f"last_activity_at {shown(text)} lies in the future")
    if day < FIRST_DAY:
        raise ValueError(f"last_activity_at {shown(text)} lies before {FIRST_DAY.year}")
    return said


def _parsed(text: str, *, zone: tzinfo) -> date | datetime:
    senseless = f"last_activity_at {shown(text)} is no date: {WRITE_DATES}"
    if not _MOMENT.fullmatch(text):
        raise ValueError(senseless)
    try:
        if len(text) == len("2026-11-20"):
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text.replace(" Z", "Z"))
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        # A moment at the very edge of the calendar has no place in another zone.
        at.astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(senseless) from error
    return at


def moment_of(said: date | datetime, *, zone: tzinfo) -> datetime:
    """Return the moment meant: a bare date is the beginning of that local day."""
    return said if isinstance(said, datetime) else datetime.combine(said, time(), tzinfo=zone)
