"""The one thing people may set about the queue: when each daily run starts, and whether."""

from dataclasses import dataclass
from datetime import time

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from refreshops import wiring
from refreshops.routine.schedules import UnfitTime, daily_time, set_daily_time

SUGGESTED = time(10, 30)


class DailyTimeForm(forms.Form):
    """A time of day, and a switch."""

    switched_on = forms.BooleanField(label="Start the daily run by itself", required=False)
    starts_at = forms.TimeField(
        label="Every day at",
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "class": "vTimeField"}),
        error_messages={"invalid": "Write a time as HH:MM, for example 10:30."},
    )


@dataclass(frozen=True)
class DailyRun:
    """One provider's daily run as the page shows it."""

    provider: str
    current: time | None
    form: DailyTimeForm


def schedule_page(request: HttpRequest) -> HttpResponse:
    """Show and set the daily times: each provider has its own, and its own form."""
    if not request.user.has_perm("routine.set_daily_time"):
        raise PermissionDenied
    names = wiring.provider_names()
    posted, refused = request.POST.get("daily_run_of", names[0]), None
    if request.method == "POST":
        if posted not in names:
            raise Http404
        refused = DailyTimeForm(request.POST)
        if refused.is_valid() and _set(request, refused, provider=posted):
            messages.success(request, _said(posted, alone=len(names) == 1))
            return redirect("admin:schedule")
    runs = [_daily_run(name, refused if name == posted else None) for name in names]
    context = {
        **admin.site.each_context(request),
        "title": "Daily time" if len(names) == 1 else "Daily times",
        "runs": runs,
        "zone": timezone.get_current_timezone_name(),
    }
    return TemplateResponse(request, "console/schedule.html", context)


def _daily_run(name: str, refused: DailyTimeForm | None) -> DailyRun:
    current = daily_time(name)
    usual = {"switched_on": current is not None, "starts_at": current or SUGGESTED}
    form = refused or DailyTimeForm(initial=usual, auto_id=f"id_{name}_%s")
    return DailyRun(provider=name, current=current, form=form)


def _set(request: HttpRequest, form: DailyTimeForm, *, provider: str) -> bool:
    """Set the time; put what the schedule refuses onto the form."""
    wanted = form.cleaned_data["starts_at"] if form.cleaned_data["switched_on"] else None
    try:
        set_daily_time(wanted, provider=provider, by=request.user, now=wiring.clock())
    except UnfitTime as refusal:
        form.add_error("starts_at", str(refusal))
        return False
    return True


def _said(provider: str, *, alone: bool) -> str:
    run = "The daily run" if alone else f"The daily run of {provider.capitalize()}"
    starts_at = daily_time(provider)
    if starts_at is None:
        return f"{run} does not start by itself any more."
    return f"{run} starts every day at {starts_at:%H:%M}."
