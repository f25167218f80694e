"""The trace in the browser: newest first, nothing counted in full, nothing to edit."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator

from refreshops.console import filters
from refreshops.console.addresses import page
from refreshops.console.badges import mark
from refreshops.console.keyset import KeysetAdmin
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import logins_of, runs_of, sees_how_much_bank_data
from refreshops.console.search import canonical, is_number
from refreshops.console.words import about_call
from refreshops.rules.lifecycle import CallState
from refreshops.tracing.models import Call

# What the envelope of a data call says of the bank data that came with it.
HOW_MUCH = frozenset({"AccountCount", "TransactionCount"})

STATE_WORDS = {
    CallState.SENT.value: "on its way",
    CallState.ANSWERED.value: "answered",
    CallState.NO_ANSWER.value: "no answer",
}


@admin.register(Call)
class CallAdmin(KeysetAdmin, PageAdmin):
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
        "run",
        "said",
    )
    list_display_links = ("sent", "endpoint")
    list_filter = (
        ("sent_at", admin.DateFieldListFilter),
        filters.EndpointFilter,
        filters.HttpStatusFilter,
        filters.CodeFilter,
        "state",
    )
    search_fields = ("login_id",)
    search_help_text = "A whole LoginId, a whole RequestId, or the number of a run"
    ordering = ("-sent_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        """Leave the two large columns on disk: only a call's own page shows them."""
        rows: QuerySet[Call] = super().get_queryset(request)
        return rows.defer("answer", "body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """Search exactly, one index at a time: a LoginId, else a RequestId, else a run."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if is_number(term):
            return queryset.filter(run_id=int(term)), False
        found = queryset.filter(login_id=canonical(term))
        if found.exists():
            return found, False
        return queryset.filter(request_id__in={term, canonical(term)}), False

    def page_context(self, request: HttpRequest, row: Call) -> dict[str, Any]:
        """Return the call in words, and what it belongs to."""
        login = logins_of(request.user).filter(
            provider__name=row.provider, login_id=row.login_id or None
        )
        return {
            "title": f"{row.method} {row.endpoint}",
            "plain": about_call(row),
            "state_mark": self.answer_state(row),
            "took": self.took(row),
            "body": pretty(row.body),
            "answer": pretty(_answer_for(request.user, row)),
            "login": login.first(),
            "run": runs_of(request.user).filter(pk=row.run_id or 0).first(),
        }

    @admin.display(description="timestamp")
    def sent(self, call: Call) -> str:
        """Render when it was sent."""
        return moment(call.sent_at)

    @admin.display(description="LoginId")
    def login(self, call: Call) -> str:
        """Render the first block of the id, the whole in the title."""
        return format_html('<code title="{}">{}</code>', call.login_id, call.login_id[:8] or "–")

    @admin.display(description="FlinksCode")
    def code(self, call: Call) -> str:
        """Render the code as it came."""
        return format_html("<code>{}</code>", call.provider_code) if call.provider_code else ""

    @admin.display(description="state")
    def answer_state(self, call: Call) -> str:
        """Render whether an answer came."""
        return mark(f"c-{call.state}", STATE_WORDS.get(call.state, call.state))

    @admin.display(description="message")
    def said(self, call: Call) -> str:
        """Render the beginning of the provider's message, or why there was no answer."""
        words = call.message or call.error
        return format_html('<span title="{}">{}</span>', words, Truncator(words).chars(60))

    @admin.display(description="took")
    def took(self, call: Call) -> str:
        """Render the duration."""
        if call.answered_at is None:
            return ""
        ms = (call.answered_at - call.sent_at).total_seconds() * 1000
        return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"

    @admin.display(description="run")
    def run(self, call: Call) -> str:
        """Render the run's number."""
        if call.run_id is None:
            return ""
        return format_html('<a href="{}">{}</a>', page("routine_run", call.run_id), call.run_id)


def _answer_for(user: Any, call: Call) -> Any:
    if sees_how_much_bank_data(user) or not isinstance(call.answer, dict):
        return call.answer
    return {name: value for name, value in call.answer.items() if name not in HOW_MUCH}


def pretty(value: Any) -> str:
    """Return a JSON value as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) if value else ""
