"""The trace in the browser: newest first, nothing counted in full, nothing to edit."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator

from refreshops.console import filters
from refreshops.console.addresses import calls_list, page
from refreshops.console.attempts_admin import linking_runs
from refreshops.console.badges import mark
from refreshops.console.call_export import CallExport
from refreshops.console.call_filters import (
    AttemptFilter,
    CallProviderFilter,
    choice_filter,
    day_filter,
)
from refreshops.console.call_page import LARGE, links_of, siblings_of
from refreshops.console.columns import code_as_it_came, login_link
from refreshops.console.labels import renamed
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import sees_how_much_bank_data, sought_by_login
from refreshops.console.search import is_number, spellings
from refreshops.console.words import about_call
from refreshops.logins.cells import visible
from refreshops.rules.lifecycle import CallState
from refreshops.tracing.models import Call, Delivery

# What the envelope of a data call says of the bank data that came with it.
HOW_MUCH = frozenset({"AccountCount", "TransactionCount"})

STATE_WORDS = {
    CallState.SENT.value: "on its way",
    CallState.ANSWERED.value: "answered",
    CallState.NO_ANSWER.value: "no answer",
}


@admin.register(Call)
class CallAdmin(CallExport, PageAdmin):
    """One row per HTTP exchange."""

    page_template = "console/call.html"
    list_display = (
        "sent",
        "endpoint",
        "login",
        "institution",
        "http_status_code",
        "code",
        "answer_state",
        "took",
        "run_link",
        "said",
    )
    list_display_links = ("sent", "endpoint")
    list_filter = (
        day_filter("sent_at"),
        filters.EndpointFilter,
        filters.HttpStatusFilter,
        filters.CodeFilter,
        choice_filter("state", title="state", choices=STATE_WORDS),
        CallProviderFilter,
        AttemptFilter,
    )
    search_fields = ("login_id",)
    search_help_text = "A whole LoginId, a whole RequestId, or the number of a run"
    ordering = ("-sent_at", "-id")
    not_listed = LARGE
    nothing_yet = "Every exchange with a provider is written down here, from the first run on."

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Name a run without a link where it may be somebody else's."""
        columns = linking_runs(request.user, super().get_list_display(request))
        return renamed(self, request, columns, names={"code": "code", "login": "login_id"})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """Search exactly, one index at a time: a LoginId, else a RequestId, else a run."""
        term = search_term.strip()
        if not term:
            return sought_by_login(queryset, request.user, key="login_id"), False
        if is_number(term):
            return queryset.filter(run_id=int(term)), False
        found = queryset.filter(login_id__in=spellings(term))
        if found.exists():
            return found, False
        return queryset.filter(request_id__in={term, *spellings(term)}), False

    def page_context(self, request: HttpRequest, row: Call) -> dict[str, Any]:
        """Return the call in words, and what it belongs to."""
        return {
            "back": _back_to(request),
            "title": f"{row.method} {row.endpoint}",
            "plain": about_call(row),
            "state_mark": self.answer_state(row),
            "took": self.took(row),
            "body": pretty(row.body),
            "answer": pretty(answer_for(request.user, row)),
            "links": links_of(row, user=request.user),
            "siblings": siblings_of(row, user=request.user),
        }

    @admin.display(description="timestamp")
    def sent(self, call: Call) -> str:
        """Render when it was sent."""
        return moment(call.sent_at, seconds=True)

    @admin.display(description="LoginId")
    def login(self, call: Call) -> str:
        """Render the id as a link to its calls."""
        return login_link(call.login_id, calls_list(q=call.login_id))

    @admin.display(description="FlinksCode")
    def code(self, call: Call) -> str:
        """Render the code as it came."""
        return code_as_it_came(call.provider_code)

    @admin.display(description="state")
    def answer_state(self, call: Call) -> str:
        """Render whether an answer came."""
        return mark(f"c-{call.state}", STATE_WORDS.get(call.state, call.state))

    @admin.display(description="message")
    def said(self, call: Call) -> str:
        """Render the beginning of the provider's message, or why there was no answer."""
        words = visible(call.message or call.error)
        return format_html('<span title="{}">{}</span>', words, Truncator(words).chars(60))

    @admin.display(description="took")
    def took(self, call: Call) -> str:
        """Render the duration."""
        if call.answered_at is None:
            return ""
        ms = (call.answered_at - call.sent_at).total_seconds() * 1000
        return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"

    @admin.display(description="run")
    def run_link(self, call: Call) -> str:
        """Render the run's number, for a reader who may see every run."""
        if call.run_id is None:
            return ""
        return format_html('<a href="{}">{}</a>', page("routine_run", call.run_id), call.run_id)

    @admin.display(description="run")
    def run_number(self, call: Call) -> str:
        """Render the run's number."""
        return "" if call.run_id is None else str(call.run_id)


def _back_to(request: HttpRequest) -> str:
    """Return the query of the list this call was opened from: its filters and its page."""
    query = request.GET.get("_changelist_filters", "")
    return f"?{query}" if query else ""


def answer_for(user: Any, call: Call | Delivery) -> Any:
    """Return what is kept of an answer, as far as this person may know of bank data."""
    if sees_how_much_bank_data(user) or not isinstance(call.answer, dict):
        return call.answer
    return {name: value for name, value in call.answer.items() if name not in HOW_MUCH}


def pretty(value: Any) -> str:
    """Return a JSON value as people read it, every unseen character spelled out."""
    if not value:
        return ""
    lines = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).split("\n")
    return "\n".join(map(visible, lines))
