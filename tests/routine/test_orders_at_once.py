"""Many people at one instant: each login is ordered once, each order begins once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from refreshops.logins.models import Login
from refreshops.routine import privacy, services, waiting
from refreshops.routine.checking import check_schedule
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.rules.lifecycle import Purpose
from tests.builders import NOON, make_login, make_logins, make_provider
from tests.routine.at_once import at_once
from tests.routine.conftest import WINDOW

pytestmark = pytest.mark.django_db(transaction=True)

TOMORROW = NOON + timedelta(days=1)
PEOPLE = 8


def switching(keys: Iterable[int], *, on: bool = False, **more: Any) -> Callable[[], Any]:
    wanted = list(keys)
    return lambda: services.switch(
        logins=Login.objects.filter(pk__in=wanted),
        on=on,
        by=None,
        reason="The customer left",
        now=NOON,
        local_date=NOON.date(),
        window=WINDOW,
        **more,
    )


def kinds_of(found: list[Any]) -> Counter[str]:
    return Counter(type(one).__name__ for one in found)


@pytest.mark.parametrize("more", [{}, {"starts_at": TOMORROW}], ids=["at-once", "later"])
def test_the_same_order_of_many_people_is_one(more):
    keys = [row.pk for row in make_logins(20)]

    found = at_once(*[switching(keys, **more) for _ in range(PEOPLE)])

    assert kinds_of(found) == {"list": 1, "AlreadyOrdered": PEOPLE - 1}
    assert Run.objects.count() == 1
    assert Attempt.objects.count() == 20


def test_orders_that_overlap_in_any_order_meet_without_a_deadlock_and_double_nothing():
    keys = [row.pk for row in make_logins(60)]
    chance = random.Random(3)
    samples = [chance.sample(keys, 40) for _ in range(PEOPLE)]

    found = at_once(
        *[
            switching(sample, on=number % 3 == 0, **({"starts_at": TOMORROW} if number % 2 else {}))
            for number, sample in enumerate(samples)
        ]
    )

    assert set(kinds_of(found)) <= {"list", "AlreadyOrdered"}, found
    held = Attempt.objects.filter(state__in=OPEN_ATTEMPT).values_list("login_id", "purpose")
    assert max(Counter(held).values()) == 1


def test_an_order_begins_once_however_many_look_after_it():
    make_logins(20)
    switching([row.pk for row in Login.objects.all()], starts_at=TOMORROW)()
    provider_id = make_provider().pk

    found = at_once(*[lambda: waiting.begin_due(provider_id=provider_id, now=TOMORROW)] * PEOPLE)

    assert sorted(len(runs) for runs in found) == [0] * (PEOPLE - 1) + [1]
    assert set(Login.objects.values_list("status", flat=True)) == {"inactive"}


@pytest.mark.parametrize("again", range(5))
def test_who_withdraws_begins_and_orders_at_one_instant_agree_about_the_end(again):
    keys = [row.pk for row in make_logins(20)]
    (opened,) = switching(keys, starts_at=TOMORROW)()
    run = Run.objects.get(pk=opened.run.pk)

    found = at_once(
        lambda: waiting.begin_due(provider_id=run.provider_id, now=TOMORROW),
        lambda: waiting.withdraw(run, by="Ola", why="They stay", now=TOMORROW),
        switching(keys[:7]),
    )

    withdrawn = isinstance(found[1], int)
    assert set(kinds_of(found)) <= {"list", "int", "RunAlreadyClosed", "AlreadyOrdered"}, found
    assert Run.objects.get(pk=run.pk).state == ("cancelled" if withdrawn else "open")
    left = Attempt.objects.filter(run=run, state__in=OPEN_ATTEMPT)
    assert left.exists() is not withdrawn


def test_who_was_forgotten_while_an_order_waited_for_the_lock_is_not_brought_back():
    login = make_login(status="inactive")
    asked = threading.Event()

    def erase() -> None:
        with transaction.atomic():
            privacy.erase_customer(
                login.customer,
                by=None,
                reason="They asked",
                now=NOON,
                local_date=NOON.date(),
                window=WINDOW,
                offers=lambda provider: True,
            )
            asked.set()
            time.sleep(0.3)

    def switch_on() -> Any:
        asked.wait()
        return switching([login.pk], on=True)()

    _, refused = at_once(erase, switch_on)

    assert isinstance(refused, services.NothingToDo)
    assert Attempt.objects.get().state == "due"
    assert Login.objects.get().status == "inactive"


@pytest.mark.parametrize(
    "give",
    [
        pytest.param(lambda **terms: services.open_run(purpose=Purpose.REFRESH, **terms), id="run"),
        pytest.param(check_schedule, id="look"),
        pytest.param(
            lambda provider, now, local_date, window, **_: services.open_daily(
                provider=provider, now=now, local_date=local_date, window=window
            ),
            id="daily-run",
        ),
    ],
)
def test_who_changes_what_many_wait_for_holds_their_logins_first_so_nobody_deadlocks(give):
    make_logins(3)
    terms = {"provider": make_provider(), "logins": Login.objects.all(), "by": None, "reason": "x"}

    with CaptureQueriesContext(connection) as heard:
        give(**terms, now=NOON, local_date=NOON.date(), window=WINDOW)

    said = [query["sql"].split()[0] + query["sql"][-20:] for query in heard.captured_queries]
    taking = [
        text for text in said if text.startswith(("INSERT", "UPDATE")) or "FOR NO KEY" in text
    ]
    assert ("FOR NO KEY" in taking[0]) is connection.features.has_select_for_update
