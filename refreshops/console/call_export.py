"""The calls of a list as a CSV file, under the names the provider asks for (seed 003)."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from refreshops.console.exports import csv_response, dated_name
from refreshops.console.keyset import AFTER, BEFORE, Key, KeysetAdmin, by_key
from refreshops.console.story import tell
from refreshops.logins.cells import Row
from refreshops.tracing.events import Action
from refreshops.tracing.models import Call

# Seed 003, "Tracing and Logs", names the first six; what else we know of a call follows.
COLUMNS = (
    ("timestamp", "sent_at"),
    ("URL", "url"),
    ("body (parameters used)", "body"),
    ("HttpStatusCode", "http_status_code"),
    ("FlinksCode", "provider_code"),
    ("Message", "message"),
    ("LoginId", "login_id"),
    ("RequestId", "request_id"),
    ("Institution", "institution"),
    ("provider", "provider"),
    ("endpoint", "endpoint"),
    ("method", "method"),
    ("state", "state"),
    ("answered at", "answered_at"),
    ("why no answer", "error"),
    ("run", "run_id"),
    ("attempt", "attempt_id"),
    ("call", "pk"),
)
# Up to here an export says in the story how many rows it had: to count on would take its time.
COUNTED = 10_000
NEWEST = Key("sent_at")
# Where a reader stood in the list; an export means all of it.
PAGES = (BEFORE, AFTER)
# What an event may keep of a search: an id or a number, no name that somebody typed.
_AN_ID = re.compile(r"[0-9A-Fa-f{}\- ]{1,40}")


class CallExport(KeysetAdmin):
    """Mixin of the calls' admin: all rows of the list, whatever page is shown, as a file."""

    change_list_template = "console/calls.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the file."""
        wrapped = self.admin_site.admin_view(self.export_csv)
        return [path("export/", wrapped, name="tracing_call_export"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the export to those who may."""
        query = request.GET.urlencode()
        address = f"{reverse('admin:tracing_call_export')}?{query}"
        extra = {"export_url": address if _may_export(request.user) else ""}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the file, newest first, and note who took it; filters are the address's."""
        if not (self.has_view_permission(request) and _may_export(request.user)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            rows: QuerySet[Call] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as senseless:
            raise BadRequest("A filter makes no sense.") from senseless
        counted = rows.order_by()[: COUNTED + 1].count()
        tell(
            request,
            Action.EXPORT,
            number=counted if counted <= COUNTED else None,
            details={"what": "calls", "as": "csv", "filters": narrowed_by(request)},
        )
        return csv_response(call_rows(rows), filename=dated_name("calls", ending="csv"))


def _may_export(user: Any) -> bool:
    return bool(user.has_perm("tracing.export_call"))


def narrowed_by(request: HttpRequest) -> dict[str, str]:
    """Return a list's filters for the story; a search only where it is an id or a number."""
    asked = request.GET.items()
    kept = {name: str(value)[:80] for name, value in asked if value and name not in PAGES}
    if not _AN_ID.fullmatch(kept.get("q", "0")):
        kept["q"] = "(words)"
    return kept


def call_rows(calls: QuerySet[Call]) -> Iterator[Row]:
    """Yield the header and a row for each call, newest first."""
    heads, fields = zip(*COLUMNS, strict=True)
    yield heads
    yield from map(_row, by_key(calls.values_list(*fields, named=True), key=NEWEST))


def _row(values: tuple[Any, ...]) -> Row:
    return [_plain(value) if isinstance(value, dict) else value for value in values]


def _plain(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True) if body else ""
