"""The credentials of one simulated Flanks, grown from a seed, and what a night does to them."""

import base64
import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from refreshops.simulator.faults import Fault
from refreshops.simulator.flanks import scenarios
from refreshops.simulator.flanks.banks import SpanishBank, pick_spanish_bank
from refreshops.simulator.flanks.fates import OK, FlanksFate, Updated
from refreshops.simulator.flanks.people import make_spanish_customer
from refreshops.simulator.people import Customer
from refreshops.simulator.scenarios import REGISTERED

# No document says when; somewhere in the small hours, UTC.
NIGHT_STARTS = time(2, 10, tzinfo=UTC)
NIGHT_LASTS = timedelta(minutes=150)
# Of so many credentials one belongs to a customer who has a login in Canada as well.
SHARED_EVERY = 8


@dataclass(slots=True)
class Credential:
    """One credentials_token. `updated_at` is when its last extraction finished, None for never."""

    login_id: str
    bank: SpanishBank
    customer: Customer
    status: str  # what the register says: active | inactive
    fate: FlanksFate
    updated_at: datetime | None
    created_at: datetime
    last_transaction_on: date
    pending_polls: int = 2
    pending_seconds: float = 0.0
    polls_left: int = 0
    asks_left: dict[str, int] = field(default_factory=dict)  # of products that are processing
    busy_until: float | None = None  # epoch seconds, once somebody asked
    tokens: dict[str, str] = field(default_factory=dict)  # sca_token, reset_token, ...
    waiting: bool = False  # the last answer said that it is not ready: who asks again polls
    overrides: dict[str, Any] = field(default_factory=dict)  # laid over the status object
    faults: list[Fault] = field(default_factory=list)
    deleted: bool = False
    registered: bool = True  # whether the lender's register names it

    @property
    def there(self) -> bool:
        """Whether Flanks knows it."""
        return self.fate.exists and not self.deleted

    def meet(self, fate: FlanksFate, *, now: datetime) -> None:
        """Give the credential another fate, as if last night had ended so."""
        self.fate = fate
        self.tokens = {name: secret_from(self.login_id, name) for name in fate.tokens}
        self.updated_at = _updated_at(fate, chance=Random(f"{self.login_id}/night"), now=now)
        if fate.under_way:
            # The first extraction comes right after the beginning.
            self.created_at = now - timedelta(days=5 if fate.old else 0, hours=3)
        self.work_again()

    def work_again(self, polls: int | None = None) -> None:
        """Let what is under way begin anew, for `polls` (None: as many as its fate has)."""
        passing = self.pending_polls if self.fate.passing else 0
        self.polls_left = 0 if self.fate.heals and polls is None else passing
        self.polls_left = self.polls_left if polls is None else polls
        self.asks_left = dict.fromkeys(self.fate.refused, passing) if self.fate.heals else {}
        self.busy_until = None
        self.waiting = False


@dataclass(frozen=True, slots=True)
class FlanksRecipe:
    """From what a world grows; equal recipes at the same hour give equal worlds."""

    seed: int = 1
    scenario: str = "morning"
    logins: int = 0
    strangers: int = 0
    pending_polls: int = 2
    pending_seconds: float | None = None


