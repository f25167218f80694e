"""What one reconnect case's page draws: whose move it is, contacts, links, and what can be done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from refreshops import wiring
from refreshops.console import cases_banks, cases_steps, link_pages
from refreshops.console.addresses import page
from refreshops.console.badges import reason_words
from refreshops.console.cases_words import must_do
from refreshops.console.link_pages import ShownLink
from refreshops.console.once import new_token
from refreshops.console.order_kinds import may
from refreshops.console.words import outcome_now
from refreshops.logins.models import Contact, LoginStatus, ReconnectCase

CONTACTS_SHOWN = 100
NOT_ASKED = "Ask them: by a link, by mail or by phone."
ASKED = "They were asked: see below."


@dataclass(frozen=True)
class Stands:
    """How a case stands: its headline, whose move it is, and what keeps it from being worked on."""

    matter: str
    whose_move: str
    folded: bool = False
    proposes_switch_off: bool = False


def context_of(request: HttpRequest, case: ReconnectCase) -> dict[str, Any]:
    """Return the page of a case, as far as this person may see and do it."""
    now, login = wiring.clock(), case.login
    is_open = case.closed_at is None
    may_work = is_open and cases_steps.may_work(request.user)
    return {
        "title": f"{login.customer} at {login.institution or 'an unknown bank'}",
        "subtitle": None,
        "case": case,
        "login": login,
        "stands": stands(case, now=now, down=_is_down(request, case)),
        "reason": reason_words(case.reason),
        "code_label": wiring.words(login.provider.name).code,
        "outcome": outcome_now(login, now=now, reason=login.outcome_reason),
        "login_url": page("logins_login", login.pk),
        "timeline_url": f"{page('logins_login', login.pk)}#timeline",
        "contacts": list(_contacts(case)),
        "links": _links(request, case, now=now),
        "may_work": may_work and login.customer.erasure_asked_at is None,
        "may_switch": is_open and may(request.user, "switch"),
        "link_url": link_pages.address_for_login(request.user, login) if is_open else "",
        "may_send": link_pages.may_send(request.user),
        "hows": cases_steps.HOWS,
        "longest": cases_steps.LONGEST,
        "snooze_days": cases_steps.DAYS,
        "tomorrow": cases_steps.first_day(now),
        "asleep": is_open and case.snoozed_until is not None and case.snoozed_until > now,
        "switch_off_days": wiring.case_switch_off_after().days,
        "token": request.POST.get("token") or new_token(),
        "typed": request.POST,
    }


def stands(case: ReconnectCase, *, now: datetime, down: bool) -> Stands:
    """Say in a sentence or two what is to be done about a case, and by whom."""
    if case.closed_at is not None:
        how = "is fresh again" if case.closed_as == "fresh" else "was connected anew"
        return Stands(f"Closed: the login {how}.", "Nobody needs to act.")
    if case.login.status != LoginStatus.ACTIVE or case.login.gone_at is not None:
        return Stands(
            "This case rests: its login is not refreshed any more.",
            "Nobody needs to act. It goes on when the login is switched on again.",
        )
    step = must_do(case.reason)
    matter = f"The customer must {step[0].lower()}{step[1:]}."
    if down:
        return Stands(
            matter, "Nobody needs to act now: the bank looks down. Wait for the next night.", True
        )
    if case.snoozed_until is not None and case.snoozed_until > now:
        return Stands(matter, "It was put off; nobody needs to act before then.")
    asked = NOT_ASKED if case.last_contact_at is None else ASKED
    old = now - case.opened_at >= wiring.case_switch_off_after()
    return Stands(
        matter,
        f"The customer acts next. {asked}",
        proposes_switch_off=old,
    )


def _is_down(request: HttpRequest, case: ReconnectCase) -> bool:
    """Tell whether the case is folded away with its bank: asked only while it is open."""
    return case.closed_at is None and cases_banks.is_down_for(request, case.login.institution)


def _contacts(case: ReconnectCase) -> Any:
    rows = Contact.objects.filter(case=case).select_related("by")
    return rows.order_by("-at", "-pk")[:CONTACTS_SHOWN]


def _links(request: HttpRequest, case: ReconnectCase, *, now: datetime) -> list[ShownLink]:
    return link_pages.shown(request.user, now=now, login=case.login)


def refused(
    request: HttpRequest, case: ReconnectCase, *, error: str, shared: dict[str, Any]
) -> HttpResponse:
    """Show the page again with what is wrong with what was typed."""
    context = {**shared, "original": case, **context_of(request, case), "error": error}
    return TemplateResponse(request, "console/case.html", context, status=400)
