"""The list of logins as a CSV file: what the list shows and nothing of the bank's data."""

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from refreshops.console.exports import csv_response, dated_name
from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.scoping import seen_by
from refreshops.console.story import tell
from refreshops.logins.cells import Row
from refreshops.logins.models import Login
from refreshops.tracing.events import Action

# Columns that are the login's own fields, by their names.
FIELDS = (
    "institution",
    "login_id",
    "status",
    "nightly",
    "nightly_seen_at",
    "nightly_verified_at",
    "gone_at",
    "drops_out_at",
    "outcome",
    "outcome_reason",
    "provider_code",
    "data_state",
    "data_as_of",
    "last_refresh_at",
    "last_asked_at",
)
COLUMNS = (
    "customer",
    "customer_name",
    "account_manager",
    "last_activity_at",
    "provider",
    *FIELDS,
    "cost_per_month",
    "currency",
)
CHUNK = 2000


class LoginExport(ConsoleAdmin):
    """The action that hands out the chosen logins as a file."""

    @admin.action(description="Export (CSV)", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Login]) -> StreamingHttpResponse:
        """Answer with a row for each chosen login that this person may see."""
        logins = seen_by(request.user, queryset)
        number = logins.order_by().count()
        tell(request, Action.EXPORT, number=number, details={"what": "logins", "as": "csv"})
        return csv_response(login_rows(logins), filename=dated_name("logins", ending="csv"))


def login_rows(logins: QuerySet[Login]) -> Iterator[Row]:
    """Yield the header and a row for each login, oldest first, in chunks of `CHUNK`."""
    yield COLUMNS
    known = logins.select_related("customer__account_manager", "provider").order_by("pk")
    chunk = list(known[:CHUNK])
    while chunk:
        yield from map(_row, chunk)
        chunk = list(known.filter(pk__gt=chunk[-1].pk)[:CHUNK])


def _row(login: Login) -> Row:
    customer, manager = login.customer, login.customer.account_manager
    return [
        customer.reference,
        customer.name,
        manager.get_username() if manager else "",
        customer.last_activity_at,
        login.provider.name,
        *(getattr(login, name) for name in FIELDS),
        login.provider.cost_per_login_month,
        login.provider.currency,
    ]
