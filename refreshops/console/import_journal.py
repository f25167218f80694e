"""Writes an import into the journal: an entry for all of it, and one for each thing decided anew.

That is a name, a manager, or another e-mail address than before.
The story gets one event for all of it.

New customers, first addresses and activity dates get none: there may be 100 000 of them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from refreshops.logins.customer_import import Report
from refreshops.logins.customer_resource import WRITTEN, Change
from refreshops.logins.models import Customer
from refreshops.tracing.events import Action, note

DECIDED = {"name": "name", "account_manager": "account manager", "email": "e-mail address"}


class ImportJournal:
    """Hears the changes of one import, chunk by chunk, in its transaction."""

    def __init__(self, *, by: Any, file: str) -> None:
        self._by = by
        self._file = file
        self._kind = ContentType.objects.get_for_model(Customer)

    def hear(self, changes: Iterable[Change]) -> None:
        """Write down which known customers have another name or manager."""
        LogEntry.objects.bulk_create(
            self._entry(
                object_id=str(change.customer.pk),
                object_repr=str(change.customer)[:200],
                change_message=f"Imported: {', '.join(columns)}.",
            )
            for change in changes
            if not change.new and (columns := _decided(change))
        )

    def close(self, report: Report, *, said: str, now: datetime) -> None:
        """Write down the import as a whole."""
        self._entry(object_repr=f"Import of {self._file}"[:200], change_message=said).save()
        tell_import(report, by=self._by, now=now)

    def _entry(self, **fields: Any) -> LogEntry:
        return LogEntry(user=self._by, content_type=self._kind, action_flag=CHANGE, **fields)


def _decided(change: Change) -> list[str]:
    """Return what a person decided of a known customer, in words."""
    had_address = bool(change.before[WRITTEN.index("email")])
    named = [name for name in change.columns if name != "email" or had_address]
    return [DECIDED[name] for name in named if name in DECIDED]


def tell_import(report: Report, *, by: Any, now: datetime) -> None:
    """Tell the story of an import of customers that changed something; None: the command line.

    Not the file's name: people name files after persons.
    """
    counts = {"new": report.new, "changed": report.changed, "unchanged": report.unchanged}
    if report.changes:
        details = {"what": "customers", **counts}
        note(Action.IMPORT, by=by, at=now, number=report.changes, details=details)
