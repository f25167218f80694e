"""Every number of the index page equals the rows behind its link, whatever has happened before.

Random histories; the seed is the id of the case. Lists are asked for their rows and not drawn.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from refreshops import wiring
from refreshops.console.morning import morning_of
from refreshops.logins.models import Login, Provider, ReconnectCase
from refreshops.routine import learning
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from tests.builders import make_customer, make_login, make_provider
from tests.console.conftest import make_attempt, make_run

# The first few at every change; all of them with the long tests.
SEEDS = [
    pytest.param(seed, marks=[] if seed < 5 else pytest.mark.soak, id=f"seed-{seed}")
    for seed in range(300)
]
BANKS = ("TD", "RBC", "Bank & Sons <b>", "Caisse ?", "")
CODES = ("", "RETRY_LATER", "INVALID_PASSWORD", "A=B&c", "UNAVAILABLE", "X-1")
CELLS_LOOKED_AT = 12


@dataclass
class Chance:
    """What a history is drawn from."""

    random: random.Random
    people: dict[str, User]

    def login(self, customer: Any, *, down: str | None) -> Login:
        """A login; most of those at the bank that is `down` ended so."""
        draw, now = self.random, timezone.now()
        outcome = draw.choice(["", *Outcome, *[Outcome.FRESH] * 6])
        bank = draw.choice(BANKS)
        if bank == down and draw.random() < 0.8:
            outcome = Outcome.INSTITUTION_UNAVAILABLE
        hours = draw.choice([None, -5, 3, 30, 47, 49, 200])
        return make_login(
            provider=draw.choice(list(Provider.objects.order_by("name"))),
            customer=customer,
            institution=bank,
            status=draw.choice(["active", "active", "active", "inactive"]),
            status_changed_at=draw.choice([None, now, now - timedelta(days=2)]),
            nightly=draw.choice(["on", "off", "unknown"]),
            gone_at=draw.choice([None, None, None, now]),
            drops_out_at=None if hours is None else now + timedelta(hours=hours),
            outcome=outcome,
            provider_code="" if outcome in ("", Outcome.FRESH) else draw.choice(CODES),
            fresh_at=draw.choice([None, now - timedelta(days=1)]),
        )

    def case(self, login: Login) -> None:
        """A reconnect case of the login: open or closed, put off or not."""
        draw, now = self.random, timezone.now()
        closed = draw.random() < 0.3
        ReconnectCase.objects.create(
            login=login,
            reason=draw.choice(["mfa", "consent", ""]),
            opened_at=now - timedelta(days=draw.choice([0, 3, 29, 31])),
            snoozed_until=draw.choice([None, None, now, now + timedelta(days=1)]),
            last_contact_at=draw.choice([None, now]),
            **({"closed_at": now, "closed_as": "fresh"} if closed else {}),
        )

    def daily(self, days_ago: int, logins: list[Login]) -> Run:
        """A daily run: every earlier one is over, with its own totals."""
        draw, now = self.random, timezone.now()
        provider = draw.choice(logins).provider
        logins = [login for login in logins if login.provider == provider]
        day = wiring.local_date(now) - timedelta(days=days_ago)
        opened_at = now - timedelta(days=days_ago, minutes=30)
        run = make_run(provider=provider, origin="daily", local_date=day, opened_at=opened_at)
        for login in draw.sample(logins, draw.randrange(len(logins))):
            state = draw.choice(["done", "done", "cancelled", *([] if days_ago else ["due"])])
            fields = {"outcome": draw.choice(list(Outcome))} if state == "done" else {}
            make_attempt(run, login, state=state, **fields)
        run.planned = Attempt.objects.filter(run=run).count()
        make_attempt(run, None, outcome="fresh")
        run.save()
        if days_ago or draw.random() < 0.3:
            learning.close_run(run, now=opened_at + timedelta(minutes=20))
        return run

    def waiting(self, logins: list[Login]) -> None:
        """An order that waits: for approval, or for its date, or approved already."""
        draw = self.random
        needs = draw.random() < 0.7
        who = draw.choice(["ops", "manager", "other", "admin"])
        run = make_run(
            provider=draw.choice(logins).provider,
            purpose=Purpose.SWITCH_OFF.value,
            state="waiting",
            opened_by=self.people[who],
            needs_approval=needs,
            starts_at=timezone.now() + timedelta(days=1),
            planned=1,
        )
        if needs and draw.random() < 0.3:
            approver = "ops" if who != "ops" else "admin"
            Run.objects.filter(pk=run.pk).update(
                approved_by=self.people[approver], approved_at=timezone.now()
            )


@pytest.fixture(params=SEEDS)
def history(request, people) -> None:
    """A register with its runs, drawn from a seed."""
    draw = random.Random(request.param)
    chance = Chance(draw, people)
    make_provider(cost_per_login_month="1.50")
    if draw.random() < 0.7:
        Provider.objects.create(name="flanks", currency="EUR", cost_per_login_month="2.00")
    owners = ["manager", "other", None]
    customers = [
        make_customer(f"C-{number}", account_manager=people.get(draw.choice(owners)))
        for number in range(6)
    ]
    down = draw.choice([*BANKS[:3], None])
    number = draw.choice([1, 8, 40, 40])
    logins = [chance.login(draw.choice(customers), down=down) for _ in range(number)]
    for login in logins:
        if draw.random() < 0.4:
            chance.case(login)
    for days_ago in range(draw.randrange(5)):
        if draw.random() < 0.8:
            chance.daily(days_ago, logins)
    for _ in range(draw.randrange(4)):
        chance.waiting(logins)


def opened(url: str, user: User) -> dict[str, Any]:
    """Return what the page at `url` would draw for `user`, without drawing it."""
    request = RequestFactory().get(url)
    request.user, request.session = user, SessionStore()
    match = resolve(request.path)
    answer = match.func(request, *match.args, **match.kwargs)
    assert answer.status_code == 200, url
    return answer.context_data


def rows_behind(url: str, user: User) -> int:
    """Return how many rows the list at `url` holds, as it counts them and as the database does."""
    listed = opened(url, user)["cl"]
    assert listed.result_count == listed.queryset.count(), url
    return listed.result_count


def numbers_of(morning: Any, draw: random.Random) -> list[tuple[int, str]]:
    """Return every number of the index page with its link."""
    about, matrix = morning.attention, morning.matrix
    found = [(row.count, row.url) for row in (*morning.six, *morning.rest)]
    found += [
        (about.leaking, about.leaking_url),
        (about.dropping_out, about.dropping_out_url),
        (about.already_out, about.already_out_url),
        (about.unconfirmed, about.unconfirmed_url),
        (about.cases, about.cases_url),
    ]
    recovered = [about.recovered, *about.banks]
    found += [(row.opened, row.opened_url) for row in recovered]
    found += [(row.back, row.back_url) for row in recovered]
    if about.to_approve:
        found.append((about.to_approve, about.to_approve_url))
    for outage in matrix.outages:
        found += [(outage.count, outage.url), *((rest.count, rest.url) for rest in outage.rest)]
    cells = [(cell.count, cell.url) for line in matrix.lines for cell in line.cells if cell.count]
    cells += [(line.total, line.total_url) for line in matrix.lines]
    cells += [(line.fresh, line.fresh_url) for line in matrix.lines if line.fresh]
    return found + draw.sample(cells, min(CELLS_LOOKED_AT, len(cells)))


@pytest.mark.parametrize("chosen", ["", "flinks", "flanks"], ids=lambda name: name or "all")
@pytest.mark.parametrize("name", ["ops", "manager"])
def test_every_number_equals_the_rows_behind_its_link(history, people, request, name, chosen):
    user = User.objects.get(pk=people[name].pk)

    morning = morning_of(user, now=wiring.clock(), chosen=chosen, every_line=True)

    numbers = numbers_of(morning, random.Random(request.node.name))
    assert [(rows_behind(url, user), url) for _, url in numbers] == numbers
    assert all(f"provider={chosen}" in url for _, url in numbers) or not chosen
    active = active_of(user, chosen)
    assert sum(row.count for row in (*morning.six, *morning.rest)) == len(active)
    of_banks = sum(row.total for row in (*morning.matrix.lines, *morning.matrix.outages))
    asked = any(login.outcome for login in active)
    assert of_banks == (len(active) if asked else 0)
    for card in (*morning.today, *morning.latest, *bars_of(morning)):
        assert_the_run_says_the_same(card, user)
        assert chosen in ("", card.run.provider.name)


@pytest.mark.parametrize("name", ["ops", "manager"])
def test_every_number_of_the_recovery_and_every_outage_equals_the_cases_behind_it(
    history, people, name
):
    user = User.objects.get(pk=people[name].pk)

    recovery = opened("/logins/reconnectcase/recovery/", user)
    folded = opened("/logins/reconnectcase/", user)["folded"]

    lines = [*recovery["rows"], recovery["total"]]
    numbers = [(row.opened, row.opened_url) for row in lines]
    numbers += [(row.back, row.back_url) for row in lines]
    numbers += [(number, url) for _, number, url in folded]
    assert [(rows_behind(url, user), url) for _, url in numbers] == numbers


@pytest.mark.parametrize(("name", "mine"), [("ops", 2), ("admin", 1), ("auditor", 0)])
def test_only_who_may_approve_is_told_of_orders_that_wait_for_it(people, name, mine):
    make_provider()
    for opener in ("manager", "admin"):
        make_run(state="waiting", needs_approval=True, opened_by=people[opener])
    make_run(state="waiting", opened_by=people["manager"], starts_at=timezone.now())

    morning = morning_of(people[name], now=wiring.clock())

    assert morning.attention.to_approve == mine


def active_of(user: User, chosen: str) -> list[Login]:
    rows = Login.objects.filter(status="active")
    if chosen:
        rows = rows.filter(provider__name=chosen)
    if not user.has_perm("logins.view_every_customer"):
        rows = rows.filter(customer__account_manager=user)
    return list(rows)


def bars_of(morning: Any) -> list[Any]:
    """Return the cards of the chart, each drawn as tall as its run is long."""
    columns = [column for day in morning.mornings.days for column in day.columns]
    for column in columns:
        assert sum(number for _, number in column.parts) == column.card.planned
    return [column.card for column in columns]


def assert_the_run_says_the_same(card: Any, user: User) -> None:
    """Compare a card with the attempts there are, and with the run's own page."""
    attempts = Attempt.objects.filter(run=card.run, login__isnull=False)
    if not user.has_perm("logins.view_every_customer"):
        attempts = attempts.filter(login__customer__account_manager=user)
    states = list(attempts.values_list("state", flat=True))
    if card.run.state != "waiting":
        assert (card.planned, card.done) == (len(states), states.count("done"))
    if card.url:
        page = opened(card.url, user)["card"]
        assert (page.planned, page.done, page.cancelled) == (
            card.planned,
            card.done,
            card.cancelled,
        )
        assert page.outcomes == card.outcomes
