"""The logins of one simulated provider, grown from a seed, and what a night does to them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random

from refreshops.simulator import scenarios
from refreshops.simulator.banks import Bank, pick_bank, username_at
from refreshops.simulator.fates import FATES, STAYS_ELIGIBLE, SUCCESS, Fate, Refreshed
from refreshops.simulator.faults import Fault
from refreshops.simulator.identifiers import guid_from
from refreshops.simulator.people import Customer, make_customer

NIGHT_STARTS = time(4, 40, tzinfo=UTC)
NIGHT_LASTS = timedelta(minutes=100)
# API notes, section 4: a week without a good refresh, or without a cached call, ends the nights.
ELIGIBLE_FOR = timedelta(days=7)


@dataclass(slots=True)
class Login:
    """One login. `refreshed_at` is its last good refresh, None for never."""

    login_id: str
    username: str
    bank: Bank
    customer: Customer
    status: str  # what the register says: active | inactive
    scheduled: bool
    fate: Fate
    refreshed_at: datetime | None
    cached_call_at: datetime
    fraction_digits: int
    pending_polls: int
    pending_seconds: float
    hiccups_left: int | None = None
    busy_until: float | None = None  # epoch seconds, once somebody asked
    polls_left: int = 0
    faults: list[Fault] = field(default_factory=list)
    deleted: bool = False
    registered: bool = True  # whether the lender's register names it
    authorized_at: float | None = None  # epoch seconds of the last Authorize
    language: str = "en"  # of the sign-in: part of what makes a LoginId
    tag: str | None = None  # what the lender last connected it with

    def meet(self, fate: Fate) -> None:
        """Give the login another fate, as if last night had ended so."""
        self.fate = fate
        self.hiccups_left = fate.times
        self.polls_left = self.pending_polls if fate.pending else 0
        self.busy_until = None

    def still_eligible(self, now: datetime) -> bool:
        """Whether the next night refreshes this login (API notes, section 4)."""
        fresh_enough = self.refreshed_at and now - self.refreshed_at <= ELIGIBLE_FOR
        asked_for = now - self.cached_call_at <= ELIGIBLE_FOR
        kept = self.fate.code is None or self.fate.code in STAYS_ELIGIBLE
        return bool(self.scheduled and fresh_enough and asked_for and kept)


@dataclass(frozen=True, slots=True)
class Recipe:
    """From what a world grows; equal recipes at the same hour give equal worlds."""

    seed: int
    scenario: str
    logins: int
    strangers: int = 0
    pending_polls: int = 2
    pending_seconds: float | None = None


class World:
    """All logins, by id. Its lock guards every change of a login."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self.logins = {login.login_id: login for login in logins}
        self.lock = threading.Lock()

    def add(self, login: Login) -> None:
        """Take in another login. Whoever walks over `logins` right now does not meet it."""
        with self.lock:
            self.logins = {**self.logins, login.login_id: login}

    def find(self, login_id: str | None) -> Login | None:
        """Return the login, or None when it is unknown or was deleted."""
        login = self.logins.get(login_id) if login_id else None
        return None if login is None or login.deleted else login

    def signed_in_as(self, *, bank: Bank, username: str, language: str) -> Login | None:
        """Return the login of these three, which make a LoginId (API notes, section 3)."""
        for login in self.logins.values():
            found = login.username == username and login.language == language
            if found and login.bank is bank and not login.deleted:
                return login
        return None

    def run_night(self, now: datetime) -> list[Login]:
        """Refresh every eligible login as its fate says; return those that succeeded."""
        refreshed = []
        with self.lock:
            for login in self.logins.values():
                if login.deleted or not login.still_eligible(now):
                    continue
                if login.fate.refreshed is Refreshed.LAST_NIGHT:
                    login.refreshed_at = now
                    refreshed.append(login)
                login.meet(login.fate)
        return refreshed


