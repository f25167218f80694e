"""What providers sent by themselves, in the browser: evidence beside the calls, nothing to edit."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator

from refreshops.console.addresses import calls_list, deliveries_list, page
from refreshops.console.badges import mark
from refreshops.console.call_filters import CallProviderFilter, choice_filter, day_filter
from refreshops.console.calls_admin import answer_for, pretty
from refreshops.console.columns import code_as_it_came, login_link
from refreshops.console.delivery_words import MARKS, STATE_WORDS, WHAT_IT_DID, state_words
from refreshops.console.filters import Choices
from refreshops.console.keyset import KeysetAdmin
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import logins_of
from refreshops.console.search import spellings
from refreshops.logins.cells import visible
from refreshops.tracing.deliveries import OPEN_STATES
from refreshops.tracing.models import Delivery

SAID_SHOWN = 60


class StateFilter(choice_filter("state", title="state", choices=STATE_WORDS)):  # type: ignore[misc]
    """By state; of those that are not settled it says how many there are."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return every state, with a number where somebody may have to look."""
        rows = model_admin.get_queryset(request).filter(state__in=OPEN_STATES).order_by()
        numbers = dict(rows.values_list("state").annotate(Count("pk")))
        return [
            (state, f"{words} ({numbers[state]})" if state in numbers else words)
            for state, words in STATE_WORDS.items()
        ]


@admin.register(Delivery)
class DeliveryAdmin(KeysetAdmin, PageAdmin):
    """One row per webhook that was signed; the same body again only counts."""

    page_template = "console/delivery.html"
    list_display = (
        "received",
        "kind",
        "login",
        "institution",
        "delivery_state",
        "code",
        "times",
        "said",
    )
    list_display_links = ("received", "kind")
    list_filter = (day_filter("received_at"), StateFilter, CallProviderFilter)
    search_fields = ("login_id",)
    search_help_text = "A whole LoginId, or a whole RequestId"
    ordering = ("-received_at", "-id")
    not_listed = ("answer", "sealed")
    nothing_yet = "Every webhook that a provider has signed is written down here."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Search exactly: a LoginId, else a RequestId."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(login_id__in=spellings(term))
        if found.exists():
            return found, False
        return queryset.filter(request_id__in={term, *spellings(term)}), False

    def page_context(self, request: HttpRequest, row: Delivery) -> dict[str, Any]:
        """Return the delivery in words, and what it belongs to."""
        login = logins_of(request.user).filter(
            provider__name=row.provider, login_id=row.login_id or None
        )
        found = login.values_list("pk", flat=True).first()
        return {
            "title": f"Webhook {visible(row.kind) or 'of an unknown kind'}",
            "did": WHAT_IT_DID.get(row.state, ""),
            "why": visible(row.state_reason),
            "state_mark": self.delivery_state(row),
            "answer": pretty(answer_for(request.user, row)),
            "login_url": page("logins_login", found) if found else "",
            "calls_url": calls_list(q=row.login_id) if row.login_id else "",
            "deliveries_url": deliveries_list(q=row.login_id) if row.login_id else "",
        }

    @admin.display(description="timestamp")
    def received(self, row: Delivery) -> str:
        """Render when it came first."""
        return moment(row.received_at, seconds=True)

    @admin.display(description="LoginId")
    def login(self, row: Delivery) -> str:
        """Render the id as a link to its deliveries."""
        return login_link(row.login_id, deliveries_list(q=row.login_id))

    @admin.display(description="FlinksCode")
    def code(self, row: Delivery) -> str:
        """Render the code as it came."""
        return code_as_it_came(row.provider_code)

    @admin.display(description="state")
    def delivery_state(self, row: Delivery) -> str:
        """Render what became of it."""
        return mark(MARKS.get(row.state, "c-sent"), state_words(row.state))

    @admin.display(description="message")
    def said(self, row: Delivery) -> str:
        """Render why it did what it did, or the beginning of the provider's message."""
        words = visible(row.state_reason or row.message)
        return format_html('<span title="{}">{}</span>', words, Truncator(words).chars(SAID_SHOWN))
