"""The customers of a list as a file that the import takes back: CSV or XLSX, own rows only."""

from collections.abc import Iterator

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from import_export.admin import ExportMixin

from refreshops.console.exports import csv_response, dated_name, xlsx_response
from refreshops.console.story import tell
from refreshops.logins.cells import Row
from refreshops.logins.customer_rows import COLUMNS
from refreshops.logins.models import Customer
from refreshops.tracing.events import Action

KINDS = {"csv": "Export CSV", "xlsx": "Export XLSX"}


class CustomerExport(ExportMixin):
    """Mixin of the customers' admin: what the list shows now, as a file."""

    import_export_change_list_template = None

    def get_urls(self) -> list[URLPattern]:
        """Add the file in both kinds, in place of the library's form."""
        own = path(
            "export/<slug:kind>/",
            self.admin_site.admin_view(self.export_action),
            name="logins_customer_export",
        )
        # Past the library's own pages.
        return [own, *super(ExportMixin, self).get_urls()]

    def export_action(self, request: HttpRequest, kind: str = "") -> HttpResponseBase:
        """Answer with the file; search and filters narrow it as they narrow the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in KINDS:
            raise Http404(kind)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            customers = _importable(self.get_export_queryset(request))
            self._tell(request, customers, kind=kind)
            rows = table_of(customers)
        except IncorrectLookupParameters as senseless:
            raise BadRequest("A filter makes no sense.") from senseless
        name = dated_name("customers", ending=kind)
        if kind == "csv":
            return csv_response(rows, filename=name, exact=True)
        return xlsx_response(rows, filename=name, sheet="Customers")

    def _tell(self, request: HttpRequest, customers: QuerySet[Customer], *, kind: str) -> None:
        if request.method == "GET":
            number = customers.order_by().count()
            tell(request, Action.EXPORT, number=number, details={"what": "customers", "as": kind})


def export_tools(query: str) -> list[tuple[str, str]]:
    """Return the links to both files, for a list narrowed by `query`."""
    return [
        (label, reverse("admin:logins_customer_export", args=[kind]) + query)
        for kind, label in KINDS.items()
    ]


def _importable(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Leave out customers to be forgotten: the import refuses them."""
    return customers.filter(erasure_asked_at=None)


def table_of(customers: QuerySet[Customer]) -> Iterator[Row]:
    """Yield header and rows."""
    yield COLUMNS
    rows = customers.select_related("account_manager")
    for customer in rows.iterator(chunk_size=2000):
        person = customer.account_manager
        manager = person.get_username() if person else ""
        told = (customer.last_activity_at, customer.email, customer.language)
        yield customer.reference, customer.name, manager, *told
