"""What people do with logins nobody registered: give them to a customer, or order them off."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from refreshops import wiring
from refreshops.console.addresses import all_logins, page
from refreshops.console.confirm import Question, ask, reason_of
from refreshops.console.leak_lists import how_many, money_words, prices
from refreshops.console.moments import lasting_words
from refreshops.console.once import new_token, place_once
from refreshops.console.orders import KINDS
from refreshops.console.scoping import seen_by
from refreshops.console.search import is_number
from refreshops.console.story import tell
from refreshops.logins.models import Customer, Login, UnknownLogin
from refreshops.logins.unknown import register_unknown
from refreshops.routine import services, tasks
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.pacing import forecast
from refreshops.tracing.events import Action

NOBODYS = "unassigned"
NOBODYS_NAME = "Not assigned to a customer"
GONE_MEANWHILE = "These logins were registered, or left the provider's report, meanwhile."
NEEDS_APPROVAL = (
    "So many need a second person's approval: until then they are registered here, and nothing "
    "changes at the provider."
)
SAMPLE = 20
MOST_AT_ONCE = 20_000

Unknown = QuerySet[UnknownLogin]


def switch_off(model_admin: Any, request: HttpRequest, chosen: Unknown) -> HttpResponse:
    """Ask first; then register the rows as inactive and order them off, both or neither."""
    rows = _rows(model_admin, request, chosen)
    confirmed = "confirmed" in request.POST
    if not rows and not confirmed:
        return _none_left(request)
    if not confirmed:
        return ask(request, _switch_off_question(rows))
    reason = reason_of(request)
    if rows and not reason.strip():
        question = _switch_off_question(rows)
        return ask(request, question, error="Say why: the reason stands on the receipt.")
    try:
        return _give(request, rows, reason=reason)
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
    return redirect("admin:logins_unknownlogin_changelist")


def _hidden(rows: list[UnknownLogin], action: str) -> list[tuple[str, str]]:
    keys = [str(row.pk) for row in rows]
    fields = [("action", action), ("select_across", "0"), ("confirmed", "yes")]
    return [*fields, ("rows", ",".join(keys)), (ACTION_CHECKBOX_NAME, keys[0])]


def _switch_off_question(rows: list[UnknownLogin]) -> Question:
    number = len(rows)
    counted: dict[int, int] = {}
    for row in rows:
        counted[row.provider_id] = counted.get(row.provider_id, 0) + 1
    facts = [("Will be touched", str(number)), ("Takes", _lasting(rows, counted))]
    if money := money_words(per_provider=counted, prices=prices()):
        facts.append(("Money", f"Saves up to {money} a month"))
    return Question(
        title=f"Switch off at the provider: {how_many(number)}",
        consequence="Nobody knows these logins here. They are registered as inactive under the "
        f"customer “{NOBODYS}”, so that the order and its receipts have something to stand on, and "
        "are switched off at the provider.",
        button=f"Switch off: {how_many(number)}",
        back_url=reverse("admin:logins_unknownlogin_changelist"),
        needs_reason=True,
        grave=True,
        facts=facts,
        sample=[_as_login(row) for row in rows[:SAMPLE]],
        not_shown=max(0, number - SAMPLE),
        hidden=_hidden(rows, "switch_off"),
        notices=[NEEDS_APPROVAL] if number > wiring.approval_above() else [],
    )


def _as_login(row: UnknownLogin) -> dict[str, str]:
    return {
        "customer": NOBODYS,
        "institution": "",
        "login_id": row.login_id,
        "status": "not registered",
    }


def _lasting(rows: list[UnknownLogin], counted: dict[int, int]) -> str:
    paced = KINDS[Purpose.SWITCH_OFF].paced_calls
    providers = {row.provider_id: row.provider for row in rows}.values()
    spans = [
        forecast(
            logins=counted[provider.pk] * paced,
            per_window=provider.logins_per_minute,
            window=wiring.window(),
        )
        for provider in providers
    ]
    limits = ", ".join(
        f"{provider} {provider.logins_per_minute} a minute" for provider in providers
    )
    return f"{lasting_words(max(spans))} ({limits})"


def _give(request: HttpRequest, rows: list[UnknownLogin], *, reason: str) -> HttpResponse:
    now = wiring.clock()

    def place() -> list[int]:
        customer, _ = Customer.objects.get_or_create(
            reference=NOBODYS, defaults={"name": NOBODYS_NAME}
        )
        logins = register_unknown(rows, customer=customer, by=request.user, now=now, active=False)
        if not logins:
            raise services.NothingToDo(GONE_MEANWHILE)
        _note(request, logins, customer)
        opened = services.switch(
            logins=Login.objects.filter(pk__in=[login.pk for login in logins]),
            on=False,
            by=request.user,
            reason=reason,
            now=now,
            local_date=wiring.local_date(now),
            window=wiring.window(),
            approval_above=wiring.approval_above(),
        )
        for row in opened:
            tasks.nudge(row.run.provider.name)
            said = f"{how_many(row.planned)} ordered off as run {row.run.pk}. {row.waits}"
            messages.success(request, said.strip())
        return [row.run.pk for row in opened]

    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    if placed.again:
        messages.info(request, "This form was sent before; nothing was ordered twice. Here is it.")
    if len(placed.run_ids) == 1:
        return redirect(page("routine_run", placed.run_ids[0]))
    return redirect("admin:routine_run_changelist")


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
        "back_url": reverse("admin:logins_unknownlogin_changelist"),
        "number": len(rows),
        "rows": rows[:SAMPLE],
        "not_shown": max(0, len(rows) - SAMPLE),
        "hidden": _hidden(rows, "register"),
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
