"""Logins in the browser: whose move it is, and the orders a person can give."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html

from refreshops import wiring
from refreshops.console import filters, link_pages, login_search, order_pages, paste_pages
from refreshops.console.addresses import bundle_of_cell
from refreshops.console.badges import mark, nightly_badge
from refreshops.console.cases_list import with_newest_case
from refreshops.console.columns import whose_login
from refreshops.console.known_pages import KnownRows
from refreshops.console.labels import renamed
from refreshops.console.login_export import LoginExport
from refreshops.console.login_page import login_context
from refreshops.console.lookups import CarefulAutocomplete
from refreshops.console.moments import moment
from refreshops.console.notes import LoginNotes
from refreshops.console.order_kinds import KINDS, is_offered, may
from refreshops.console.receipt_pages import LoginReceipts
from refreshops.console.words import outcome_now, person
from refreshops.logins.models import Customer, Login
from refreshops.routine import cells
from refreshops.rules.lifecycle import Purpose

CHANGELIST = "logins_login_changelist"


class LoginForm(forms.ModelForm):
    """A login added by hand: the id in the one spelling the register knows."""

    class Meta:
        model = Login
        fields = ("provider", "login_id", "customer", "institution")

    def clean_login_id(self) -> str:
        """Return the id as its provider spells it, or say what is wrong with it."""
        text: str = self.cleaned_data["login_id"]
        provider = self.cleaned_data.get("provider")
        canonical = wiring.CANONICAL.get(provider.name) if provider else None
        try:
            return canonical(text) if canonical else text.strip()
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from wrong

    def clean_customer(self) -> Customer:
        """Return the customer, unless nothing may be written about them any more."""
        customer: Customer = self.cleaned_data["customer"]
        if customer.erasure_asked_at is not None:
            raise forms.ValidationError("This customer was erased on request.")
        return customer


@admin.register(Login)
class LoginAdmin(KnownRows, LoginNotes, LoginReceipts, LoginExport):
    """One customer's connection at one institution. Its state changes by orders, never by hand."""

    form = LoginForm
    change_form_template = "console/login.html"
    list_display = (
        "whose",
        "institution",
        "here",
        "nightly_there",
        "ended",
        "data",
        "code",
        "manager",
    )
    list_display_links = ("whose",)
    list_filter = (
        "status",
        filters.OutcomeFilter,
        filters.DataStateFilter,
        "nightly",
        filters.InstitutionFilter,
        filters.ManagerFilter,
        filters.LeakFilter,
        filters.DropsOutFilter,
        filters.CodeFilter,
        filters.LoginProviderFilter,
    )
    linked_by = ("customer__id__exact", "gone_at__isnull")
    list_select_related = ("customer__account_manager", "provider")
    search_fields = ("login_id",)
    search_help_text = "A LoginId or its beginning, a customer's reference or name"
    ordering = ("institution", "outcome", "pk")
    sortable_by = ("whose", "institution")
    actions = (
        "refresh_now",
        "refresh_live",
        "switch_off",
        "switch_on",
        "check_schedule",
        "forget",
        "export_csv",
    )
    autocomplete_fields = ("customer",)
    given_by_hand = ("provider", "login_id", "customer", "institution")
    corrected_by_hand = ("customer", "institution")

    def get_urls(self) -> list[Any]:
        """Add the page that takes a list, and the one that makes a connect link."""
        wrap = self.admin_site.admin_view
        own = [
            path("list/", wrap(paste_pages.view), name="login_list"),
            path("<int:pk>/link/", wrap(link_pages.answering(self.link)), name="login_link"),
        ]
        return [*own, *super().get_urls()]

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a connect link for the login's customer."""
        login: Login = link_pages.wanted(self, request, pk)
        return link_pages.for_login(request, login)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Login]:
        """Fetch along what a login's own page names; the list asks for less itself."""
        rows: QuerySet[Login] = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == CHANGELIST:
            return rows
        named = rows.select_related("customer__account_manager", "provider", "status_changed_by")
        return with_newest_case(named)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Head the code's column as the provider does that the list is narrowed to."""
        columns = super().get_list_display(request)
        return renamed(self, request, columns, names={"code": "code"})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the way to give one's own."""
        tools = [*bundle_tools(request), *paste_pages.tools_for(request)]
        return super().changelist_view(request, {"tools": tools, **(extra_context or {})})

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Show first what drops out first, where the list is narrowed to that."""
        if filters.DropsOutFilter.parameter_name in request.GET:
            return ("drops_out_at", "pk")
        return self.ordering

    def get_fields(self, request: HttpRequest, obj: Login | None = None) -> tuple[str, ...]:
        """Return what stands in the register; the page above says the rest."""
        return self.given_by_hand

    def get_readonly_fields(self, request: HttpRequest, obj: Login | None = None) -> list[str]:
        """Leave only customer and institution to be corrected."""
        if obj is None:
            return []
        return [name for name in self.given_by_hand if name not in self.corrected_by_hand]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **options: Any
    ) -> Any:
        """Let the customer's box survive what is no customer."""
        if db_field.name in self.autocomplete_fields:
            options.setdefault("widget", CarefulAutocomplete(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Login, form: Any, change: bool) -> None:
        """Save; runs that counted the login under another bank's name count it again."""
        super().save_model(request, obj, form, change)
        if change and "institution" in form.changed_data:
            cells.forget(login_id=obj.pk)

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may ask for a refresh."""
        return may(request.user, "refresh")

    def has_live_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may ask for a refresh at the bank, and a provider offers it."""
        return may(request.user, "refresh") and is_offered(KINDS[Purpose.LIVE_REFRESH])

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may switch the nightly refresh."""
        return may(request.user, "switch")

    def has_check_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may have the provider asked for the schedule."""
        return may(request.user, "check")

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may have logins forgotten for good."""
        return may(request.user, "forget")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Login | None:
        """Return the login, asked for once a request, with all that its page names."""
        known: dict[Any, Login | None] = request.__dict__.setdefault("logins_asked_for", {})
        key = (object_id, from_field, request.method)
        if key not in known:
            known[key] = super().get_object(request, object_id, from_field)
        return known[key]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Login], search_term: str
    ) -> tuple[QuerySet[Login], bool]:
        """Search a whole LoginId exactly; else the beginning of one, or a customer."""
        return login_search.find(request, queryset, search_term), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the login above its entry in the register."""
        login = self.get_object(request, unquote(object_id))
        if login is not None and not self.has_view_permission(request, login):
            raise PermissionDenied
        extra = login_context(request, login) if login and request.method == "GET" else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @admin.action(description="Refresh now (cached)", permissions=["refresh"])
    def refresh_now(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order a cached refresh of the chosen logins."""
        return order_pages.view(request, queryset, purpose=Purpose.REFRESH)

    @admin.action(description="Refresh live…", permissions=["live"])
    def refresh_live(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order a refresh at the bank itself of the chosen logins."""
        return order_pages.view(request, queryset, purpose=Purpose.LIVE_REFRESH)

    @admin.action(description="Switch off nightly refresh…", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order the nightly refresh off, at the provider too."""
        return order_pages.view(request, queryset, purpose=Purpose.SWITCH_OFF)

    @admin.action(description="Switch on nightly refresh…", permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order the nightly refresh on again."""
        return order_pages.view(request, queryset, purpose=Purpose.SWITCH_ON)

    @admin.action(description="Check schedule…", permissions=["check"])
    def check_schedule(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order a look at what the provider says about the nightly refresh."""
        return order_pages.view(request, queryset, purpose=Purpose.CHECK_SCHEDULE)

    @admin.action(description="Forget…", permissions=["forget"])
    def forget(self, request: HttpRequest, queryset: QuerySet[Login]) -> HttpResponse:
        """Order logins deleted at the provider, and their data erased here."""
        return order_pages.view(request, queryset, purpose=Purpose.FORGET)

    @admin.display(description="customer", ordering="customer__reference")
    def whose(self, login: Login) -> str:
        """Render the customer, and below the first block of the LoginId, the whole in the title."""
        return whose_login(login)

    @admin.display(description="status")
    def here(self, login: Login) -> str:
        """Render whether we want it refreshed."""
        return mark(f"s-{login.status}", login.status)

    @admin.display(description="nightly")
    def nightly_there(self, login: Login) -> str:
        """Render what the provider says."""
        return nightly_badge(login)

    @admin.display(description="outcome")
    def ended(self, login: Login) -> str:
        """Render the last outcome."""
        return outcome_now(login, now=wiring.clock())

    @admin.display(description="data as of")
    def data(self, login: Login) -> str:
        """Render how old our data is."""
        return moment(login.data_as_of, empty="no data")

    @admin.display(description="FlinksCode")
    def code(self, login: Login) -> str:
        """Render the code as it came."""
        code = login.provider_code
        return format_html('<code title="{}">{}</code>', code, code) if code else ""

    @admin.display(description="manager")
    def manager(self, login: Login) -> str:
        """Render who looks after the customer."""
        return person(login.customer.account_manager)


def bundle_tools(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the support bundle of a list that is narrowed to a cell of the matrix."""
    cell = {name: request.GET.get(name, "") for name in ("institution", "code", "outcome")}
    is_cell = cell["institution"] and (cell["code"] or cell["outcome"])
    if not is_cell or not request.user.has_perm("tracing.bundle_call"):
        return []
    return [("Support bundle…", bundle_of_cell(**cell))]