class FlanksWorld:
    """All credentials, by token. Its lock guards every change of one."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self.credentials = {each.login_id: each for each in credentials}
        self.lock = threading.Lock()

    def add(self, credential: Credential) -> None:
        """Take in another one. Whoever walks over `credentials` right now does not meet it."""
        with self.lock:
            self.credentials = {**self.credentials, credential.login_id: credential}

    def find(self, login_id: object) -> Credential | None:
        """Return the credential, or None when it is unknown or was deleted."""
        found = self.credentials.get(login_id) if isinstance(login_id, str) else None
        return found if found is not None and found.there else None

    def run_night(self, now: datetime) -> int:
        """Extract from every bank as the fates say; return how many went well."""
        well = [each for each in self.credentials.values() if each.there and each.fate.goes_well]
        with self.lock:
            for credential in well:
                if credential.fate.updated is Updated.LAST_NIGHT:
                    credential.updated_at = now
        return len(well)


def secret_from(*parts: object) -> str:
    """Return the one opaque token, letters of both cases, that these parts always give."""
    text = "/".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    return base64.urlsafe_b64encode(digest).decode()


def grow_flanks(
    recipe: FlanksRecipe, *, now: datetime, shared: Sequence[Customer] = ()
) -> FlanksWorld:
    """Return the world of `recipe`, dated back from `now`; a few belong to somebody in `shared`."""
    chance = Random(f"{recipe.seed}/flanks/{recipe.scenario}")
    fates = scenarios.fates_for(scenario=recipe.scenario, logins=recipe.logins, chance=chance)
    credentials = [
        _credential(
            recipe,
            index=index,
            fate=fate,
            customer=_customer(recipe, index=index, fate=fate, shared=shared),
            now=now,
        )
        for index, fate in enumerate(fates)
    ]
    world = FlanksWorld(credentials)
    for number in range(recipe.strangers):
        world.add(flanks_stranger(recipe, number=number, now=now))
    return world


def flanks_stranger(recipe: FlanksRecipe, *, number: int, now: datetime) -> Credential:
    """Return a credential that nobody registered: only the list at Flanks tells of it."""
    chance = Random(f"{recipe.seed}/flanks/stranger/{number}")
    customer = make_spanish_customer(reference=f"SE-{number + 1:03d}", chance=chance)
    index = recipe.logins + number
    credential = _credential(recipe, index=index, fate=OK, customer=customer, now=now)
    credential.login_id = secret_from(recipe.seed, "flanks stranger", number)
    credential.registered, credential.faults = False, []
    return credential


def _customer(
    recipe: FlanksRecipe, *, index: int, fate: FlanksFate, shared: Sequence[Customer]
) -> Customer:
    chance = Random(f"{recipe.seed}/flanks/{recipe.scenario}/customer/{index}")
    if recipe.scenario == "codes":
        # Whoever reads the register of `codes` should see which row a login stands for.
        reference = f"es-row-{index + 1:02d}-{fate.name.replace('_', '-')}"
        return make_spanish_customer(reference=reference, chance=chance)
    if shared and index % SHARED_EVERY == 3:
        return shared[index * 7 % len(shared)]
    return make_spanish_customer(reference=f"E-{20_001 + index}", chance=chance)


def _credential(
    recipe: FlanksRecipe, *, index: int, fate: FlanksFate, customer: Customer, now: datetime
) -> Credential:
    chance = Random(f"{recipe.seed}/flanks/{recipe.scenario}/{index}")
    bank = pick_spanish_bank(chance)
    fate = scenarios.fate_at(bank.name, fate, scenario=recipe.scenario, index=index)
    status, _ = REGISTERED[recipe.scenario](index)
    days = chance.randrange(60, 900)
    credential = Credential(
        login_id=secret_from(recipe.seed, "flanks", index),
        bank=bank,
        customer=customer,
        status=status,
        fate=fate,
        updated_at=None,
        created_at=now - timedelta(days=days),
        last_transaction_on=now.date() - timedelta(days=400 if fate.quiet else 1),
        pending_polls=recipe.pending_polls if recipe.pending_seconds is None else 0,
        pending_seconds=recipe.pending_seconds or 0.0,
    )
    credential.meet(fate, now=now)
    if recipe.scenario == "faults" and index % 2:
        script = scenarios.FAULTS[index // 2 % len(scenarios.FAULTS)]
        credential.faults.append(Fault.from_json(script))
    return credential


def _updated_at(fate: FlanksFate, *, chance: Random, now: datetime) -> datetime | None:
    if fate.updated in (Updated.ZERO, Updated.MISSING):
        return None
    if fate.updated is Updated.FUTURE:
        return now + timedelta(days=2)
    tonight = datetime.combine(now.date(), NIGHT_STARTS) + chance.random() * NIGHT_LASTS
    last_night = tonight if tonight <= now else tonight - timedelta(days=1)
    days = {
        Updated.LAST_NIGHT: 0,
        Updated.FEW_DAYS: chance.randrange(2, 6),
        Updated.LONG_AGO: chance.randrange(9, 40),
    }
    return (last_night - timedelta(days=days[fate.updated])).replace(microsecond=0)
