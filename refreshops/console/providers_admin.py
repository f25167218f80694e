"""Providers in the browser: their limit, their price, and whether we call them at all."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import DurationField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from refreshops import wiring
from refreshops.console.addresses import page
from refreshops.console.badges import mark, purpose_words
from refreshops.console.confirm import Question, ask, reason_of
from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.search import is_number
from refreshops.console.story import Told, story_of, tell
from refreshops.logins.models import LoginStatus, Provider
from refreshops.routine import schedules, services, tasks
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import Action

STORY_SHOWN = 20


@admin.register(Provider)
class ProviderAdmin(ConsoleAdmin):
    """An aggregator: its limit, its price, and whether we call it at all."""

    list_display = (
        *("called", "stands", "paused_reason", "active_logins", "starts", "logins_per_minute"),
        *("fresh_within", "usable_within", "cost_per_login_month", "currency"),
    )
    actions = None
    change_form_template = "console/provider.html"
    fields = (
        "name",
        "logins_per_minute",
        "fresh_within",
        "usable_within",
        "cost_per_login_month",
        "cost_per_live_call",
        "currency",
    )
    readonly_fields = ("name",)
    # What is told of a change holds old and new: see `save_model`.
    tells_edits = False

    def get_urls(self) -> list[Any]:
        """Add pausing and resuming."""
        wrap = self.admin_site.admin_view
        own = [path("<int:pk>/order/<slug:step>/", wrap(self.step), name="provider_step")]
        return own + super().get_urls()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Providers come with the code that speaks to them."""
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Say how a length of time is written, and whose figure the limit is."""
        if db_field.name == "logins_per_minute":
            options["help_text"] = (
                "What the provider allows; Flinks asks for 10 to 30. "
                "A change takes effect within one minute."
            )
        if isinstance(db_field, DurationField):
            options["help_text"] = f"{db_field.help_text} Days, then hours:minutes:seconds."
        return super().formfield_for_dbfield(db_field, request, **options)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may pause and resume."""
        return bool(request.user.has_perm("logins.pause_provider"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how the provider stands above its settings, and below what was done to it."""
        extra = {
            "may_pause": self.has_pause_permission(request),
            "story": _story(request, object_id),
            "offers": _offers(object_id),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, extra)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Save, and tell from what to what each setting was changed."""
        super().save_model(request, obj, form, change)
        changed = {
            name: [str(form.initial.get(name)), str(form.cleaned_data[name])]
            for name in form.changed_data
        }
        if changed:
            tell(
                request,
                Action.CHANGE_PROVIDER,
                provider=obj.name,
                subject=("provider", obj.pk),
                details={"changed": changed},
            )

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Confirm and carry out a pause or a resumption."""
        if not (self.has_view_permission(request) and self.has_pause_permission(request)):
            raise PermissionDenied
        provider = self.get_object(request, str(pk))
        if provider is None or step not in ("pause", "resume"):
            raise Http404(step)
        return _pause(request, provider) if step == "pause" else _resume(request, provider)

    @admin.display(description="name", ordering="name")
    def called(self, provider: Provider) -> str:
        """Render its name as people write it."""
        return str(provider)

    @admin.display(description="daily run at")
    def starts(self, provider: Provider) -> str:
        """Render the local time at which its daily run starts."""
        at = schedules.daily_time(provider.name)
        return f"{at:%H:%M}" if at else "off"

    @admin.display(description="state")
    def stands(self, provider: Provider) -> str:
        """Render whether we call it."""
        return mark("p-paused", "paused") if provider.paused_at else mark("p-open", "open")

    @admin.display(description="active logins")
    def active_logins(self, provider: Provider) -> int:
        """Render how many logins we ask about."""
        return provider.logins.filter(status=LoginStatus.ACTIVE).count()


@dataclass(frozen=True)
class Offer:
    """One purpose at a provider: whether it can be ordered there, only here, or not, and why."""

    words: str
    offered: bool
    here_only: bool
    about: str


def _offers(object_id: str) -> list[Offer]:
    """Return what can be ordered at a provider; nothing for one that the settings do not name."""
    row = Provider.objects.filter(pk=object_id).first() if is_number(object_id) else None
    if row is None or row.name not in wiring.provider_names():
        return []
    return [
        Offer(
            purpose_words(purpose.value),
            wiring.offers(row.name, purpose),
            wiring.here_only(row.name, purpose),
            wiring.about(row.name, purpose),
        )
        for purpose in Purpose
    ]


def _story(request: HttpRequest, object_id: str) -> list[Told]:
    """Return the newest of what was done to a provider, newest first, for its page alone."""
    if request.method != "GET" or not is_number(object_id):
        return []
    told = story_of(request.user, "provider", int(object_id), at_most=STORY_SHOWN)
    return told[::-1]


def _pause(request: HttpRequest, provider: Provider) -> HttpResponse:
    question = Question(
        title=f"Pause {provider}?",
        consequence="No call goes out to this provider, for whatever purpose, until somebody "
        "resumes it. Calls already on their way end by themselves.",
        button=f"Pause {provider}",
        back_url=page("logins_provider", provider.pk),
        about=provider,
        needs_reason=True,
        grave=True,
    )
    if request.method != "POST":
        return ask(request, question)
    try:
        services.pause_provider(
            provider, by=request.user, why=reason_of(request), now=wiring.clock()
        )
    except services.ReasonMissing as refusal:
        return ask(request, question, error=str(refusal))
    messages.info(request, f"{provider} is paused.")
    return redirect(page("logins_provider", provider.pk))


def _resume(request: HttpRequest, provider: Provider) -> HttpResponse:
    question = Question(
        title=f"Resume {provider}?",
        consequence="Calls go out again at once. Should the cause still be there, the provider "
        "pauses again.",
        button=f"Resume {provider}",
        back_url=page("logins_provider", provider.pk),
        about=provider,
        facts=[("Paused because", provider.paused_reason)],
    )
    if request.method != "POST":
        return ask(request, question)
    resumed = services.resume_provider(provider, by=request.user, now=wiring.clock())
    tasks.nudge(provider.name)
    messages.info(request, f"{provider} {'goes on' if resumed else 'was not paused'}.")
    return redirect(page("logins_provider", provider.pk))
