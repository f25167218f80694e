"""The story as a CSV file: every event of a list, newest first."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from refreshops.console.keyset import Key, by_key
from refreshops.console.list_export import ListExport
from refreshops.console.story_words import what_was_done
from refreshops.logins.cells import Row
from refreshops.tracing.models import Event

COLUMNS = (
    "timestamp",
    "who",
    "what",
    "action",
    "how many",
    "why",
    "run",
    "provider",
    "about",
    "about number",
    "details",
    "event",
)
NEWEST = Key("at")


class EventExport(ListExport):
    """Mixin of the events' admin: its list as a file, in which its own export stands too."""

    exported = "events"

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may take events away: who may read them may."""
        return self.has_view_permission(request)

    def rows_for_file(self, rows: QuerySet[Any]) -> Iterator[Row]:
        """Yield the file's rows."""
        return event_rows(rows)


def event_rows(events: QuerySet[Event]) -> Iterator[Row]:
    """Yield the header and a row for each event, newest first."""
    yield COLUMNS
    yield from map(_row, by_key(events, key=NEWEST))


def _row(event: Event) -> Row:
    return (
        event.at,
        event.actor,
        what_was_done(event),
        event.action,
        event.number,
        event.reason,
        event.run_id,
        event.provider,
        event.subject,
        event.subject_id,
        json.dumps(event.details, ensure_ascii=False, sort_keys=True) if event.details else "",
        event.pk,
    )
