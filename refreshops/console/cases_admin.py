"""Reconnect cases in the browser: the worklist, one case, and what can be done about many."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from refreshops.console import (
    cases_banks,
    cases_list,
    cases_mail,
    cases_page,
    cases_recovery,
    cases_steps,
    link_pages,
    order_pages,
)
from refreshops.console.addresses import cases_list as address_of_list
from refreshops.console.cases_words import link_badge, must_do
from refreshops.console.columns import whose_login
from refreshops.console.known_pages import KnownRowsList
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.moments import moment
from refreshops.console.order_kinds import may
from refreshops.console.scoping import logins_of
from refreshops.console.search import spellings
from refreshops.console.words import person
from refreshops.logins.models import ReconnectCase
from refreshops.rules.lifecycle import Purpose

CHANGELIST = "logins_reconnectcase_changelist"


@admin.register(ReconnectCase)
class ReconnectCaseAdmin(PageAdmin):
    """Customers who must act: the list is worked from the top."""

    page_template = "console/case.html"
    change_list_template = "console/cases.html"
    list_display = (
        "whose",
        "institution",
        "must",
        "since",
        "contact",
        "link",
        "relapses",
        "manager",
    )
    list_display_links = ("whose",)
    list_filter = (
        cases_list.ViewFilter,
        cases_list.BankFilter,
        cases_list.CaseManagerFilter,
        cases_list.ReasonFilter,
        cases_list.ContactedFilter,
        cases_list.CaseProviderFilter,
    )
    list_select_related = ("login__customer__account_manager",)
    search_fields = ("pk",)
    search_help_text = "A LoginId or its beginning, a customer's reference or name"
    ordering = ("opened_at", "pk")
    sortable_by = ()
    paginator = cases_list.CasePaginator
    actions = ("send_link", "snooze", "switch_off")  # type: ignore[assignment]
    nothing_yet = "A login whose customer must act opens one by itself."

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconnectCase]:
        """Read what a case's page names with it."""
        rows: QuerySet[ReconnectCase] = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == CHANGELIST:
            return rows
        return rows.select_related("login__customer__account_manager", "login__provider")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Return the order of the view that is shown."""
        return cases_list.order_of(request.GET.get(cases_list.VIEW, ""))

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the list whose every page comes from the paginator."""
        return KnownRowsList

    def get_urls(self) -> list[Any]:
        """Add the steps of a case, and what came back."""
        wrap = self.admin_site.admin_view
        steps = [
            path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"case_{name}")
            for name, view in (("contact", self.contact_step), ("snooze", self.snooze_step))
        ]
        recovery = require_safe(cases_recovery.view)
        own = [*steps, path("recovery/", wrap(recovery), name="case_recovery")]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, and in one line each bank whose cases are folded away."""
        extra: dict[str, Any] = {"tools": [("Recovery", cases_recovery.address())]}
        view = request.GET.get(cases_list.VIEW, "")
        if view in (cases_list.TO_DO, cases_list.PROPOSED) and self.has_view_permission(request):
            extra["folded"] = [
                (name, number, address_of_list(view=cases_list.DOWN, institution=name))
                for name, number in cases_banks.folded_away(request)
            ]
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReconnectCase], search_term: str
    ) -> tuple[QuerySet[ReconnectCase], bool]:
        """Search the beginning of a LoginId or a reference, or a part of a customer's name."""
        term = search_term.strip()
        if "\0" in term:
            return queryset.none(), False
        if term:
            found = Q(login__customer__reference__istartswith=term)
            found |= Q(login__customer__name__icontains=term)
            for spelling in spellings(term):
                found |= Q(login__login_id__startswith=spelling)
            queryset = queryset.filter(found)
        return queryset, False

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may log contacts and snooze cases."""
        return cases_steps.may_work(request.user)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may switch the nightly refresh."""
        return may(request.user, "switch")

    def page_context(self, request: HttpRequest, row: ReconnectCase) -> dict[str, Any]:
        """Return what a case's page draws."""
        return cases_page.context_of(request, row)

    def contact_step(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write down that somebody was in touch with the customer."""
        return cases_steps.contact(request, self._to_work_on(request, pk), again=self.ask_again)

    def snooze_step(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a case rest, or wake it."""
        return cases_steps.snooze(request, self._to_work_on(request, pk), again=self.ask_again)

    def _to_work_on(self, request: HttpRequest, pk: int) -> ReconnectCase:
        cases_steps.require_work(request.user)
        case: ReconnectCase = self.row_or_404(request, str(pk))
        return case

    def ask_again(self, request: HttpRequest, case: ReconnectCase, error: str) -> HttpResponse:
        """Show the case's page with what was typed, and what is wrong with it."""
        return cases_page.refused(request, case, error=error, shared=self.shared_context(request))

    def shared_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of a row is drawn with."""
        return {**self.admin_site.each_context(request), "opts": self.opts}

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may make and send connect links."""
        return link_pages.may_send(request.user)

    @admin.action(description="Send a link by mail…", permissions=["send"])
    def send_link(self, request: HttpRequest, queryset: QuerySet[ReconnectCase]) -> HttpResponse:
        """Mail a link of its own for each of the chosen cases."""
        return cases_mail.send_many(request, queryset)

    @admin.action(description="Put off…", permissions=["work"])
    def snooze(self, request: HttpRequest, queryset: QuerySet[ReconnectCase]) -> HttpResponse:
        """Let the chosen cases rest until a day."""
        return cases_steps.snooze_many(request, queryset)

    @admin.action(description="Switch off nightly refresh…", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ReconnectCase]) -> HttpResponse:
        """Order the nightly refresh off for the logins of the chosen cases."""
        chosen = logins_of(request.user).filter(pk__in=queryset.order_by().values("login_id"))
        return order_pages.view(request, chosen, purpose=Purpose.SWITCH_OFF)

    @admin.display(description="customer")
    def whose(self, case: ReconnectCase) -> str:
        """Render the customer, and below the first block of the LoginId."""
        return whose_login(case.login)

    @admin.display(description="institution")
    def institution(self, case: ReconnectCase) -> str:
        """Render the bank."""
        return case.login.institution

    @admin.display(description="the customer must")
    def must(self, case: ReconnectCase) -> str:
        """Render what the customer must do, and the code in the title."""
        return format_html('<span title="{}">{}</span>', case.provider_code, must_do(case.reason))

    @admin.display(description="since")
    def since(self, case: ReconnectCase) -> str:
        """Render when it was opened."""
        return moment(case.opened_at)

    @admin.display(description="last contact")
    def contact(self, case: ReconnectCase) -> str:
        """Render when somebody was last in touch with the customer."""
        return moment(case.last_contact_at)

    @admin.display(description="link")
    def link(self, case: Any) -> str:
        """Render how the newest link stands."""
        return link_badge(case.link_state)

    @admin.display(description="relapses")
    def relapses(self, case: ReconnectCase) -> str:
        """Render how often it came back."""
        return str(case.reopened) if case.reopened else ""

    @admin.display(description="manager")
    def manager(self, case: ReconnectCase) -> str:
        """Render who looks after the customer."""
        return person(case.login.customer.account_manager)
