"""What people do about reconnect cases: say that they were in touch, put them off, wake them."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date

from refreshops import wiring
from refreshops.console.addresses import cases_list, page
from refreshops.console.confirm import BACK, came_from
from refreshops.console.lookups import rows_carried
from refreshops.console.once import new_token, place_once
from refreshops.console.scoping import seen_by
from refreshops.console.story import tell
from refreshops.logins import cases
from refreshops.logins.models import How, ReconnectCase
from refreshops.tracing.events import Action

LONGEST = 500
# What a person logs; that a link was opened is the customer's own doing.
HOWS = [(row.value, row.label) for row in (How.PHONE, How.MAIL, How.OTHER)]
DAYS = (1, 3, 7)
LONGEST_SNOOZE = timedelta(days=366)
SAMPLE = 20
CLOSED = "The case was closed meanwhile: there is nothing left to do about it."
ERASED = "The customer asked to be forgotten: nothing more is written down about them."
AGAIN = "This form was sent before; nothing was written down twice."

# Shows the case's page again, with what was wrong.
Again = Callable[[HttpRequest, ReconnectCase, str], HttpResponse]


class Refused(Exception):
    """What cannot be done; the text says why."""


def may_work(user: Any) -> bool:
    """Tell whether `user` may work on cases; on which ones is a matter of scoping."""
    return bool(user.has_perm("logins.work_reconnectcase"))


def require_work(user: Any) -> None:
    """Raise `PermissionDenied` for who may not work on cases."""
    if not may_work(user):
        raise PermissionDenied


def contact(request: HttpRequest, case: ReconnectCase, *, again: Again) -> HttpResponse:
    """Write a line into the contact log and lead back to the case."""
    try:
        how, text = _how(request), _text(request)
        if how is How.OTHER and not text:
            raise Refused("Say how you were in touch, or what was said.")
        _still_open(case)
        if case.login.customer.erasure_asked_at is not None:
            raise Refused(ERASED)
    except Refused as refused:
        return again(request, case, str(refused))

    def place() -> list[int]:
        line = cases.log(case, how=how, by=request.user, text=text, now=wiring.clock())
        _tell(request, Action.CONTACT, case, how=how.value)
        return [line.pk]

    return _done(request, case, place, said="The contact is written down.")


def snooze(request: HttpRequest, case: ReconnectCase, *, again: Again) -> HttpResponse:
    """Let a case rest until a day, or wake it, and lead back to it."""
    try:
        _still_open(case)
        until = None if request.POST.get("wake") else until_of(request, now=wiring.clock())
    except Refused as refused:
        return again(request, case, str(refused))

    def place() -> list[int]:
        if cases.snooze(case, until=until):
            _tell(request, Action.SNOOZE, case, until=_day_of(until) if until else "woken")
        return [case.pk]

    said = f"Put off until {_day_words(until)}." if until else "The case is to do again."
    return _done(request, case, place, said=said)


def _done(
    request: HttpRequest, case: ReconnectCase, place: Callable[[], list[int]], *, said: str
) -> HttpResponse:
    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    if placed.again:
        messages.info(request, AGAIN)
    else:
        messages.success(request, said)
    return redirect(page("logins_reconnectcase", case.pk))


def _tell(request: HttpRequest, action: Action, case: ReconnectCase, **details: str) -> None:
    tell(request, action, subject=("login", case.login_id), details={"case": case.pk, **details})


def _still_open(case: ReconnectCase) -> None:
    if case.closed_at is not None:
        raise Refused(CLOSED)


def _how(request: HttpRequest) -> How:
    said = request.POST.get("how", "")
    if said not in dict(HOWS):
        raise Refused("Choose how you were in touch: by phone, by mail, or otherwise.")
    return How(said)


def _text(request: HttpRequest) -> str:
    """Return the text on one line, without what cannot be seen or stored."""
    typed = " ".join(request.POST.get("text", "").split())
    text = "".join(sign for sign in typed if not unicodedata.category(sign).startswith("C"))
    if len(text) > LONGEST:
        raise Refused(f"The text has {len(text)} characters; at most {LONGEST} are kept.")
    return text


# --- Until when ---


def until_of(request: HttpRequest, *, now: datetime) -> datetime:
    """Return when a case that is put off comes back: at 00:00 local time of a coming day.

    The field `days` counts from today; a day in `until` goes before it. Raise `Refused`.
    """
    today, typed = wiring.local_date(now), request.POST.get("until", "").strip()
    if typed:
        day = _day(typed)
    else:
        days = request.POST.get("days", "")
        if days not in {str(number) for number in DAYS}:
            raise Refused("Choose for how many days, or give a date.")
        day = today + timedelta(days=int(days))
    if day <= today:
        raise Refused("The date must lie after today.")
    if day - today > LONGEST_SNOOZE:
        raise Refused("That is more than a year away: switch the login off instead.")
    return datetime.combine(day, time(), timezone.get_current_timezone())


def first_day(now: datetime) -> str:
    """Return the first day a case can be put off to, as a date's box holds it."""
    return (wiring.local_date(now) + timedelta(days=1)).isoformat()


