"""From chosen logins to an order: the confirmation page, then one run and its page."""

from datetime import date, datetime, time
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.console import orders
from refreshops.console.addresses import page
from refreshops.console.confirm import BACK, Question, ask, came_from, reason_of
from refreshops.console.leak_lists import how_many
from refreshops.console.lookups import rows_carried
from refreshops.console.once import place_once
from refreshops.console.scoping import logins_of, runs_of
from refreshops.console.waiting import runs_waited_in
from refreshops.logins.models import Login
from refreshops.routine import services, tasks
from refreshops.rules.lifecycle import Purpose

# Up to here the form carries the very rows that were shown; beyond, the list's filter.
IDS_CARRIED = 20_000
LINKS_SHOWN = 5


class _AllWait(Exception):
    """Every login of the order waits for it already, in `run_ids`."""

    def __init__(self, run_ids: list[int]) -> None:
        super().__init__(run_ids)
        self.run_ids = run_ids


def view(request: HttpRequest, queryset: QuerySet[Login], *, purpose: Purpose) -> HttpResponse:
    """Ask first; with the confirmed form, give the order and go to its run."""
    kind = orders.KINDS[purpose]
    chosen = _confirmed_rows(request, queryset)
    question = _question(request, kind, chosen)
    if "confirmed" not in request.POST:
        return ask(request, question)
    try:
        return _give(request, kind, chosen, wish=_wish(request, kind, question))
    except services.NothingToDo as refusal:
        messages.error(request, str(refusal))
        return redirect(came_from(request))
    except services.Refused as refusal:
        return ask(request, question, error=str(refusal))


def _confirmed_rows(request: HttpRequest, queryset: QuerySet[Login]) -> QuerySet[Login]:
    """Return the rows the confirmation page showed, as far as this person may see them.

    Not the list's filter once more: while a run moves, rows come and go under it.
    """
    carried = request.POST.get("rows", "")
    if not carried:
        return queryset
    return logins_of(request.user).filter(pk__in=rows_carried(carried))


def _wish(request: HttpRequest, kind: orders.Kind, question: Question) -> orders.Wish:
    """Read the confirmed form; raise `services.Refused` with what is wrong with it."""
    reason, now = reason_of(request), wiring.clock()
    if kind.needs_reason and not reason.strip():
        raise services.ReasonMissing("Say why: the reason stands on the receipt.")
    if not question.is_typed(request):
        raise services.Refused(f"Type {question.typed} in the field below, exactly so.")
    starts_on = request.POST.get("starts_on", "") if kind.may_wait else ""
    return orders.Wish(
        by=request.user,
        reason=reason,
        now=now,
        local_date=wiring.local_date(now),
        window=wiring.window(),
        starts_at=starts_at_of(starts_on, today=wiring.local_date(now)),
        approval_above=wiring.approval_above(),
        can_forget=wiring.can_forget,
    )


def starts_at_of(text: str, *, today: date) -> datetime | None:
    """Return when an order begins that was given the date `text`: at 00:00 local time of it.

    None, at once, for no date and for today. Raise `services.Refused` for what is no coming date.
    """
    if not text.strip():
        return None
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    if day is None:
        raise services.Refused("Write the date as YYYY-MM-DD, for example 2026-12-01.")
    if day < today:
        raise services.Refused("The date lies in the past: leave it empty to begin at once.")
    if day == today:
        return None
    return datetime.combine(day, time(), timezone.get_current_timezone())


def _question(request: HttpRequest, kind: orders.Kind, chosen: QuerySet[Login]) -> Question:
    plan = orders.plan(
        kind, chosen=chosen, window=wiring.window(), approval_above=wiring.approval_above()
    )
    return Question(
        title=f"{kind.title}: {how_many(plan.touched)}",
        consequence=_consequence(plan),
        button=f"{kind.button}: {how_many(plan.touched)}",
        back_url=came_from(request),
        needs_reason=kind.needs_reason,
        grave=kind.grave,
        facts=_facts(request, plan),
        sample=plan.sample,
        not_shown=plan.not_shown,
        hidden=_hidden(request, chosen, plan),
        possible=plan.touched > 0,
        starts_at=kind.may_wait,
        typed=kind.typed,
        notices=_notices(plan),
    )


def _consequence(plan: orders.Plan) -> str:
    """Say what the order does; where no provider is told of it, that only."""
    nobody_told = 0 < plan.here_only == plan.touched
    return plan.kind.here_only if nobody_told else plan.kind.consequence


