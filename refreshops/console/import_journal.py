"""Writes an import into the journal: one entry for all of it, one for each customer it decided on.

New activity dates alone get none: they come every day, for everybody.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from refreshops.logins.customer_resource import Change
from refreshops.logins.models import Customer

DECIDED = {"name": "name", "account_manager": "account manager"}


class ImportJournal:
    """Hears the changes of one import, chunk by chunk, in its transaction."""

    def __init__(self, *, by: Any, file: str) -> None:
        self._by = by
        self._file = file
        self._kind = ContentType.objects.get_for_model(Customer)

    def hear(self, changes: Iterable[Change]) -> None:
        """Write down who became new, and who has another name or manager."""
        decided = {
            change.customer.reference: change
            for change in changes
            if change.new or DECIDED.keys() & set(change.columns)
        }
        rows = Customer.objects.filter(reference__in=decided)
        LogEntry.objects.bulk_create(
            self._entry(
                object_id=str(customer.pk),
                object_repr=str(customer)[:200],
                action_flag=ADDITION if decided[customer.reference].new else CHANGE,
                change_message=_message(decided[customer.reference]),
            )
            for customer in rows
        )

    def close(self, said: str) -> None:
        """Write down the import as a whole."""
        self._entry(
            object_repr=f"Import of {self._file}"[:200], action_flag=CHANGE, change_message=said
        ).save()

    def _entry(self, **fields: Any) -> LogEntry:
        return LogEntry(user=self._by, content_type=self._kind, **fields)


def _message(change: Change) -> str:
    columns = ", ".join(DECIDED[column] for column in change.columns if column in DECIDED)
    return f"Imported: {columns}." if columns else "Imported."
