"""A mail with a connect link of its own for each of many cases: asked first, then queued."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from refreshops import wiring
from refreshops.connect import letters, tasks
from refreshops.console.addresses import cases_list
from refreshops.console.cases_banks import down_for
from refreshops.console.cases_list import cases_of
from refreshops.console.cases_steps import AGAIN, SAMPLE, hidden, how_many
from refreshops.console.confirm import BACK, came_from
from refreshops.console.link_pages import NOT_SET_UP
from refreshops.console.lookups import rows_carried
from refreshops.console.once import new_token, place_once
from refreshops.logins import cases
from refreshops.logins.models import ReconnectCase

Rows = QuerySet[ReconnectCase]


@dataclass(frozen=True)
class Plan:
    """Whom a mail would reach: `without` are open, but their customers have no address."""

    chosen: int
    reached: list[int]
    without: Rows
    without_number: int
    folded: int

    @property
    def over(self) -> int:
        """How many are left out because nothing is to be asked about them."""
        return self.chosen - len(self.reached) - self.without_number - self.folded


def send_many(request: HttpRequest, chosen: Rows) -> HttpResponse:
    """Ask; with the confirmed form, queue a mail for each chosen case whose customer it reaches."""
    if carried := request.POST.get("rows", ""):
        chosen = cases_of(request.user).filter(pk__in=rows_carried(carried))
    plan = _plan(request, chosen)
    if "confirmed" not in request.POST:
        return _ask(request, plan)
    if not wiring.public_url():
        return _ask(request, plan, status=400)

    def place() -> list[int]:
        queued = letters.queue_for_cases(
            ReconnectCase.objects.filter(pk__in=plan.reached),
            by=request.user,
            now=wiring.clock(),
            lives=wiring.link_lives(),
        )
        if queued.mails:
            tasks.nudge()
        _say(request, queued)
        return [queued.mails]

    if place_once(request, token=request.POST.get("token", ""), place=place).again:
        messages.info(request, AGAIN)
    return redirect(came_from(request) if request.POST.get(BACK) else cases_list())


def _say(request: HttpRequest, queued: letters.Queued) -> None:
    number = queued.mails
    if number:
        said = f"{number} mail{'' if number == 1 else 's'} queued; the worker sends them now."
        messages.success(request, said)
    if queued.waiting:
        messages.info(request, f"{how_many(queued.waiting)} had a mail waiting already.")
    if not number and not queued.waiting:
        messages.info(request, "No mail was queued: nobody of them can be reached.")


def _plan(request: HttpRequest, chosen: Rows) -> Plan:
    keys = list(chosen.order_by().values_list("pk", flat=True))
    wanted = cases.open_cases().filter(pk__in=keys, login__customer__erasure_asked_at__isnull=True)
    # Whoever chose a case that is put off meant it; at a bank that is down nobody can reconnect.
    possible = wanted.exclude(login__institution__in=sorted(down_for(request)))
    reachable = possible.exclude(login__customer__email="")
    reached = list(reachable.order_by("pk").values_list("pk", flat=True))
    number = possible.count()
    return Plan(
        chosen=len(keys),
        reached=reached,
        without=possible.filter(login__customer__email=""),
        without_number=number - len(reached),
        folded=wanted.count() - number,
    )


def _ask(request: HttpRequest, plan: Plan, *, status: int = 200) -> HttpResponse:
    number = len(plan.reached)
    sample = ReconnectCase.objects.filter(pk__in=plan.reached[:SAMPLE])
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Send a link by mail: {how_many(number)}",
        "plan": plan,
        "number": number,
        "rows": sample.select_related("login__customer").order_by("pk"),
        "not_shown": max(0, number - SAMPLE),
        "without": plan.without.select_related("login__customer").order_by("pk")[:SAMPLE],
        "without_more": max(0, plan.without_number - SAMPLE),
        "why_not": "" if wiring.public_url() else NOT_SET_UP,
        "days": wiring.link_lives().days,
        "hidden": hidden(request, "send_link", plan.reached),
        "back_url": came_from(request),
        "token": request.POST.get("token") or new_token(),
    }
    return TemplateResponse(request, "console/cases_mail.html", context, status=status)
