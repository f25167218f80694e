"""The order "Look again": asks the provider about what leaks, and about a sample of the rest."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from refreshops import wiring
from refreshops.console import order_kinds
from refreshops.console.addresses import page
from refreshops.console.confirm import Question, ask
from refreshops.console.leak_lists import how_many
from refreshops.console.lookups import rows_carried
from refreshops.console.moments import lasting_words
from refreshops.console.once import place_once
from refreshops.console.scoping import logins_of, sees_everything
from refreshops.console.search import is_number
from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.routine import services, tasks
from refreshops.routine.checking import IN_QUESTION, check_schedule, sample
from refreshops.rules.pacing import forecast

# A cached call helps keep an inactive login alive: never a look at all of them.
MOST_LEAKING = 200
USUAL_SAMPLE, MOST_SAMPLED = 50, 500
REASON = "Looked again from the page Leaks"


@dataclass(frozen=True)
class Look:
    """Which logins are asked, by key, and at which providers the report is read first."""

    leaking: list[int]
    sampled: list[int]
    providers: list[Provider]
    reports: list[Provider]

    @property
    def keys(self) -> list[int]:
        """All logins of the look, each once."""
        return list(dict.fromkeys([*self.leaking, *self.sampled]))


def may(user: Any) -> bool:
    """Tell whether this person may order a look at the provider's schedule."""
    return order_kinds.may(user, "check") and bool(user.has_perm("logins.view_login"))


def view(request: HttpRequest) -> HttpResponse:
    """Ask first; with the confirmed form, give the order and go to its run."""
    if not may(request.user):
        raise PermissionDenied
    carried = request.POST.get("rows")
    if request.method != "POST" or carried is None:
        return ask(request, _question(request, _look(request)))
    keys = rows_carried(carried)
    try:
        return _give(request, logins_of(request.user).filter(pk__in=keys))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:leaks")


def _look(request: HttpRequest) -> Look:
    logins = logins_of(request.user)
    unseen_first = logins.filter(IN_QUESTION).order_by(F("nightly_seen_at").asc(nulls_first=True))
    leaking = list(unseen_first.values_list("pk", flat=True)[:MOST_LEAKING])
    rest: LoginQuerySet = logins.exclude(IN_QUESTION)
    chosen = sample(rest, number=_number(request), chance=random.SystemRandom())
    providers = list(Provider.objects.filter(name__in=wiring.provider_names()).order_by("name"))
    return Look(
        leaking=leaking,
        sampled=list(chosen.values_list("pk", flat=True)),
        providers=providers,
        reports=_reports(request.user, providers),
    )


def _number(request: HttpRequest) -> int:
    """Return how many inactive logins are sampled; what is no number counts as the usual."""
    typed = request.GET.get("sample", "")
    return min(int(typed), MOST_SAMPLED) if is_number(typed) else USUAL_SAMPLE


def _reports(user: Any, providers: list[Provider]) -> list[Provider]:
    """Return the providers whose report is read: it names logins of every account manager."""
    if not sees_everything(user):
        return []
    return [row for row in providers if wiring.begins_with_a_report(row.name)]


def _question(request: HttpRequest, look: Look) -> Question:
    keys = look.keys
    first = Login.objects.filter(pk__in=keys[:20]).select_related("customer", "provider")
    return Question(
        title="Look again",
        consequence="Asks the provider for its nightly schedule of these logins, and changes "
        "nothing. A cached call helps keep an inactive login alive there, so only what leaks and "
        "a sample of the rest is asked, and never every day.",
        button=f"Ask about {how_many(len(keys))}" if keys else "Ask for the report",
        back_url=reverse("admin:leaks"),
        facts=_facts(look),
        sample=list(first),
        not_shown=max(0, len(keys) - 20),
        hidden=[("rows", ",".join(str(key) for key in keys))],
        possible=bool(keys or look.reports),
    )


def _facts(look: Look) -> list[tuple[str, str]]:
    facts = [
        ("From the lists", f"{len(look.leaking)}, those not seen for longest first"),
        ("Sample", f"{len(look.sampled)} of the other inactive logins"),
    ]
    if look.reports:
        names = ", ".join(str(row) for row in look.reports)
        facts.append(("Report", f"{names}: one call for the logins we do not know"))
    if look.keys:
        facts.append(("Takes", _lasting(look)))
    return facts


def _lasting(look: Look) -> str:
    """Say how long at most: as if every login were at the slowest provider."""
    slowest = min((row.logins_per_minute for row in look.providers), default=1)
    span: timedelta = forecast(
        logins=len(look.keys), per_window=slowest, window=wiring.window(), busy=0
    )
    return f"{lasting_words(span)} ({slowest} a minute)"


def _give(request: HttpRequest, logins: LoginQuerySet) -> HttpResponse:
    providers = list(Provider.objects.filter(name__in=wiring.provider_names()).order_by("name"))
    reports = _reports(request.user, providers)

    def place() -> list[int]:
        opened = [
            _check(request, row, logins, with_report=row in reports)
            for row in providers
            if row in reports or logins.filter(provider=row).exists()
        ]
        if not opened:
            raise services.NothingToDo("Nothing is left to look at.")
        return opened

    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    said = "This look was ordered before; here it is." if placed.again else "The look is ordered."
    messages.info(request, said)
    if len(placed.run_ids) == 1:
        return redirect(page("routine_run", placed.run_ids[0]))
    return redirect("admin:routine_run_changelist")


def _check(
    request: HttpRequest, provider: Provider, logins: LoginQuerySet, *, with_report: bool
) -> int:
    now = wiring.clock()
    opened = check_schedule(
        provider=provider,
        logins=logins,
        by=request.user,
        reason=REASON,
        now=now,
        local_date=wiring.local_date(now),
        window=wiring.window(),
        with_report=with_report,
    )
    tasks.nudge(provider.name)
    return opened.run.pk
