"""Logins the provider reported and nobody registered: to be read, registered, or switched off."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from refreshops.console import filters, unknown_list, unknown_orders
from refreshops.console.machine_rows import CappedPaginator, MachineRowsAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import seen_by
from refreshops.console.search import spellings
from refreshops.logins import leaks
from refreshops.logins.models import UnknownLogin


@admin.register(UnknownLogin)
class UnknownLoginAdmin(MachineRowsAdmin):
    """What the provider names in its report and nobody knows here; nobody's customer's yet."""

    list_display = ("whole_id", "provider", "state_there", "code", "refreshed", "first", "last")
    list_filter = (filters.ProviderFilter,)
    list_select_related = ("provider",)
    search_fields = ("login_id",)
    search_help_text = "A LoginId or its beginning"
    ordering = ("first_seen_at", "pk")
    sortable_by = ()
    paginator = CappedPaginator
    actions = ("switch_off", "forget", "register")  # type: ignore[assignment]
    fields = (
        "provider",
        "login_id",
        "provider_state",
        "provider_code",
        "last_refresh_at",
        "first_seen_at",
        "last_seen_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnknownLogin]:
        """Leave out what was registered since the report."""
        return seen_by(request.user, leaks.unknown_here())

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether rows that are no customer's are this person's to see."""
        return unknown_list.sees_unknown(request.user)

    def has_register_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may bring logins into the register."""
        return unknown_list.may_register(request.user)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may switch the nightly refresh."""
        return unknown_list.may_switch(request.user)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may have logins deleted at their provider."""
        return unknown_list.may_forget(request.user)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UnknownLogin], search_term: str
    ) -> tuple[QuerySet[UnknownLogin], bool]:
        """Search the beginning of an id."""
        begins = Q()
        for term in spellings(search_term.replace("\0", "")):
            begins |= Q(login_id__startswith=term)
        return queryset.filter(begins), False

    @admin.action(description="Switch off at the provider…", permissions=["switch"])
    def switch_off(
        self, request: HttpRequest, queryset: QuerySet[UnknownLogin]
    ) -> HttpResponse | None:
        """Register the chosen logins under nobody and order them off."""
        return unknown_orders.switch_off(self, request, queryset)

    @admin.action(description="Delete at the provider…", permissions=["forget"])
    def forget(self, request: HttpRequest, queryset: QuerySet[UnknownLogin]) -> HttpResponse | None:
        """Register the chosen logins under nobody and have them deleted where they are."""
        return unknown_orders.forget(self, request, queryset)

    @admin.action(description="Register to a customer…", permissions=["register"])
    def register(
        self, request: HttpRequest, queryset: QuerySet[UnknownLogin]
    ) -> HttpResponse | None:
        """Register the chosen logins under a customer."""
        return unknown_orders.register(self, request, queryset)

    @admin.display(description="LoginId")
    def whole_id(self, row: UnknownLogin) -> str:
        """Render the whole id: it is all we know of the login."""
        return format_html("<code>{}</code>", row.login_id)

    @admin.display(description="state there")
    def state_there(self, row: UnknownLogin) -> str:
        """Render the provider's word about its last refresh."""
        return row.provider_state

    @admin.display(description="FlinksCode")
    def code(self, row: UnknownLogin) -> str:
        """Render the code as it came."""
        return format_html("<code>{}</code>", row.provider_code) if row.provider_code else ""

    @admin.display(description="LastRefresh")
    def refreshed(self, row: UnknownLogin) -> str:
        """Render when the provider last refreshed it, if its report says so."""
        return moment(row.last_refresh_at, empty="–")

    @admin.display(description="first reported")
    def first(self, row: UnknownLogin) -> str:
        """Render when a report first named it."""
        return moment(row.first_seen_at)

    @admin.display(description="last reported")
    def last(self, row: UnknownLogin) -> str:
        """Render when a report last named it."""
        return moment(row.last_seen_at)
