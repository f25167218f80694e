"""What people do with logins nobody registered: give them to a customer, or order them away."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from refreshops import wiring
from refreshops.console import orders
from refreshops.console.addresses import all_logins, page
from refreshops.console.confirm import ask, reason_of
from refreshops.console.leak_buttons import has_no_switch
from refreshops.console.leak_lists import how_many
from refreshops.console.once import new_token, place_once
from refreshops.console.orders import KINDS
from refreshops.console.scoping import seen_by
from refreshops.console.search import is_number
from refreshops.console.story import tell
from refreshops.console.unknown_questions import NOBODYS, SAMPLE, hidden_fields, question_about
from refreshops.logins.models import Customer, Login, UnknownLogin
from refreshops.logins.unknown import register_unknown
from refreshops.routine import services, tasks
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import Action

NOBODYS_NAME = "Not assigned to a customer"
GONE_MEANWHILE = "These logins were registered, or left the provider's report, meanwhile."
NO_SWITCH = (
    "{} left out: their provider has no nightly switch. To stop paying for them, have them deleted "
    "there."
)
MOST_AT_ONCE = 20_000
LIST = "admin:logins_unknownlogin_changelist"
ORDERED = {Purpose.SWITCH_OFF: "off", Purpose.FORGET: "deleted"}

Unknown = QuerySet[UnknownLogin]


def switch_off(model_admin: Any, request: HttpRequest, chosen: Unknown) -> HttpResponse:
    """Ask first; then register the rows as inactive and order them off, both or neither.

    Those of a provider without a nightly switch are left out: being off here ends nothing there.
    """
    rows = _rows(model_admin, request, chosen)
    switched = [row for row in rows if not has_no_switch(row.provider.name)]
    if left := len(rows) - len(switched):
        messages.warning(request, NO_SWITCH.format(how_many(left)))
        if not switched:
            return redirect(LIST)
    return _order(request, switched, purpose=Purpose.SWITCH_OFF)


def forget(model_admin: Any, request: HttpRequest, chosen: Unknown) -> HttpResponse:
    """Ask first; then register the rows as inactive and have them deleted at their provider."""
    rows = _rows(model_admin, request, chosen)
    return _order(request, rows, purpose=Purpose.FORGET)


def _order(request: HttpRequest, rows: list[UnknownLogin], *, purpose: Purpose) -> HttpResponse:
    confirmed = "confirmed" in request.POST
    if not rows and not confirmed:
        return _none_left(request)
    question = question_about(rows, purpose=purpose)
    if not confirmed:
        return ask(request, question)
    reason = reason_of(request)
    if rows and not reason.strip():
        return ask(request, question, error="Say why: the reason stands on the receipt.")
    if rows and not question.is_typed(request):
        error = f"Type {question.typed} in the field below, exactly so."
        return ask(request, question, error=error)
    try:
        return _give(request, rows, purpose=purpose, reason=reason)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(request.get_full_path())


def register(model_admin: Any, request: HttpRequest, chosen: Unknown) -> HttpResponse:
    """Ask for the customer; then register the rows as active logins of theirs."""
    rows = _rows(model_admin, request, chosen)
    if not rows:
        return _none_left(request)
    if "confirmed" not in request.POST:
        return _ask_customer(request, rows)
    reference = request.POST.get("customer", "").strip()
    customer = _customer(request, reference)
    if customer is None:
        error = f"No customer has the reference “{reference}”." if reference else "Name a customer."
        return _ask_customer(request, rows, error=error)
    return _register(request, rows, customer)


def _rows(model_admin: Any, request: HttpRequest, chosen: Unknown) -> list[UnknownLogin]:
    """Return the rows the confirmation page showed, as far as nobody registered them since."""
    if carried := request.POST.get("rows", ""):
        keys = [int(key) for key in carried.split(",")[:MOST_AT_ONCE] if is_number(key)]
        chosen = model_admin.get_queryset(request).filter(pk__in=keys)
    return list(chosen.select_related("provider")[:MOST_AT_ONCE])


def _none_left(request: HttpRequest) -> HttpResponse:
    messages.info(request, GONE_MEANWHILE)
    return redirect(LIST)


def _give(
    request: HttpRequest, rows: list[UnknownLogin], *, purpose: Purpose, reason: str
) -> HttpResponse:
    now = wiring.clock()

    def place() -> list[int]:
        customer, _ = Customer.objects.get_or_create(
            reference=NOBODYS, defaults={"name": NOBODYS_NAME}
        )
        logins = register_unknown(rows, customer=customer, by=request.user, now=now, active=False)
        if not logins:
            raise services.NothingToDo(GONE_MEANWHILE)
        _note(request, logins, customer)
        opened = orders.place(
            KINDS[purpose],
            chosen=Login.objects.filter(pk__in=[login.pk for login in logins]),
            wish=_wish(request, reason, now=now),
        )
        for row in opened:
            tasks.nudge(row.run.provider.name)
            said = f"{how_many(row.planned)} ordered {ORDERED[purpose]} as run {row.run.pk}."
            messages.success(request, f"{said} {row.waits}".strip())
        return [row.run.pk for row in opened]

    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    if placed.again:
        messages.info(request, "This form was sent before; nothing was ordered twice. Here is it.")
    if len(placed.run_ids) == 1:
        return redirect(page("routine_run", placed.run_ids[0]))
    return redirect("admin:routine_run_changelist")


def _wish(request: HttpRequest, reason: str, *, now: datetime) -> orders.Wish:
    return orders.Wish(
        by=request.user,
        reason=reason,
        now=now,
        local_date=wiring.local_date(now),
        window=wiring.window(),
        approval_above=wiring.approval_above(),
        can_forget=wiring.can_forget,
    )


def _customer(request: HttpRequest, reference: str) -> Customer | None:
    # PostgreSQL refuses a NUL in a text with an error; no reference holds one.
    if "\0" in reference:
        return None
    customers = seen_by(request.user, Customer.objects.all())
    # Nobody is brought back who asked to be forgotten.
    wanted = customers.filter(reference=reference, erasure_asked_at__isnull=True)
    found: Customer | None = wanted.first()
    return found


def _ask_customer(
    request: HttpRequest, rows: list[UnknownLogin], *, error: str = ""
) -> TemplateResponse:
    context = {
        **admin.site.each_context(request),
        "title": f"Register {how_many(len(rows))} to a customer",
        "back_url": reverse(LIST),
        "number": len(rows),
        "rows": rows[:SAMPLE],
        "not_shown": max(0, len(rows) - SAMPLE),
        "hidden": hidden_fields(rows, "register"),
        "customer": request.POST.get("customer", ""),
        "token": request.POST.get("token") or new_token(),
        "error": error,
    }
    status = 400 if error else 200
    return TemplateResponse(request, "console/register_unknown.html", context, status=status)


def _register(request: HttpRequest, rows: list[UnknownLogin], customer: Customer) -> HttpResponse:
    with transaction.atomic():
        logins = register_unknown(rows, customer=customer, by=request.user, now=wiring.clock())
        _note(request, logins, customer)
    messages.success(request, f"{how_many(len(logins))} registered to {customer}.")
    if left := len(rows) - len(logins):
        messages.info(request, f"{left} had been registered by somebody else meanwhile.")
    return redirect(all_logins(customer__id__exact=str(customer.pk)))


def _note(request: HttpRequest, logins: list[Login], customer: Customer) -> None:
    """Let each login's history say who brought it in, and the story how many."""
    if logins:
        tell(request, Action.REGISTER, number=len(logins), subject=("customer", customer.pk))
        why = "Registered: the provider reported it and nobody knew it."
        by = int(request.user.pk or 0)  # whoever comes here is signed in
        LogEntry.objects.log_actions(by, logins, ADDITION, change_message=why)