def _day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Refused("Write the date as YYYY-MM-DD, for example 2026-12-01.")
    return day


def _day_of(at: datetime) -> str:
    return timezone.localtime(at).date().isoformat()


def _day_words(at: datetime) -> str:
    return timezone.localtime(at).strftime("%A %d %B %Y").replace(" 0", " ")


# --- Many at once ---


def snooze_many(request: HttpRequest, chosen: QuerySet[ReconnectCase]) -> HttpResponse:
    """Ask until when; with the confirmed form, put the open ones among the chosen cases off."""
    if carried := request.POST.get("rows", ""):
        rows = seen_by(request.user, ReconnectCase.objects.all())
        chosen = rows.filter(pk__in=rows_carried(carried))
    opened = chosen.filter(closed_at__isnull=True)
    if "confirmed" not in request.POST:
        return _ask_many(request, opened)
    try:
        until = until_of(request, now=wiring.clock())
    except Refused as refused:
        return _ask_many(request, opened, error=str(refused))

    def place() -> list[int]:
        keys = list(opened.order_by().values_list("pk", flat=True))
        put_off = ReconnectCase.objects.filter(pk__in=keys, closed_at__isnull=True)
        number = put_off.update(snoozed_until=until)
        if number:
            tell(request, Action.SNOOZE, number=number, details={"until": _day_of(until)})
        messages.success(request, f"{how_many(number)} put off until {_day_words(until)}.")
        return [number]

    if place_once(request, token=request.POST.get("token", ""), place=place).again:
        messages.info(request, AGAIN)
    return redirect(came_from(request) if request.POST.get(BACK) else cases_list())


def _ask_many(
    request: HttpRequest, opened: QuerySet[ReconnectCase], *, error: str = ""
) -> HttpResponse:
    rows = list(opened.order_by("opened_at", "pk").values_list("pk", flat=True))
    sample = seen_by(request.user, ReconnectCase.objects.filter(pk__in=rows[:SAMPLE]))
    context = {
        **admin.site.each_context(request),
        "title": f"Put off {how_many(len(rows))}",
        "number": len(rows),
        "rows": sample.select_related("login__customer").order_by("opened_at", "pk"),
        "not_shown": max(0, len(rows) - SAMPLE),
        "hidden": hidden(request, "snooze", rows),
        "back_url": came_from(request),
        "token": request.POST.get("token") or new_token(),
        "snooze_days": DAYS,
        "tomorrow": first_day(wiring.clock()),
        "typed": request.POST,
        "error": error,
    }
    status = 400 if error else 200
    return TemplateResponse(request, "console/cases_snooze.html", context, status=status)


def hidden(request: HttpRequest, action: str, rows: list[int]) -> list[tuple[str, str]]:
    """Return what a confirmation form of a list's action carries: the very rows it shows."""
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)[:1]
    return [
        ("action", action),
        ("select_across", "0"),
        ("confirmed", "yes"),
        ("rows", ",".join(map(str, rows))),
        (BACK, came_from(request)),
        *((ACTION_CHECKBOX_NAME, key) for key in ticked),
    ]


def how_many(number: int) -> str:
    """Return "1 case" or "13 cases"."""
    return f"{number} case{'' if number == 1 else 's'}"