def _facts(request: HttpRequest, plan: orders.Plan) -> list[tuple[str, str]]:
    facts = [("Chosen", str(plan.chosen)), ("Will be touched", str(plan.touched))]
    if plan.skipped:
        facts.append(("Left out", plan.left_out))
    if plan.waiting:
        facts.append(("Waiting already", _waiting_words(request, plan)))
    facts += plan.peculiar
    if plan.touched:
        facts.append(("Takes", f"{plan.lasting} ({plan.limit})"))
    if plan.cost:
        facts.append(("Money", plan.cost))
    return facts


def _waiting_words(request: HttpRequest, plan: orders.Plan) -> SafeString:
    """Say what becomes of logins that another run holds, and link the runs one may see."""
    if plan.needs_approval:
        said = f"{plan.waiting}: left out, because this order waits for approval itself"
    elif plan.put_off:
        said = f"{plan.waiting}: brought forward, {plan.put_off} of them out of a waiting order"
    else:
        said = f"{plan.waiting}: brought forward, not doubled"
    return format_html("{} ({})", said, _links(request, plan.waiting_in))


def _notices(plan: orders.Plan) -> list[str | SafeString]:
    found: list[str | SafeString] = []
    if plan.needs_approval:
        found.append(
            f"Over {how_many(wiring.approval_above())}: a second person with the permission must "
            "approve this order before it begins. Until then nothing changes."
        )
    if plan.kind.purpose is Purpose.CHECK_SCHEDULE and plan.inactive:
        found.append(
            f"{plan.inactive} of them {'is' if plan.inactive == 1 else 'are'} inactive: asking "
            "helps keep a login alive at the provider. Look when you must know, not out of habit."
        )
    return found


def _hidden(
    request: HttpRequest, chosen: QuerySet[Login], plan: orders.Plan
) -> list[tuple[str, str]]:
    across = request.POST.get("select_across", "0")
    action = request.POST.get("action", plan.kind.action)
    fields = [("action", action), ("select_across", across), ("confirmed", "yes")]
    fields.append((BACK, came_from(request)))
    if plan.chosen <= IDS_CARRIED or "rows" in request.POST:
        keys = chosen.order_by().values_list("pk", flat=True)
        fields.append(("rows", ",".join(str(key) for key in keys)))
    # The stock list takes a post for an action only with a row's box ticked.
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)[:1]
    return fields + [(ACTION_CHECKBOX_NAME, key) for key in ticked]


def _give(
    request: HttpRequest, kind: orders.Kind, chosen: QuerySet[Login], *, wish: orders.Wish
) -> HttpResponse:
    def place() -> list[int]:
        # In here, where forms of one person sent at once stand in line.
        if run_ids := runs_waited_in(kind, chosen=chosen, now=wish.now):
            raise _AllWait(run_ids)
        opened = orders.place(kind, chosen=chosen, wish=wish)
        for row in opened:
            tasks.nudge(row.run.provider.name)
            messages.success(request, _with_way_back(request, _said(kind, row)))
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


def _with_way_back(request: HttpRequest, said: str) -> SafeString:
    return format_html('{} <a href="{}">Back to where you were</a>', said, came_from(request))


def _nothing_new(request: HttpRequest, run_ids: list[int]) -> HttpResponse:
    """Say where the logins wait; go there if it is one run this person may see."""
    said = "The chosen logins wait already in {}; no further run was opened."
    messages.info(request, format_html(said, _links(request, run_ids)))
    visible = _visible(request, run_ids)
    alone = len(run_ids) == len(visible) == 1
    return redirect(page("routine_run", run_ids[0]) if alone else came_from(request))


def _links(request: HttpRequest, run_ids: list[int]) -> SafeString:
    """Link the runs this person may see, and say that there are others."""
    visible = _visible(request, run_ids)
    rows: list[Any] = [(page("routine_run", pk), f"run {pk}") for pk in visible[:LINKS_SHOWN]]
    links = format_html_join(", ", '<a href="{}">{}</a>', rows)
    if len(visible) > LINKS_SHOWN:
        return format_html("{} and {} more", links, len(visible) - LINKS_SHOWN)
    return links or SafeString("another person’s run")


def _visible(request: HttpRequest, run_ids: list[int]) -> list[int]:
    rows = runs_of(request.user).filter(pk__in=run_ids).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _said(kind: orders.Kind, opened: services.Opened) -> str:
    words = f"{kind.title}: {opened.planned} ordered as run {opened.run.pk}"
    if opened.brought_forward:
        go = "goes" if opened.brought_forward == 1 else "go"
        words += f"; {opened.brought_forward} waited already and {go} first now"
    if opened.left_out:
        are, were = ("is", "was") if opened.left_out == 1 else ("are", "were")
        words += f"; {opened.left_out} {are} ordered elsewhere already and {were} left out"
    return f"{words}. {opened.waits}".strip()
