"""The calls of a list as a CSV file, under the names the provider asks for (seed 003)."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from refreshops.console.keyset import Key, by_key
from refreshops.console.list_export import ListExport
from refreshops.logins.cells import Row
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
NEWEST = Key("sent_at")


class CallExport(ListExport):
    """Mixin of the calls' admin: its list as a file."""

    exported = "calls"

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may take calls away: not everybody who reads them."""
        return bool(request.user.has_perm("tracing.export_call"))

    def rows_for_file(self, rows: QuerySet[Any]) -> Iterator[Row]:
        """Yield the file's rows."""
        return call_rows(rows)


def call_rows(calls: QuerySet[Call]) -> Iterator[Row]:
    """Yield the header and a row for each call, newest first."""
    heads, fields = zip(*COLUMNS, strict=True)
    yield heads
    yield from map(_row, by_key(calls.values_list(*fields, named=True), key=NEWEST))


def _row(values: tuple[Any, ...]) -> Row:
    return [_plain(value) if isinstance(value, dict) else value for value in values]


def _plain(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True) if body else ""