def grow(recipe: Recipe, *, now: datetime) -> World:
    """Return the world of `recipe`, its refreshes dated back from `now`."""
    chance = Random(f"{recipe.seed}/{recipe.scenario}")
    fates = scenarios.fates_for(scenario=recipe.scenario, logins=recipe.logins, chance=chance)
    if recipe.scenario == "codes":
        customers = [_row_customer(index, fate, chance) for index, fate in enumerate(fates)]
    else:
        customers = _customers(len(fates), chance)
    dealt = enumerate(zip(fates, customers, strict=True))
    world = World(
        _login(recipe, index=index, fate=fate, customer=customer, now=now)
        for index, (fate, customer) in dealt
    )
    for number in range(recipe.strangers):
        world.add(stranger(recipe, number=number, now=now))
    return world


def stranger(recipe: Recipe, *, number: int, now: datetime) -> Login:
    """Return a login that nobody registered: refreshed once, then its password changed.

    The nightly status lists only logins that fail; that is how anybody hears of this one.
    """
    customer = make_customer(
        reference=f"S-{number + 1:03d}", chance=Random(f"{recipe.seed}/stranger/{number}")
    )
    index = recipe.logins + number
    fate = FATES["invalid_password"]
    login = _login(recipe, index=index, fate=fate, customer=customer, now=now)
    login.login_id = guid_from(recipe.seed, "stranger", number)
    login.scheduled, login.registered, login.faults = True, False, []
    return login


def _customers(count: int, chance: Random) -> list[Customer]:
    dealt: list[Customer] = []
    number = 10_001
    while len(dealt) < count:
        customer = make_customer(reference=f"C-{number}", chance=chance)
        dealt += [customer] * chance.choices((1, 2, 3), (72, 20, 8))[0]
        number += 1
    return dealt[:count]


def _row_customer(index: int, fate: Fate, chance: Random) -> Customer:
    # Whoever reads the register of `codes` should see which row a login stands for.
    return make_customer(
        reference=f"row-{index + 1:02d}-{fate.name.replace('_', '-')}", chance=chance
    )


def _login(recipe: Recipe, *, index: int, fate: Fate, customer: Customer, now: datetime) -> Login:
    chance = Random(f"{recipe.seed}/{recipe.scenario}/{index}")
    bank = pick_bank(chance)
    if fate is SUCCESS and scenarios.bank_is_down(
        scenario=recipe.scenario, bank=bank.name, chance=chance
    ):
        fate = FATES["retry_later"]
    status, scheduled = scenarios.REGISTERED[recipe.scenario](index)
    login = Login(
        login_id=guid_from(recipe.seed, "login", index),
        username=username_at(bank, email=customer.email, chance=chance),
        bank=bank,
        customer=customer,
        status=status,
        scheduled=scheduled,
        fate=fate,
        refreshed_at=_refreshed_at(fate, chance=chance, now=now),
        cached_call_at=now - timedelta(days=1),
        fraction_digits=chance.choice((6, 7, 7, 7)),
        pending_polls=recipe.pending_polls,
        pending_seconds=recipe.pending_seconds or 0.0,
    )
    if recipe.pending_seconds is not None:
        login.pending_polls = 0
    login.meet(fate)
    if recipe.scenario == "faults" and index % 2:
        script = scenarios.FAULTS[index // 2 % len(scenarios.FAULTS)]
        login.faults.append(Fault.from_json(script))
    return login


def _refreshed_at(fate: Fate, *, chance: Random, now: datetime) -> datetime | None:
    moment = chance.random() * NIGHT_LASTS
    days = {
        Refreshed.LAST_NIGHT: 0,
        Refreshed.FEW_DAYS: chance.randrange(2, 6),
        Refreshed.LONG_AGO: chance.randrange(9, 40),
    }
    if fate.refreshed is Refreshed.NEVER:
        return None
    tonight = datetime.combine(now.date(), NIGHT_STARTS) + moment
    last_night = tonight if tonight <= now else tonight - timedelta(days=1)
    return last_night - timedelta(days=days[fate.refreshed])
