"""A list of millions of rows as a CSV file: every row of the list, whatever page is shown."""

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
from refreshops.console.keyset import AFTER, BEFORE, KeysetAdmin
from refreshops.console.story import tell
from refreshops.logins.cells import Row
from refreshops.tracing.events import Action

# Up to here an export says in the story how many rows it had: to count on would take its time.
COUNTED = 10_000
# Where a reader stood in the list; an export means all of it.
PAGES = (BEFORE, AFTER)
# What an event may keep of a search: an id or a number, no name that somebody typed.
_AN_ID = re.compile(r"[0-9A-Fa-f{}\- ]{1,40}")


class ListExport(KeysetAdmin):
    """Mixin of an admin: its list as a file, for who may export it. `exported` names the rows."""

    change_list_template = "console/exported_list.html"
    exported = ""

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Tell whether who may read the list may take it away."""
        raise NotImplementedError

    def rows_for_file(self, rows: QuerySet[Any]) -> Iterator[Row]:
        """Yield the header and a row for each of `rows`, newest first."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Add the file."""
        wrapped = self.admin_site.admin_view(self.export_csv)
        return [path("export/", wrapped, name=self._export_name), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the export to those who may."""
        address = f"{reverse(f'admin:{self._export_name}')}?{request.GET.urlencode()}"
        may = self.has_export_permission(request)
        extra = {"export_url": address if may else "", "exported": self.opts.verbose_name}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the file; that it was taken is told first. Filters are the address's."""
        if not (self.has_view_permission(request) and self.has_export_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            rows: QuerySet[Any] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as senseless:
            raise BadRequest("A filter makes no sense.") from senseless
        counted = rows.order_by()[: COUNTED + 1].count()
        tell(
            request,
            Action.EXPORT,
            number=counted if counted <= COUNTED else None,
            details={"what": self.exported, "as": "csv", "filters": narrowed_by(request)},
        )
        filename = dated_name(self.exported, ending="csv")
        return csv_response(self.rows_for_file(rows), filename=filename)

    @property
    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"


def narrowed_by(request: HttpRequest) -> dict[str, str]:
    """Return a list's filters for the story; a search only where it is an id or a number."""
    asked = request.GET.items()
    kept = {name: str(value)[:80] for name, value in asked if value and name not in PAGES}
    if not _AN_ID.fullmatch(kept.get("q", "0")):
        kept["q"] = "(words)"
    return kept
