"""The story as a CSV file: every event of a list, newest first, whatever page is shown."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from refreshops.console.call_export import COUNTED, narrowed_by
from refreshops.console.exports import csv_response, dated_name
from refreshops.console.keyset import Key, KeysetAdmin
from refreshops.console.story import tell
from refreshops.console.story_words import what_was_done
from refreshops.logins.cells import Row
from refreshops.tracing.events import Action
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
CHUNK = 1000
NEWEST = Key("at")


class EventExport(KeysetAdmin):
    """Mixin of the events' admin: its list as a file. Who may read it may take it away."""

    change_list_template = "console/events.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the file."""
        wrapped = self.admin_site.admin_view(self.export_csv)
        return [path("export/", wrapped, name="tracing_event_export"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the export."""
        address = f"{reverse('admin:tracing_event_export')}?{request.GET.urlencode()}"
        return super().changelist_view(request, {"export_url": address, **(extra_context or {})})

    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the file; that it was taken is told first, and stands in it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            rows: QuerySet[Event] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as senseless:
            raise BadRequest("A filter makes no sense.") from senseless
        counted = rows.order_by()[: COUNTED + 1].count()
        details = {"what": "events", "as": "csv", "filters": narrowed_by(request)}
        number = counted if counted <= COUNTED else None
        tell(request, Action.EXPORT, number=number, details=details)
        return csv_response(event_rows(rows), filename=dated_name("events", ending="csv"))


def event_rows(events: QuerySet[Event]) -> Iterator[Row]:
    """Yield the header and a row for each event, newest first, read by key in chunks."""
    yield COLUMNS
    events = events.order_by(*NEWEST.ordering)
    rest = events
    while chunk := list(rest[:CHUNK]):
        yield from map(_row, chunk)
        beyond = NEWEST.beyond(events, NEWEST.cursor(chunk[-1]), older=True)
        rest = events.none() if beyond is None else beyond


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
