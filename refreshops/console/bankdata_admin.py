"""Bank data in the browser: when and how much was fetched for many, the accounts for few."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.console.call_filters import day_filter
from refreshops.console.keyset import KeysetAdmin
from refreshops.console.login_page import note_viewing
from refreshops.console.machine_rows import MachineRowsAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import sees_bank_data, sees_everything
from refreshops.console.search import spellings


class ByLoginId:
    """Mixin: search by a whole LoginId, exactly."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Keep the rows of one login."""
        terms = spellings(search_term)
        return (queryset.filter(login__login_id__in=terms) if terms[0] else queryset), False


@admin.register(Snapshot)
class SnapshotAdmin(ByLoginId, KeysetAdmin, MachineRowsAdmin):
    """When what was fetched; never the payload itself."""

    list_display = ("id", "login", "fetched", "as_of", "account_count", "transaction_count")
    list_select_related = ("login",)
    list_filter = (day_filter("fetched_at"),)
    search_fields = ("login_id",)
    search_help_text = "A whole LoginId"
    ordering = ("-fetched_at", "-id")
    nothing_yet = "The daily run fetches one for each login that it finds fresh."
    fields = (
        "login",
        "attempt_id",
        "fetched",
        "as_of",
        "account_count",
        "transaction_count",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        """Leave the sealed payload on disk."""
        rows: QuerySet[Snapshot] = super().get_queryset(request)
        return rows.defer("payload")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An account manager sees nothing of this, whatever else they were given."""
        return super().has_view_permission(request, obj) and sees_everything(request.user)

    @admin.display(description="fetched")
    def fetched(self, snapshot: Snapshot) -> str:
        """Render when it was fetched."""
        return moment(snapshot.fetched_at)

    @admin.display(description="data as of")
    def as_of(self, snapshot: Snapshot) -> str:
        """Render the provider's own time of the data."""
        return moment(snapshot.data_as_of, empty="unknown")


@admin.register(BankAccount)
class BankAccountAdmin(ByLoginId, KeysetAdmin, MachineRowsAdmin):
    """The accounts of each login's latest snapshot, for people with the permission."""

    list_display = (
        "title",
        "kind",
        "last_four",
        "currency",
        "balance_current",
        "balance_available",
        "login",
    )
    list_select_related = ("login",)
    search_fields = ("login_id",)
    search_help_text = "A whole LoginId"
    ordering = ("-id",)
    nothing_yet = "They come with a login's next snapshot."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only with the add-on permission, and never for an account manager."""
        return sees_bank_data(request.user)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one account, and note who looked."""
        account = self.get_object(request, unquote(object_id))
        if account is not None and sees_bank_data(request.user):
            note_viewing(request, account)
        return super().change_view(request, object_id, form_url, extra_context)
