"""The demo's register: who left, what it costs, and what leaks, prepared once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from refreshops.logins.leaks import REPLACED, leaking
from refreshops.logins.models import Customer, Login, Provider
from refreshops.routine.models import Attempt, Run
from refreshops.routine.roles import ensure_groups
from refreshops.rules.lifecycle import Purpose
from refreshops.runtime import demo
from refreshops.runtime.demo_register import prepare_register
from refreshops.simulator.register import write_customers, write_register
from refreshops.simulator.world import Recipe, grow

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path):
    now = datetime.now(UTC)
    world = grow(Recipe(seed=1, scenario="morning", logins=120, strangers=2), now=now)
    found = {"logins": tmp_path / "register.csv", "customers": tmp_path / "customers.csv"}
    write_register(world, path=found["logins"], with_managers=True)
    write_customers(world, path=found["customers"], now=now, with_managers=True)
    return found


@pytest.fixture(autouse=True)
def people(db):
    ensure_groups(group_model=Group, permission_model=Permission)
    demo.make_people(password="a-password-of-the-test")


def test_the_manager_has_dozens_of_rows_and_some_customers_left(files):
    count = prepare_register(**files)

    left = Customer.objects.filter(last_activity_at__lt=datetime.now(UTC) - timedelta(days=60))
    assert count == Login.objects.count() == 120
    assert 40 < Login.objects.filter(customer__account_manager__username="manager").count() < 90
    assert 5 < left.filter(account_manager__username="manager").count() < 30
    assert not Customer.objects.filter(last_activity_at__isnull=True).exists()
    assert not Customer.objects.filter(last_activity_at__gt=datetime.now(UTC)).exists()


def test_a_login_has_a_price_and_one_is_replaced_by_a_newer_one(files):
    prepare_register(**files)

    replaced = leaking(Login.objects.all(), REPLACED)
    prices = Provider.objects.values_list("cost_per_login_month", "cost_per_live_call")
    assert [tuple(map(str, row)) for row in prices] == [("1.50", "0.30")]
    assert [row.customer.account_manager.username for row in replaced] == ["manager"]


def test_every_customer_can_be_written_to_and_one_has_no_bank_yet(files):
    prepare_register(**files)

    customers = Customer.objects.all()
    assert {row.email for row in customers} == {
        f"{row.reference.lower()}@customers.example" for row in customers
    }
    assert {row.language for row in customers} == {"en", "fr"}
    newcomer = Customer.objects.get(logins__isnull=True)
    assert (newcomer.reference, newcomer.account_manager.username) == ("N-1001", "manager")


def test_the_register_of_an_older_demo_gets_addresses_and_an_erased_customer_none(files):
    prepare_register(**files)
    Customer.objects.filter(logins__isnull=True).delete()
    Customer.objects.update(email="", language="en")
    erased = Customer.objects.order_by("pk").first()
    now = datetime.now(UTC)
    Customer.objects.filter(pk=erased.pk).update(erased_at=now, erasure_asked_at=now)

    prepare_register(**files)

    assert list(Customer.objects.filter(email="")) == [erased]
    assert Customer.objects.filter(reference="N-1001").exists()


def test_the_inactive_are_looked_at_once(files):
    prepare_register(**files)

    run = Run.objects.get(purpose=Purpose.CHECK_SCHEDULE.value)
    asked = Attempt.objects.filter(run=run).values_list("login__status", flat=True)
    assert list(asked) == ["inactive"] * 5
    assert run.opened_by.username == "ops"


def test_a_second_start_undoes_nothing(files):
    prepare_register(**files)
    Provider.objects.update(cost_per_login_month=0)
    Customer.objects.update(last_activity_at=None)
    first = Customer.objects.order_by("pk").first()
    Customer.objects.filter(pk=first.pk).update(email="")
    Customer.objects.filter(reference="N-1001").delete()
    Run.objects.all().delete()

    prepare_register(**files)

    assert not Provider.objects.filter(cost_per_login_month__gt=0).exists()
    assert not Customer.objects.filter(last_activity_at__isnull=False).exists()
    assert list(Customer.objects.filter(email="")) == [first]
    assert not Customer.objects.filter(reference="N-1001").exists()
    assert not Run.objects.exists()


def test_somebody_else_than_who_orders_can_approve():
    approvers = [
        person.username
        for person in demo.User.objects.filter(username__in=[row[0] for row in demo.PEOPLE])
        if person.has_perm("logins.approve_order")
    ]

    assert sorted(approvers) == ["admin", "ops"]
