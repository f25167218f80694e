"""Attempts, and what the worker keeps besides, in the browser: slots and signs of life."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from refreshops.console import filters
from refreshops.console.addresses import bundle_of, calls_list, page
from refreshops.console.badges import data_words, mark, outcome_badge, purpose_words
from refreshops.console.call_filters import choice_filter
from refreshops.console.columns import code_as_it_came
from refreshops.console.keyset import KeysetAdmin
from refreshops.console.labels import heading, under
from refreshops.console.machine_rows import MachineRowsAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import sees_everything, sought_by_login
from refreshops.console.search import is_number, spellings
from refreshops.routine.models import Attempt, Beat, Slot
from refreshops.rules.lifecycle import AttemptState, Purpose

STATE_WORDS = {
    AttemptState.DUE.value: "waiting",
    AttemptState.CALLING.value: "calling",
    AttemptState.DONE.value: "done",
    AttemptState.CANCELLED.value: "called off",
}


def linking_runs(user: Any, columns: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a list's columns with "run_link" only for a reader who may see every run."""
    if sees_everything(user):
        return columns
    return tuple("run_number" if name == "run_link" else name for name in columns)


@admin.register(Attempt)
class AttemptAdmin(KeysetAdmin, MachineRowsAdmin):
    """One login within one run."""

    list_display = (
        "number",
        "login",
        "run_link",
        "what",
        "stands",
        "ended",
        "provider_code",
        "finished",
    )
    list_display_links = ("number", "login")
    list_filter = (
        choice_filter("state", title="state", choices=STATE_WORDS),
        filters.OutcomeFilter,
        choice_filter(
            "purpose",
            title="purpose",
            choices={row.value: purpose_words(row.value) for row in Purpose},
        ),
    )
    list_select_related = ("login",)
    search_fields = ("run__pk",)
    search_help_text = "The number of a run, or a whole LoginId"
    ordering = ("-id",)
    fields = readonly_fields = (
        "login",
        "run_link",
        "what",
        "stands",
        "next_step",
        "ended",
        "data",
        "provider_code",
        "message",
        "starts",
        "finished",
        "evidence",
    )
    not_listed = ("conversation",)
    nothing_yet = "Each run makes one for each of its logins."

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Name a run without a link where it may be somebody else's."""
        return linking_runs(request.user, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Call the code what its provider does; offer the bundle to those who may make one."""
        shown = linking_runs(request.user, self.fields)
        if obj is not None:
            code = under(heading(obj.run.provider.name, "code"), self.code)
            shown = tuple(code if name == "provider_code" else name for name in shown)
        return (*shown, "bundle") if request.user.has_perm("tracing.bundle_call") else shown

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Attempt], search_term: str
    ) -> tuple[QuerySet[Attempt], bool]:
        """Search exactly: a run's number, else a LoginId."""
        term = search_term.strip()
        if not term:
            return sought_by_login(queryset, request.user), False
        if is_number(term):
            return queryset.filter(run_id=int(term)), False
        return queryset.filter(login__login_id__in=spellings(term)), False

    @admin.display(description="attempt")
    def number(self, attempt: Attempt) -> str:
        """Render the number."""
        return str(attempt.pk)

    @admin.display(description="run")
    def run_number(self, attempt: Attempt) -> str:
        """Render the run's number."""
        return str(attempt.run_id)

    @admin.display(description="run")
    def run_link(self, attempt: Attempt) -> str:
        """Render the run's number, for a reader who may see every run."""
        address = page("routine_run", attempt.run_id)
        return format_html('<a href="{}">{}</a>', address, attempt.run_id)

    @admin.display(description="purpose")
    def what(self, attempt: Attempt) -> str:
        """Render what was to be done."""
        return purpose_words(attempt.purpose)

    @admin.display(description="state")
    def stands(self, attempt: Attempt) -> str:
        """Render the state."""
        return mark(f"a-{attempt.state}", STATE_WORDS.get(attempt.state, attempt.state))

    @admin.display(description="outcome")
    def ended(self, attempt: Attempt) -> str:
        """Render the outcome."""
        if not attempt.outcome:
            return ""
        return outcome_badge(attempt.outcome, attempt.outcome_reason, attempt.purpose)

    def code(self, attempt: Attempt) -> str:
        """Render the code as it came."""
        return code_as_it_came(attempt.provider_code) or "–"

    @admin.display(description="ended")
    def finished(self, attempt: Attempt) -> str:
        """Render when it ended."""
        return moment(attempt.finished_at, empty="not yet")

    @admin.display(description="next step")
    def next_step(self, attempt: Attempt) -> str:
        """Render what an attempt under way waits for, and since or until when."""
        if attempt.state not in (AttemptState.DUE, AttemptState.CALLING):
            return "–"
        return format_html("{} {}", attempt.waits_for, moment(attempt.not_before))

    @admin.display(description="data we hold")
    def data(self, attempt: Attempt) -> str:
        """Render how old the data was that it left."""
        return data_words(attempt.data_state)

    @admin.display(description="calls")
    def evidence(self, attempt: Attempt) -> str:
        """Render the way to its calls."""
        return format_html('<a href="{}">Its calls</a>', calls_list(attempt=attempt.pk))

    @admin.display(description="for the provider")
    def bundle(self, attempt: Attempt) -> str:
        """Render the way to its support bundle."""
        return format_html('<a href="{}">Support bundle…</a>', bundle_of("attempt", attempt.pk))


@admin.register(Slot)
class SlotAdmin(MachineRowsAdmin):
    """The throttle's places, to see why nothing moves."""

    list_display = ("id", "provider", "free")
    list_select_related = ("provider",)
    ordering = ("-free_at",)
    nothing_yet = "The worker makes them when it starts: one for each login a minute allows."

    @admin.display(description="free again")
    def free(self, slot: Slot) -> str:
        """Render when the place is free again."""
        return moment(slot.free_at)


@admin.register(Beat)
class BeatAdmin(MachineRowsAdmin):
    """Signs of life of the workers."""

    list_display = ("name", "seen", "until")
    exclude = ("token",)
    nothing_yet = "Start a worker: it says here that it is alive."

    @admin.display(description="seen")
    def seen(self, beat: Beat) -> str:
        """Render the last sign of life."""
        return moment(beat.seen_at)

    @admin.display(description="seat taken until")
    def until(self, beat: Beat) -> str:
        """Render until when a seat is taken."""
        return moment(beat.lease_until, empty="–")
