"""Many give one order at one instant, or many processes end one run: it is told once."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from refreshops.logins.models import Login
from refreshops.routine import endings, services, waiting
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.events import Action
from refreshops.tracing.models import Event
from tests.builders import NOON, make_logins, make_provider
from tests.routine.at_once import at_once
from tests.routine.conftest import WINDOW

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 6
LOGINS = 5
TOMORROW = NOON + timedelta(days=1)
TERMS: dict[str, Any] = {"now": NOON, "local_date": NOON.date(), "window": WINDOW}

pause = {"by": "Ola", "why": "A question", "now": NOON}
resume = {"by": "Ola", "now": NOON}


@pytest.fixture
def run() -> Run:
    make_logins(LOGINS)
    opened, _ = services.open_daily(provider=make_provider(), **TERMS)
    return opened


def told() -> Counter[str]:
    return Counter(Event.objects.exclude(action="open_daily").values_list("action", flat=True))


def each(run: Run, deed: Callable[[Run], Any]) -> list[Any]:
    """Let everybody do it, each with the run as they read it."""
    return at_once(*[lambda: deed(Run.objects.get(pk=run.pk))] * PEOPLE)


def end(run: Run) -> None:
    Attempt.objects.filter(run=run).update(state="done", outcome="unknown", finished_at=NOON)


def close(run: Run) -> list[Run]:
    return endings.close_finished(provider_id=run.provider_id, now=NOON)


def test_a_run_is_paused_and_resumed_once(run):
    paused = each(run, lambda row: services.pause_run(row, **pause))
    resumed = each(run, lambda row: services.resume_run(row, **resume))

    once = [False] * (PEOPLE - 1) + [True]
    assert (sorted(paused), sorted(resumed)) == (once, once)
    assert told() == {"pause_run": 1, "resume_run": 1}


def test_a_run_is_cancelled_once_with_all_its_logins(run):
    left = each(run, lambda row: services.cancel_run(row, **pause))

    assert sorted(left) == [0] * (PEOPLE - 1) + [LOGINS]
    assert [(row.action, row.number) for row in Event.objects.order_by("-pk")[:1]] == [
        ("cancel_run", LOGINS)
    ]
    assert told() == {"cancel_run": 1}


@pytest.mark.parametrize("seed", range(2))
def test_people_who_disagree_leave_a_story_that_leads_to_where_the_run_stands(run, seed):
    ways = {
        "paused": lambda: services.pause_run(Run.objects.get(pk=run.pk), **pause),
        "open": lambda: services.resume_run(Run.objects.get(pk=run.pk), **resume),
        "cancelled": lambda: services.cancel_run(Run.objects.get(pk=run.pk), **pause),
    }
    names = random.Random(seed).choices(list(ways), weights=[4, 4, 1], k=PEOPLE)

    found = at_once(*[ways[name] for name in names])

    errors = [one for one in found if isinstance(one, Exception)]
    assert all(isinstance(one, services.RunAlreadyClosed) for one in errors), errors
    steps = {"open_daily": "open", "pause_run": "paused", "resume_run": "open"}
    stood = [
        steps.get(name, "cancelled")
        for name in Event.objects.order_by("pk").values_list("action", flat=True)
    ]
    assert stood[-1] == Run.objects.get(pk=run.pk).state
    assert all(before != after for before, after in zip(stood, stood[1:], strict=False))


def test_the_end_of_a_run_is_told_once_and_its_totals_are_its_attempts(run):
    end(run)

    closed = at_once(
        *[lambda: close(run)] * 3,
        *[lambda: services.cancel_run(Run.objects.get(pk=run.pk), **pause)] * 2,
    )

    assert told() in ({"end_run": 1}, {"cancel_run": 1})
    assert sum(len(one) for one in closed if isinstance(one, list)) == told()["end_run"]
    totals = Run.objects.get(pk=run.pk).totals
    assert (totals["done"], totals["outcomes"]) == (LOGINS, {"unknown": LOGINS})


def test_a_retry_is_ordered_once(run):
    end(run)
    close(run)

    found = each(run, lambda row: services.retry_failed(row, by=None, **TERMS))

    names = Counter(type(one).__name__ for one in found)
    assert names == {"Opened": 1, "AlreadyOrdered": PEOPLE - 1}
    assert told() == {"end_run": 1, "retry_run": 1}
    assert Run.objects.count() == 2


def test_a_provider_is_paused_and_resumed_once():
    provider = make_provider()

    at_once(*[lambda: services.pause_provider(provider, **pause)] * PEOPLE)
    resumed = at_once(*[lambda: services.resume_provider(provider, **resume)] * PEOPLE)

    assert told() == {"pause_provider": 1, "resume_provider": 1}
    assert sorted(resumed) == [False] * (PEOPLE - 1) + [True]


def test_another_reason_to_pause_a_provider_is_told_too():
    provider = make_provider()

    for why in ("A question", "A question", "Another one"):
        services.pause_provider(provider, by="Ola", why=why, now=NOON)

    assert list(Event.objects.order_by("pk").values_list("reason", flat=True)) == [
        "A question",
        "Another one",
    ]


def test_a_day_is_begun_once():
    make_logins(LOGINS)
    provider = make_provider()

    at_once(*[lambda: services.open_daily(provider=provider, **TERMS)] * PEOPLE)

    assert list(Event.objects.values_list("action", flat=True)) == [Action.OPEN_DAILY.value]


def test_an_order_that_waits_is_approved_and_begun_once_or_withdrawn_once():
    make_logins(LOGINS)
    ola, pat = User.objects.create(username="ola"), User.objects.create(username="pat")
    asked = {"logins": Login.objects.all(), "on": False, "by": ola, "reason": "Left", **TERMS}
    (opened,) = services.switch(**asked, approval_above=1, starts_at=TOMORROW)

    each(opened.run, lambda row: waiting.approve(row, by=pat, now=NOON))
    each(opened.run, lambda row: waiting.withdraw(row, **pause))

    assert told() == {"order": 1, "approve": 1, "withdraw": 1}


def test_what_is_rolled_back_is_not_told():
    nobody = Login.objects.none()

    with pytest.raises(services.Refused):
        services.switch(logins=nobody, on=False, by=None, reason="Left", **TERMS)
    with pytest.raises(services.NothingToDo):
        services.retry_failed(Run.objects.get(pk=_closed_and_empty().pk), by=None, **TERMS)

    assert told() == {}


def _closed_and_empty() -> Run:
    return Run.objects.create(
        provider=make_provider(),
        purpose="refresh",
        origin="person",
        local_date=NOON.date(),
        opened_at=NOON,
        closed_at=NOON,
        state="closed",
    )
