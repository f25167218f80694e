"""Fills a migrated database with an invented register of any size: customers, logins, leaks."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from refreshops.logins import register_sql
from refreshops.logins.models import Customer, Provider, UnknownLogin
from refreshops.routine.roles import ACCOUNT_MANAGERS

# Banks and how many of a thousand logins are theirs.
BANKS = {
    "RBC": 190,
    "TD": 180,
    "Scotiabank": 120,
    "BMO": 110,
    "CIBC": 100,
    "Desjardins": 70,
    "National Bank": 50,
    "Tangerine": 40,
    "Simplii Financial": 25,
    "EQ Bank": 18,
    "Laurentian Bank": 14,
    "ATB Financial": 12,
    "Coast Capital Savings": 10,
    "Vancity": 9,
    "Meridian": 8,
    "Servus Credit Union": 7,
    "Alterna Savings": 6,
    "Conexus": 5,
    "Affinity Credit Union": 5,
    "First West": 5,
    "Canadian Western Bank": 4,
    "Manulife Bank": 4,
    "Motusbank": 3,
    "Steinbach Credit Union": 3,
    "Wealth One": 2,
}
# Our status, the provider's word, read back, gone there; of a thousand logins.
STATES = (
    (("active", "on", False, False), 838),
    (("inactive", "off", True, False), 100),
    (("active", "unknown", False, False), 20),
    (("inactive", "on", False, False), 12),
    (("active", "off", False, False), 10),
    (("inactive", "off", False, False), 10),
    (("inactive", "unknown", False, False), 7),
    (("active", "on", False, True), 3),
)
OUTCOMES = (("fresh", "fresh", ""), ("user_action", "stale_usable", "INVALID_PASSWORD"))
FIRST, SECOND = "flinks", "flanks"
BATCH = 5_000
# A list of fewer rows would be quicker to draw than the long one it is compared with.
FULL_PAGE = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; one login in a thousand more, or a page of them, is unknown here."""

    logins: int
    customers: int = 0  # 0: seven of ten logins
    managers: int = 12
    seed: int = 1
    # How many of a hundred logins are at the second provider.
    second: int = 0

    @property
    def unknown(self) -> int:
        return max(self.logins // 1000, min(FULL_PAGE, self.logins // 2))

    @property
    def customers_wanted(self) -> int:
        return self.customers or max(1, self.logins * 7 // 10)


def fill(size: Size, *, now: datetime) -> Provider:
    """Add `size` to the tables and return the provider's row; the same seed adds the same ids."""
    chance = Random(size.seed)
    with transaction.atomic():
        provider = _provider(FIRST)
        others = [_provider(SECOND)] if size.second else []
        managers = _managers(size.managers)
        customers = _customers(size.customers_wanted, managers, chance, now=now)
        of = _dealt([provider, *others], size)
        rows = _rows(of, customers, chance, now=now)
        while some := list(islice(rows, BATCH)):
            register_sql.insert(some, now=now)
        UnknownLogin.objects.bulk_create(
            UnknownLogin(
                provider=provider,
                login_id=_guid(chance),
                first_seen_at=now - timedelta(days=chance.randrange(30)),
                last_seen_at=now,
                provider_code="INVALID_PASSWORD",
            )
            for _ in range(size.unknown)
        )
    _analyze()
    return provider


def share_of(name: str, *, second: int) -> int:
    """Return how many of a hundred logins are at the provider of that name."""
    return second if name == SECOND else 100 - second


def _dealt(providers: list[Provider], size: Size) -> list[int]:
    """Return the provider's key for each login, evenly among the others."""
    return [
        providers[-1 if number * size.second % 100 < size.second else 0].pk
        for number in range(size.logins)
    ]


def _provider(name: str) -> Provider:
    provider, _ = Provider.objects.get_or_create(name=name)
    provider.cost_per_login_month = provider.cost_per_login_month or "1.50"
    provider.save(update_fields=["cost_per_login_month"])
    return provider


def _managers(count: int) -> list[User]:
    """Return `count` account managers, each manager-01 and so on without a password."""
    group, _ = Group.objects.get_or_create(name=ACCOUNT_MANAGERS)
    people = []
    for number in range(1, count + 1):
        person, _ = User.objects.get_or_create(
            username=f"manager-{number:02d}", defaults={"is_staff": True}
        )
        person.groups.add(group)
        people.append(person)
    return people


def _customers(
    count: int, managers: list[User], chance: Random, *, now: datetime
) -> list[Customer]:
    """Return customers of whom a fifth has left, one in ten belongs to nobody."""
    begin = Customer.objects.count() + 1
    return Customer.objects.bulk_create(
        (
            Customer(
                reference=f"B-{number:06d}",
                name=f"Customer {number}",
                account_manager=chance.choice(managers)
                if managers and chance.random() < 0.9
                else None,
                last_activity_at=now - timedelta(days=_idle_days(chance)),
            )
            for number in range(begin, begin + count)
        ),
        batch_size=BATCH,
    )


def _idle_days(chance: Random) -> int:
    return chance.randrange(90, 700) if chance.random() < 0.2 else chance.randrange(30)


def _rows(
    providers: list[int], customers: list[Customer], chance: Random, *, now: datetime
) -> Iterator[dict[str, Any]]:
    states, weights = zip(*STATES, strict=True)
    banks, shares = list(BANKS), list(BANKS.values())
    for provider in providers:
        status, nightly, verified, gone = chance.choices(states, weights)[0]
        outcome, data_state, code = chance.choices(OUTCOMES, (75, 25))[0]
        refreshed_at = now - timedelta(hours=chance.randrange(1, 190))
        moved_at = now - timedelta(hours=chance.randrange(1, 900))
        on = status == "active" and nightly == "on"
        yield {
            "provider_id": provider,
            "login_id": _guid(chance),
            "customer_id": chance.choice(customers).pk,
            "institution": chance.choices(banks, shares)[0],
            "status": status,
            "status_changed_at": moved_at,
            "nightly": nightly,
            "nightly_seen_at": None if nightly == "unknown" else now - timedelta(hours=3),
            "nightly_verified_at": moved_at if verified else None,
            "last_refresh_at": refreshed_at,
            "data_as_of": refreshed_at,
            "last_asked_at": now - timedelta(hours=3),
            "outcome": outcome,
            "data_state": data_state,
            "provider_code": code,
            "gone_at": moved_at if gone else None,
            "drops_out_at": refreshed_at + timedelta(days=7) if on else None,
            "created_at": now - timedelta(days=chance.randrange(1, 800)),
        }


def _guid(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _analyze() -> None:
    """Let the planner know the new sizes, as a night of autovacuum would."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
