"""Customers in the browser: what they cost, how long they were idle, and orders about all of it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from refreshops.console import link_pages, order_pages, paste_pages
from refreshops.console.activity_filter import InactiveFilter
from refreshops.console.customer_page import costs_of, customer_context, with_counts
from refreshops.console.filters import CustomerManagerFilter
from refreshops.console.import_pages import CustomerImport
from refreshops.console.known_pages import KnownRows
from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.moments import moment
from refreshops.console.order_kinds import may
from refreshops.console.privacy_pages import CustomerPrivacy
from refreshops.console.scoping import logins_of
from refreshops.console.words import person
from refreshops.logins.models import Customer, Login
from refreshops.rules.lifecycle import Purpose

CHANGELIST = "logins_customer_changelist"


@admin.register(Customer)
class CustomerAdmin(KnownRows, CustomerPrivacy, CustomerImport, ConsoleAdmin):
    """The client who owns logins."""

    change_form_template = "console/customer.html"
    list_display = (
        "reference",
        "name",
        "manager",
        "activity",
        "active_here",
        "inactive_here",
        "cost",
    )
    list_display_links = ("reference", "name")
    list_filter = (InactiveFilter, CustomerManagerFilter)
    list_select_related = ("account_manager",)
    search_fields = ("reference__istartswith", "name")
    search_help_text = "The beginning of a reference, or a part of the name"
    ordering = ("reference",)
    sortable_by = ("reference", "name", "activity")
    actions = ("switch_off_all", "switch_on_all")
    fields = ("reference", "name", "email", "language", "account_manager", "last_activity_at")

    def get_urls(self) -> list[Any]:
        """Add the page that makes a connect link, and the way to revoke one."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/link/", wrap(link_pages.answering(self.link)), name="customer_link"),
            path(
                "link/<int:pk>/revoke/", wrap(require_POST(link_pages.revoke)), name="link_revoke"
            ),
        ]
        return [*own, *super().get_urls()]

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a link by which the customer connects a bank."""
        customer: Customer = link_pages.wanted(self, request, pk)
        return link_pages.for_customer(request, customer)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Count each customer's logins along, and what they cost."""
        rows: QuerySet[Customer] = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name != CHANGELIST:
            return rows.select_related("account_manager")
        return with_counts(rows)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Customer | None:
        """Return the customer, asked for once a request."""
        known: dict[Any, Customer | None] = request.__dict__.setdefault("customers_asked_for", {})
        key = (object_id, from_field, request.method)
        if key not in known:
            known[key] = super().get_object(request, object_id, from_field)
        return known[key]

    def get_fields(self, request: HttpRequest, obj: Customer | None = None) -> tuple[str, ...]:
        """Leave out of a page for reading what links to a page about people."""
        if obj is None or self.has_change_permission(request, obj):
            return tuple(self.fields)
        return tuple(name for name in self.fields if name != "account_manager")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may switch the nightly refresh."""
        return may(request.user, "switch")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the way to give one's own."""
        extra = {"tools": paste_pages.tools_for(request), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the customer's logins above the entry in the register."""
        customer = self.get_object(request, unquote(object_id))
        if customer is not None and not self.has_view_permission(request, customer):
            raise PermissionDenied
        shown = customer is not None and request.method == "GET"
        extra = customer_context(request, customer) if customer and shown else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @admin.action(description="Switch off all their logins…", permissions=["switch"])
    def switch_off_all(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Order the nightly refresh off for every login of the chosen customers."""
        chosen = _logins_of_all(request, queryset)
        return order_pages.view(request, chosen, purpose=Purpose.SWITCH_OFF)

    @admin.action(description="Switch on all their logins…", permissions=["switch"])
    def switch_on_all(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Order the nightly refresh on again for every login of the chosen customers."""
        chosen = _logins_of_all(request, queryset)
        return order_pages.view(request, chosen, purpose=Purpose.SWITCH_ON)

    @admin.display(description="manager")
    def manager(self, customer: Customer) -> str:
        """Render who looks after them."""
        return person(customer.account_manager)

    @admin.display(description="last activity", ordering="last_activity_at")
    def activity(self, customer: Customer) -> str:
        """Render when the customer was last active."""
        return moment(customer.last_activity_at, empty="unknown")

    @admin.display(description="logins on")
    def active_here(self, customer: Any) -> str:
        """Render the number of active logins, linked to them."""
        return _logins_link(customer, customer.active or 0, status="active")

    @admin.display(description="logins off")
    def inactive_here(self, customer: Any) -> str:
        """Render the number of inactive logins, linked to them."""
        return _logins_link(customer, customer.inactive or 0, status="inactive")

    @admin.display(description="cost a month")
    def cost(self, customer: Any) -> str:
        """Render what the provider charges for them a month."""
        return costs_of(customer) or "–"


def _logins_of_all(request: HttpRequest, customers: QuerySet[Customer]) -> QuerySet[Login]:
    return logins_of(request.user).filter(customer__in=customers.order_by().values("pk"))


def _logins_link(customer: Customer, number: int, *, status: str) -> str:
    address = reverse("admin:logins_login_changelist")
    query = f"customer__id__exact={customer.pk}&status__exact={status}"
    return format_html('<a href="{}?{}">{}</a>', address, query, number) if number else "0"
