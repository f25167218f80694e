"""Brings customers in line with a CSV or XLSX file: all of it, or nothing.

The file is read in chunks, so that neither its rows nor what became of them stand in memory.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import islice

from django.db import transaction
from tablib import Dataset

from refreshops.logins import register_file, spreadsheet_file
from refreshops.logins.cells import original
from refreshops.logins.customer_fields import Managers
from refreshops.logins.customer_resource import WRITTEN, Change, CustomerResource, Scope
from refreshops.logins.customer_rows import cells_of, columns_of
from refreshops.logins.register_file import Record, Sheet, Unreadable
from refreshops.logins.register_rows import FAULTS_KEPT, Faults

CHUNK = 1000
SAMPLE = 50
NO_ROWS = "The file has a header and no rows."
NO_WORKBOOK = f"Its name ends in .xlsx, but the file is no workbook. {spreadsheet_file.SAVE_AS}"

Hear = Callable[[list[Change]], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """One change as people read it: the customer, and (column, before, after)."""

    line: int
    reference: str
    new: bool
    columns: list[tuple[str, object, object]]


@dataclass
class Report:
    """What a file would do, or did. Faults by line; with one of them nothing is written."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved_back: int = 0
    faults: Faults = field(default_factory=Faults)
    # How many known customers change in a column.
    columns: Counter[str] = field(default_factory=Counter)
    sample: list[Shown] = field(default_factory=list)
    # How many customers go to somebody outside the group, by user name.
    elsewhere: Counter[str] = field(default_factory=Counter)

    @property
    def changes(self) -> int:
        """How many customers become new or different."""
        return self.new + self.changed

    @property
    def not_shown(self) -> int:
        """How many changes are left out of the sample."""
        return self.changes - len(self.sample)

    def hear(self, change: Change, *, managers: Managers) -> None:
        """Count a change, and keep the first ones to show."""
        if change.new:
            self.new += 1
        else:
            self.changed += 1
        columns = change.columns
        if not change.new:
            self.columns.update(columns)
        _, manager, last, *_ = change.after
        if change.before[2] and last and last < change.before[2]:
            self.moved_back += 1
        if "account_manager" in columns and manager in managers.elsewhere:
            self.elsewhere[managers.name_of(manager)] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(_shown(change, managers))


def _shown(change: Change, managers: Managers) -> Shown:
    def texts(column: str) -> tuple[str, object, object]:
        at = WRITTEN.index(column)
        before, after = change.before[at], change.after[at]
        if column == "account_manager":
            before, after = managers.name_of(change.before[1]), managers.name_of(change.after[1])
        return column, before, after

    columns = [texts(column) for column in change.columns]
    return Shown(change.line, change.customer.reference, change.new, columns)


def look_at_name(name: str, *, content: bytes) -> None:
    """Refuse a file that is called a workbook and does not begin like one: raise `Unreadable`."""
    called_so = name.lower().endswith(".xlsx")
    if content and called_so and not spreadsheet_file.is_spreadsheet(content):
        raise Unreadable(NO_WORKBOOK)


def check(
    content: bytes, *, scope: Scope, now: datetime, zone: tzinfo, faults_kept: int = FAULTS_KEPT
) -> Report:
    """Return what the file would do. Writes nothing; raises `Unreadable`.

    `zone` is where a bare date and a time without a zone are local.
    """
    return _Import(scope, now, zone, faults_kept=faults_kept).run(content)


def write(
    content: bytes,
    *,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    log: Hear = lambda changes: None,
) -> Report:
    """Check the file again and carry it out, whole or not at all; raises `Unreadable`.

    `log` hears the changes of each chunk inside the transaction.
    """
    with transaction.atomic():
        report = _Import(scope, now, zone, log=log, writes=True).run(content)
        if report.faults.count:
            transaction.set_rollback(True)
    return report


class _Import:
    """One pass over a file."""

    def __init__(
        self,
        scope: Scope,
        now: datetime,
        zone: tzinfo,
        *,
        faults_kept: int = FAULTS_KEPT,
        log: Hear = lambda changes: None,
        writes: bool = False,
    ) -> None:
        self._report = Report(faults=Faults(most=faults_kept))
        self._changes: list[Change] = []
        self._log = log
        self._writes = writes
        self._resource = CustomerResource(
            scope=scope, now=now, zone=zone, hear=self._changes.append, writes=writes
        )

    def run(self, content: bytes) -> Report:
        with _opened(content) as sheet:
            columns = columns_of(sheet.header)
            records = iter(sheet.records)
            while chunk := list(islice(records, CHUNK)):
                self._take(chunk, columns)
        if not self._report.rows:
            raise Unreadable(NO_ROWS)
        return self._report

    def _take(self, records: list[Record], columns: tuple[str, ...]) -> None:
        faults: list[tuple[int, str]] = []
        rows = Dataset(headers=[*columns, "as_written", "line"])
        at = columns.index("reference")
        for record in records:
            row, wrong = cells_of(record, columns=columns)
            if wrong:
                faults.append((record.line, "; ".join(wrong)))
            else:
                written = original(record.cells[at])
                rows.append([*(row[name] for name in columns), written, record.line])
        self._report.rows += len(records)
        if len(rows):
            faults += self._import(rows)
        for line, why in sorted(faults):
            self._report.faults.add(line, why)
        self._tell()

    def _import(self, rows: Dataset) -> list[tuple[int, str]]:
        """Import one chunk; return its faults."""
        # `import_data` would open a writing transaction for a rehearsal, too.
        result = self._resource.import_data_inner(
            rows,
            dry_run=not self._writes,
            raise_errors=False,
            using_transactions=False,
            collect_failed_rows=False,
        )
        for error in (*result.base_errors, *(e for row in result.error_rows for e in row.errors)):
            raise error.error
        self._report.unchanged += result.totals["skip"]
        lines = rows["line"]
        return [
            (lines[row.number - 1], "; ".join(row.error.messages)) for row in result.invalid_rows
        ]

    def _tell(self) -> None:
        for change in self._changes:
            self._report.hear(change, managers=self._resource.managers)
        if self._writes and self._changes:
            self._log(self._changes)
        self._changes.clear()


@contextmanager
def _opened(content: bytes) -> Iterator[Sheet]:
    """Open a file as what its first bytes say it is."""
    if spreadsheet_file.is_spreadsheet(content):
        yield spreadsheet_file.sheet_of(content)
        return
    file = io.BytesIO(content)
    with register_file.reading(file, size=len(content), semicolons=True) as sheet:
        yield sheet
