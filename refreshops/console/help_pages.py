"""The help pages, and which section of the runbook speaks about a screen."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, reverse

from refreshops.console.handbook import PAGES, anchor_of, document

# The heading in the runbook for each screen without a table, by the name of its address.
OF_SCREEN: Mapping[str, str] = {
    "index": "This morning",
    "app_list": "This morning",
    "login": "Signing in",
    "logout": "Signing in",
    "password_change": "Signing in",
    "password_change_done": "Signing in",
    "auth_user_password_change": "People and groups",
    "schedule": "The daily time",
    "leaks": "Leaks",
    "leaks_check": "Leaks",
    "help": "How to use this help",
    "help_index": "How to use this help",
    "bundle": "A support bundle",
    "bundle_cell": "A support bundle",
    "logins_customer_import": "Customers from a file",
    "logins_customer_process_import": "Customers from a file",
    "logins_customer_import_faults": "An import is refused",
    "login_list": "A list of references",
    "customer_export": "A privacy request",
    "customer_erase": "A privacy request",
    "login_note": "One login",
    "login_link": "A connect link",
    "customer_link": "A connect link",
    "link_revoke": "A connect link",
    "case_contact": "One case",
    "case_snooze": "One case",
    "case_recovery": "Recovery",
    "login_receipt": "A billing dispute",
    "run_receipt": "A billing dispute",
    "run_report": "One run",
    "run_step": "Steps of a run",
    "provider_step": "A provider is paused",
}
# The list of a table, and its other pages.
OF_TABLE: Mapping[str, tuple[str, str]] = {
    "logins_customer": ("The list of customers", "One customer"),
    "logins_login": ("The list of logins", "One login"),
    "logins_reconnectcase": ("The list of reconnect cases", "One case"),
    "logins_unknownlogin": ("Leaks", "Leaks"),
    "logins_letter": ("Mails to customers", "Mails to customers"),
    "logins_lettertext": ("Mails to customers", "Mails to customers"),
    "logins_provider": ("Providers", "Providers"),
    "routine_run": ("The list of runs", "One run"),
    "routine_attempt": ("Attempts", "Attempts"),
    "routine_slot": ("Slots and beats", "Slots and beats"),
    "routine_beat": ("Slots and beats", "Slots and beats"),
    "tracing_call": ("The list of calls", "One call"),
    "tracing_delivery": ("Webhooks", "Webhooks"),
    "tracing_event": ("The story", "The story"),
    "bankdata_snapshot": ("Bank data", "Bank data"),
    "bankdata_bankaccount": ("Bank data", "Bank data"),
    "auth_user": ("People and groups", "People and groups"),
    "auth_group": ("People and groups", "People and groups"),
}
LIST_PAGE = "changelist"
ROW_PAGES = ("add", "change", "delete")
HISTORY = "The history of a row"
ORDER = "Before an order is given"
LOST = "When a page says no"


def section_of(match: ResolverMatch | None, *, asking: bool = False) -> str | None:
    """Return the runbook's heading about a screen, or None where it has none.

    `asking` is for the answer to a POST on a list: the question before an order.
    """
    if match is None:
        return LOST
    name = match.url_name or ""
    table, _, page = name.rpartition("_")
    if name in OF_SCREEN:
        return OF_SCREEN[name]
    if page == "history":
        return HISTORY
    if table in OF_TABLE and page == LIST_PAGE:
        return ORDER if asking else OF_TABLE[table][0]
    return OF_TABLE[table][1] if table in OF_TABLE and page in ROW_PAGES else None


def address_of(page: str) -> str:
    """Return the address of a help page."""
    return reverse("admin:help", args=[page])


def help_address(request: HttpRequest) -> str:
    """Return where the Help link of this request's screen leads."""
    heading = section_of(request.resolver_match, asking=request.method == "POST")
    return f"{address_of('runbook')}#{anchor_of(heading)}" if heading else lost_address()


def lost_address() -> str:
    """Return the address of the section about pages that say no."""
    return f"{address_of('runbook')}#{anchor_of(LOST)}"


def help_index(request: HttpRequest) -> TemplateResponse:
    """List the help pages, with the headings of the runbook."""
    runbook = document("runbook", address=address_of)
    pages = [
        {"title": document(name, address=address_of).title, "url": address_of(name), "about": about}
        for name, about in PAGES.items()
    ]
    return _page(request, "help_index", title="Help", pages=pages, contents=runbook.contents)


def help_page(request: HttpRequest, page: str) -> TemplateResponse:
    """Show one document. Any other name is not found."""
    if page not in PAGES:
        raise Http404
    found = document(page, address=address_of)
    return _page(request, "help", title=found.title, text=found.html, contents=found.contents)


def _page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    context = {**admin.site.each_context(request), **context}
    return TemplateResponse(request, f"console/{template}.html", context)
