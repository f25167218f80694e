"""The one thing people may set about the queue: when the daily run starts, and whether."""

from datetime import time

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
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


def schedule_page(request: HttpRequest) -> HttpResponse:
    """Show and set the daily time."""
    if not request.user.has_perm("routine.set_daily_time"):
        raise PermissionDenied
    current = daily_time()
    if request.method == "POST":
        form = DailyTimeForm(request.POST)
        if form.is_valid() and _set(request, form):
            messages.success(request, _said(daily_time()))
            return redirect("admin:schedule")
    else:
        form = DailyTimeForm(
            initial={"switched_on": current is not None, "starts_at": current or SUGGESTED}
        )
    context = {
        **admin.site.each_context(request),
        "title": "Daily time",
        "form": form,
        "current": current,
        "zone": timezone.get_current_timezone_name(),
    }
    return TemplateResponse(request, "console/schedule.html", context)


def _set(request: HttpRequest, form: DailyTimeForm) -> bool:
    """Set the time; put what the schedule refuses onto the form."""
    wanted = form.cleaned_data["starts_at"] if form.cleaned_data["switched_on"] else None
    try:
        set_daily_time(wanted, by=request.user, now=wiring.clock())
    except UnfitTime as refusal:
        form.add_error("starts_at", str(refusal))
        return False
    return True


def _said(starts_at: time | None) -> str:
    if starts_at is None:
        return "The daily run does not start by itself any more."
    return f"The daily run starts every day at {starts_at:%H:%M}."
