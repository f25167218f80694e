"""The story in the browser: who did what, why, to how many. To be read and taken away, no more."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from refreshops.console.call_filters import choice_filter, day_filter
from refreshops.console.event_export import EventExport
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import attempts_of, logins_of
from refreshops.console.search import is_number, spellings
from refreshops.console.story import named
from refreshops.console.story_filters import WhoFilter
from refreshops.console.story_words import (
    WHAT,
    details_of,
    how_many_words,
    what_was_done,
    why_or_what_came,
)
from refreshops.logins.cells import visible
from refreshops.rules.lifecycle import Origin
from refreshops.tracing.models import Event

# Whose tables the subjects of events are; the name of the model stands on the event.
APP_OF = {
    "login": "logins",
    "customer": "logins",
    "provider": "logins",
    "lettertext": "logins",
    "run": "routine",
    "attempt": "routine",
    "call": "tracing",
    "user": "auth",
    "group": "auth",
}
# A login was in so many orders at most, of which a search speaks.
MOST_ORDERS = 1000
WHY_SHOWN = 80


@admin.register(Event)
class EventAdmin(EventExport, PageAdmin):
    """One row per named action."""

    page_template = "console/event.html"
    list_display_links = ("when", "what")
    list_filter = (
        day_filter("at"),
        choice_filter(
            "action",
            title="what",
            choices={action.value: words for action, words in WHAT.items()},
        ),
        WhoFilter,
    )
    search_fields = ("run_id",)
    search_help_text = "The number of a run, or a whole LoginId"
    ordering = ("-at", "-id")
    nothing_yet = "Every named action adds one: an order, a pause, an import, a sign-in."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Return the events that are this person's to read, with the names of people."""
        return named(super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Link what an event is about where the reader may see it."""
        run, about = _column("run", request.user), _column("about", request.user)
        return ("when", "who", "what", "how_many", "why", run, about)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Search exactly: a run's number, else a LoginId with the orders for it."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if is_number(term):
            about_run = Q(subject="run", subject_id=int(term))
            return queryset.filter(Q(run_id=int(term)) | about_run), False
        return queryset.filter(_about_login(spellings(term), request.user)), False

    def page_context(self, request: HttpRequest, row: Event) -> dict[str, Any]:
        """Return the event in words."""
        return {
            "title": what_was_done(row),
            "facts": [(name, words) for name, words in _facts(row, request.user) if words],
        }

    @admin.display(description="when")
    def when(self, event: Event) -> str:
        """Render when it was done."""
        return moment(event.at)

    @admin.display(description="who")
    def who(self, event: Event) -> str:
        """Render who did it; quietly where it was no person."""
        if event.actor_id is None:
            return format_html('<span class="quiet">{}</span>', event.actor)
        name = event.actor_name or event.actor  # type: ignore[attr-defined]
        return format_html('<span title="{}">{}</span>', event.actor, name)

    @admin.display(description="what")
    def what(self, event: Event) -> str:
        """Render what was done."""
        return what_was_done(event)

    @admin.display(description="how many")
    def how_many(self, event: Event) -> str:
        """Render to how many."""
        return how_many_words(event)

    @admin.display(description="why")
    def why(self, event: Event) -> str:
        """Render the beginning of the reason."""
        words = visible(why_or_what_came(event))
        return format_html('<span title="{}">{}</span>', words, Truncator(words).chars(WHY_SHOWN))


def _facts(event: Event, user: Any) -> list[tuple[str, str]]:
    """Return what a page says of an event, name by name; empty where there is nothing to say."""
    return [
        ("When", moment(event.at)),
        ("Who", _who(event)),
        ("How many", how_many_words(event)),
        ("Why", visible(event.reason)),
        ("Run", _run_link(event, user)),
        ("Provider", "" if event.subject == "provider" else event.provider.capitalize()),
        ("About", _about_link(event, user)),
        *((name, visible(words)) for name, words in details_of(event)),
    ]


def _who(event: Event) -> str:
    """Return who did it, and the name they signed in with where people call them otherwise."""
    name = event.actor_name  # type: ignore[attr-defined]
    return f"{name} ({event.actor})" if name else event.actor


def _about_login(login_ids: tuple[str, ...], user: Any) -> Q:
    """Return the condition of events about a login, and about the orders it was in."""
    logins = logins_of(user).filter(login_id__in=login_ids).values_list("pk", flat=True)
    orders = (
        attempts_of(user)
        .filter(login__login_id__in=login_ids)
        .exclude(run__origin=Origin.DAILY.value)
        .order_by("-pk")
        .values_list("run_id", flat=True)
    )
    about = Q(subject="login", subject_id__in=list(logins))
    return about | Q(run_id__in=list(orders[:MOST_ORDERS]))


def _column(name: str, user: Any) -> Callable[[Event], str]:
    """Return a column that links only what `user` may see."""
    render = _run_link if name == "run" else _about_link

    @admin.display(description=name)
    def column(event: Event) -> str:
        return render(event, user)

    column.__name__ = name
    return column


def _run_link(event: Event, user: Any) -> str:
    return _link("run", event.run_id, str(event.run_id), user) if event.run_id else ""


def _about_link(event: Event, user: Any) -> str:
    """Render the subject; a run that stands beside it already is not named twice."""
    if event.subject_id is None:
        return event.provider.capitalize() if event.run_id is None else ""
    if (event.subject, event.subject_id) == ("run", event.run_id):
        return ""
    words = f"{event.subject} {event.subject_id}"
    if event.subject == "provider":
        words = event.provider.capitalize() or words
    return _link(event.subject, event.subject_id, words, user)


def _link(model: str, pk: int, words: str, user: Any) -> str:
    app = APP_OF.get(model)
    if app is None or not user.has_perm(f"{app}.view_{model}"):
        return words
    try:
        return format_html(
            '<a href="{}">{}</a>', reverse(f"admin:{app}_{model}_change", args=[pk]), words
        )
    except NoReverseMatch:
        return words
