"""From chosen logins to an order: the confirmation page, then one run and its page."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from refreshops import wiring
from refreshops.console import orders
from refreshops.console.addresses import page
from refreshops.console.confirm import Question, ask
from refreshops.console.once import place_once
from refreshops.console.scoping import runs_of
from refreshops.console.search import is_number
from refreshops.console.waiting import runs_waited_in
from refreshops.logins.models import Login
from refreshops.routine import services, tasks
from refreshops.rules.lifecycle import Purpose

# Up to here the form carries the very rows that were shown; beyond, the list's filter.
IDS_CARRIED = 20_000


class _AllWait(Exception):
    """Every login of the order waits for it already, in `run_ids`."""

    def __init__(self, run_ids: list[int]) -> None:
        super().__init__(run_ids)
        self.run_ids = run_ids


def view(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Login], *, purpose: Purpose
) -> HttpResponse:
    """Ask first; with the confirmed form, give the order and go to its run."""
    kind = orders.KINDS[purpose]
    chosen = _confirmed_rows(model_admin, request, queryset)
    if "confirmed" not in request.POST:
        return ask(request, _question(request, kind, chosen))
    reason = request.POST.get("reason", "")
    if kind.needs_reason and not reason.strip():
        question = _question(request, kind, chosen)
        return ask(request, question, error="Say why: the reason stands on the receipt.")
    try:
        return _give(request, kind, chosen, reason=reason)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(request.get_full_path())


def _confirmed_rows(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Login]
) -> QuerySet[Login]:
    """Return the rows the confirmation page showed, as far as this person may see them.

    Not the list's filter once more: while a run moves, rows come and go under it.
    """
    carried = request.POST.get("rows", "")
    if not carried:
        return queryset
    keys = [int(key) for key in carried.split(",") if is_number(key)]
    rows: QuerySet[Login] = model_admin.get_queryset(request).filter(pk__in=keys)
    return rows


def _question(request: HttpRequest, kind: orders.Kind, chosen: QuerySet[Login]) -> Question:
    plan = orders.plan(kind, chosen=chosen, window=wiring.window())
    return Question(
        title=f"{kind.title}: {plan.touched} login{'' if plan.touched == 1 else 's'}",
        consequence=kind.consequence,
        button=f"{kind.button}: {plan.touched} login{'' if plan.touched == 1 else 's'}",
        back_url=request.get_full_path(),
        needs_reason=kind.needs_reason,
        grave=kind.purpose is Purpose.SWITCH_OFF,
        facts=_facts(plan),
        sample=plan.sample,
        not_shown=plan.not_shown,
        hidden=_hidden(request, kind, chosen, plan),
        possible=plan.touched > 0,
    )


def _facts(plan: orders.Plan) -> list[tuple[str, str]]:
    facts = [("Chosen", str(plan.chosen)), ("Will be touched", str(plan.touched))]
    if plan.skipped:
        facts.append(("Left out", f"{plan.skipped}: {plan.kind.skips_because}"))
    if plan.waiting:
        facts.append(("Waiting already", f"{plan.waiting}: brought forward, not doubled"))
    if plan.touched:
        facts.append(("Takes", f"{plan.lasting} ({plan.limit})"))
    if plan.cost:
        facts.append(("Money", plan.cost))
    return facts


def _hidden(
    request: HttpRequest, kind: orders.Kind, chosen: QuerySet[Login], plan: orders.Plan
) -> list[tuple[str, str]]:
    across = request.POST.get("select_across", "0")
    fields = [("action", kind.action), ("select_across", across), ("confirmed", "yes")]
    keys = chosen.order_by().values_list("pk", flat=True)
    if plan.chosen <= IDS_CARRIED:
        fields.append(("rows", ",".join(str(key) for key in keys)))
    # The stock list takes a post for an action only with a row's box ticked.
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)[:1]
    return fields + [(ACTION_CHECKBOX_NAME, key) for key in ticked]


def _give(
    request: HttpRequest, kind: orders.Kind, chosen: QuerySet[Login], *, reason: str
) -> HttpResponse:
    now = wiring.clock()

    def place() -> list[int]:
        # In here, where forms of one person sent at once stand in line.
        if run_ids := runs_waited_in(kind, chosen=chosen, now=now):
            raise _AllWait(run_ids)
        opened = orders.place(
            kind,
            chosen=chosen,
            by=request.user,
            reason=reason,
            now=now,
            local_date=wiring.local_date(now),
            window=wiring.window(),
        )
        for row in opened:
            tasks.nudge(row.run.provider.name)
            messages.success(request, _said(kind, row))
        return [row.run.pk for row in opened]

    try:
        placed = place_once(request, token=request.POST.get("token", ""), place=place)
    except _AllWait as waiting:
        return _nothing_new(request, waiting.run_ids)
    if placed.again:
        messages.info(request, "This form was sent before; nothing was ordered twice. Here is it.")
    if len(placed.run_ids) == 1:
        return redirect(page("routine_run", placed.run_ids[0]))
    return redirect(reverse("admin:routine_run_changelist"))


def _nothing_new(request: HttpRequest, run_ids: list[int]) -> HttpResponse:
    """Say where the logins wait; go there if it is one run this person may see."""
    visible = set(runs_of(request.user).filter(pk__in=run_ids).values_list("pk", flat=True))
    links = [(page("routine_run", pk), f"run {pk}") for pk in run_ids if pk in visible]
    where = format_html_join(", ", '<a href="{}">{}</a>', links) or "another person’s run"
    said = "The chosen logins wait already in {}; no further run was opened."
    messages.info(request, format_html(said, where))
    return redirect(links[0][0] if len(run_ids) == len(links) == 1 else request.get_full_path())


def _said(kind: orders.Kind, opened: services.Opened) -> str:
    words = f"{kind.title}: {opened.planned} ordered as run {opened.run.pk}"
    if opened.brought_forward:
        words += f"; {opened.brought_forward} waited already and go first now"
    return f"{words}."
