"""People of every role, and a small register with a run, calls and bank data to look at."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins.models import Customer, Login, Provider
from refreshops.routine.models import Attempt, Run
from refreshops.routine.roles import (
    ACCOUNT_MANAGERS,
    AUDITORS,
    DATA_VIEWERS,
    OPERATIONS,
    PRIVACY,
    ROLES,
)
from refreshops.rules.lifecycle import Origin, Purpose
from refreshops.tracing.models import Call
from tests.builders import make_customer, make_login, make_provider

# Of no bank: neither an id nor a token holds these digits by chance.
LAST_FOUR = "4²42"

GROUPS = {
    "ops": [OPERATIONS],
    "manager": [ACCOUNT_MANAGERS],
    "other": [ACCOUNT_MANAGERS],
    "curious_manager": [ACCOUNT_MANAGERS, DATA_VIEWERS],
    "auditor": [AUDITORS],
    "private_manager": [ACCOUNT_MANAGERS, PRIVACY],
    "viewer": [AUDITORS, DATA_VIEWERS],
    "privacy": [AUDITORS, PRIVACY],
    "nobody": [],
    "admin": [],
}


@pytest.fixture
def people(db) -> dict[str, User]:
    return make_people()


def make_people() -> dict[str, User]:
    """Return a person of each kind, by name: in few statements, as most tests begin with them."""
    groups = make_groups()
    found = User.objects.bulk_create(
        User(
            username=name, password=make_password(None), is_staff=True, is_superuser=name == "admin"
        )
        for name in GROUPS
    )
    belongs = User.groups.through
    belongs.objects.bulk_create(
        belongs(user=user, group=groups[name]) for user in found for name in GROUPS[user.username]
    )
    return {user.username: user for user in found}


def make_groups() -> dict[str, Group]:
    """Return the groups of `ROLES` by name, each with its permissions."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    known = {f"{label}.{codename}": pk for label, codename, pk in rows}
    groups = Group.objects.bulk_create(Group(name=name) for name in ROLES)
    gives = Group.permissions.through
    gives.objects.bulk_create(
        gives(group=group, permission_id=known[permission])
        for group in groups
        for permission in ROLES[group.name]
    )
    return {group.name: group for group in groups}


@pytest.fixture
def signed_in(people):
    """Return a client for a person by name."""

    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return sign_in


@dataclass
class Register:
    """What `register` made. `own` belongs to "manager", `foreign` to "other"."""

    provider: Provider
    customer: Customer
    own: Login
    foreign: Login
    run: Run
    own_attempt: Attempt
    foreign_attempt: Attempt
    own_call: Call
    foreign_call: Call
    snapshot: Snapshot
    account: BankAccount


@pytest.fixture
def register(people) -> Register:
    return make_register(people)


def make_register(people: dict[str, User]) -> Register:
    """Return a small register: one customer of "manager" and one of "other", each asked today."""
    now = timezone.now()
    customer = make_customer("OWN-1", name="Maple Foods", account_manager=people["manager"])
    foreign_customer = make_customer("FOR-1", name="Birch Steel", account_manager=people["other"])
    fields: dict[str, Any] = {"outcome": "user_action", "provider_code": "QUESTION_NOT_FOUND"}
    own = make_login(customer=customer, institution="TD", **fields)
    foreign = make_login(customer=foreign_customer, institution="Farbank", outcome="fresh")
    run = make_run(origin=Origin.DAILY.value, local_date=timezone.localdate(), planned=2)
    own_attempt = make_attempt(run, own, **fields)
    foreign_attempt = make_attempt(run, foreign, outcome="fresh")
    snapshot = Snapshot.objects.create(
        login=own,
        attempt_id=own_attempt.pk,
        fetched_at=now,
        data_as_of=now - timedelta(hours=9),
        payload=b"sealed",
        account_count=1,
        transaction_count=7,
    )
    account = BankAccount.objects.create(
        login=own,
        snapshot=snapshot,
        title="Chequing",
        last_four=LAST_FOUR,
        balance_current="1234.56",
    )
    return Register(
        provider=make_provider(),
        customer=customer,
        own=own,
        foreign=foreign,
        run=run,
        own_attempt=own_attempt,
        foreign_attempt=foreign_attempt,
        own_call=make_call(own, run, provider_code="QUESTION_NOT_FOUND", http_status_code=401),
        foreign_call=make_call(foreign, run, http_status_code=200),
        snapshot=snapshot,
        account=account,
    )


def make_run(**fields: Any) -> Run:
    """Return an open run; of a person, unless said otherwise."""
    defaults: dict[str, Any] = {
        "provider": make_provider(),
        "purpose": Purpose.REFRESH.value,
        "origin": Origin.PERSON.value,
        "local_date": timezone.localdate(),
        "opened_at": timezone.now(),
    }
    return Run.objects.create(**(defaults | fields))


def make_attempt(run: Run, login: Login, **fields: Any) -> Attempt:
    """Return an attempt that is done when an outcome is given, else due."""
    now = timezone.now()
    ended = {"state": "done", "finished_at": now} if fields.get("outcome") else {}
    defaults: dict[str, Any] = {"purpose": run.purpose, "not_before": now}
    return Attempt.objects.create(run=run, login=login, **(defaults | ended | fields))


def make_call(login: Login, run: Run, **fields: Any) -> Call:
    """Return an answered Authorize for `login`."""
    now = timezone.now()
    defaults: dict[str, Any] = {
        "sent_at": now,
        "answered_at": now,
        "state": "answered",
        "provider": "flinks",
        "endpoint": "Authorize",
        "method": "POST",
        "url": "http://127.0.0.1/v3/[customer]/BankingServices/Authorize",
        "login_id": login.login_id,
        "institution": login.institution,
        "run_id": run.pk,
    }
    return Call.objects.create(**(defaults | fields))


def page_of(row: Any) -> str:
    """Return the address of a row's page."""
    from refreshops.console.addresses import page

    return page(f"{row._meta.app_label}_{row._meta.model_name}", row.pk)
