"""Mails in the browser: who was written to, when, and what became of it. Never a link."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.connect import letters, tasks
from refreshops.console.addresses import page
from refreshops.console.badges import mark
from refreshops.console.call_filters import choice_filter, day_filter
from refreshops.console.confirm import Question, ask, came_from
from refreshops.console.keyset import KeysetAdmin
from refreshops.console.lookups import rows_carried
from refreshops.console.machine_rows import MachineRowsAdmin
from refreshops.console.moments import moment
from refreshops.console.scoping import seen_by
from refreshops.logins.models import Letter, LetterKind, LetterState

# The marks that states of attempts have.
MARKS = {
    LetterState.QUEUED.value: "a-due",
    LetterState.SENT.value: "a-done",
    LetterState.FAILED.value: "o-our_config",
    LetterState.CANCELLED.value: "a-cancelled",
}


def choices_of(words: Any) -> dict[str, str]:
    """Return the values of a TextChoices and what each is called in a filter."""
    return {value: label.capitalize() for value, label in words.choices}


@admin.register(Letter)
class LetterAdmin(KeysetAdmin, MachineRowsAdmin):
    """One row per mail."""

    list_display = ("when", "what", "to", "customer", "stands", "sent", "error", "by")
    list_display_links = ("when", "what")
    list_filter = (
        day_filter("queued_at"),
        choice_filter("state", title="state", choices=choices_of(LetterState)),
        choice_filter("kind", title="what", choices=choices_of(LetterKind)),
    )
    list_select_related = ("link__customer", "queued_by")
    ordering = ("-queued_at", "-id")
    actions = ("send_again",)  # type: ignore[assignment]
    nothing_yet = "A mail goes out from a case, a login or a customer, with a connect link in it."
    fields = (
        *("what", "sample_of", "to", "customer", "language", "stands", "error", "tries"),
        *("when", "by", "sent", "next_try"),
    )
    readonly_fields = fields

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say where mails lie that are sent to nobody."""
        if request.method == "GET" and (place := wiring.where_mails_go()):
            said = f"Mails do not leave this machine: they go to {place} (EMAIL_URL)."
            messages.warning(request, said)
        return super().changelist_view(request, extra_context)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may send mails."""
        return bool(request.user.has_perm("logins.send_connectlink"))

    @admin.action(description="Try again to send…", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Letter]) -> HttpResponse:
        """Ask; then put the failed ones of the chosen mails into the outbox again."""
        if carried := request.POST.get("rows", ""):
            queryset = seen_by(request.user, Letter.objects.filter(pk__in=rows_carried(carried)))
        failed = queryset.filter(state=LetterState.FAILED).order_by()
        if "confirmed" not in request.POST:
            return ask(request, _question(request, queryset, failed))
        number = letters.retry(
            Letter.objects.filter(pk__in=list(failed.values_list("pk", flat=True))),
            by=request.user,
            now=wiring.clock(),
        )
        tasks.nudge()
        messages.info(request, f"{_how_many(number)} back in the outbox.")
        return redirect("admin:logins_letter_changelist")

    @admin.display(description="ordered")
    def when(self, letter: Letter) -> str:
        """Render when somebody ordered it."""
        return moment(letter.queued_at)

    @admin.display(description="what")
    def what(self, letter: Letter) -> str:
        """Render what it asks for."""
        return letter.get_kind_display().capitalize()

    @admin.display(description="customer")
    def customer(self, letter: Letter) -> str:
        """Render whom it is for, linked."""
        if letter.link is None:
            return "–"
        customer = letter.link.customer
        url = page("logins_customer", customer.pk)
        return format_html('<a href="{}">{}</a>', url, customer.reference)

    @admin.display(description="state")
    def stands(self, letter: Letter) -> SafeString:
        """Render how far it has come."""
        return mark(MARKS[letter.state], letter.get_state_display())

    @admin.display(description="sent")
    def sent(self, letter: Letter) -> str:
        """Render when it went out."""
        return moment(letter.sent_at)

    @admin.display(description="next try")
    def next_try(self, letter: Letter) -> str:
        """Render when it is tried again."""
        return moment(letter.not_before) if letter.state == LetterState.QUEUED.value else "–"

    @admin.display(description="by")
    def by(self, letter: Letter) -> str:
        """Render who ordered it; nobody for a reminder."""
        if letter.queued_by is None:
            return "–"
        return letter.queued_by.get_full_name() or letter.queued_by.get_username()


def _how_many(number: int) -> str:
    return f"{number} mail{'' if number == 1 else 's'}"


def _question(request: HttpRequest, chosen: QuerySet[Letter], failed: QuerySet[Letter]) -> Question:
    keys = [str(pk) for pk in failed.values_list("pk", flat=True)]
    others = chosen.order_by().count() - len(keys)
    fields = [("action", "send_again"), ("select_across", "0"), ("confirmed", "yes")]
    return Question(
        title=f"Try again: {_how_many(len(keys))}",
        consequence="They go out at once, each with the link that was made for it. A mail whose "
        "link leads nowhere any more is called off instead.",
        button=f"Try again: {_how_many(len(keys))}",
        back_url=came_from(request),
        facts=[("Failed", str(len(keys))), ("Left alone (not failed)", str(others))],
        hidden=[
            *fields,
            ("rows", ",".join(keys)),
            *((ACTION_CHECKBOX_NAME, key) for key in keys[:1]),
        ],
        possible=bool(keys),
    )
