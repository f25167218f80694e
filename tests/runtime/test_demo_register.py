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
from refreshops.simulator.flanks.world import FlanksRecipe, grow_flanks
from refreshops.simulator.register import write_customers, write_register
from refreshops.simulator.world import Recipe, grow

pytestmark = pytest.mark.django_db


def written(folder, *, further=0):
    """Write the files that a simulator would, with so many logins at the second provider."""
    now = datetime.now(UTC)
    world = grow(Recipe(seed=1, scenario="morning", logins=120, strangers=2), now=now)
    shared = [login.customer for login in world.logins.values() if login.registered]
    recipe = FlanksRecipe(seed=1, scenario="morning", logins=further)
    second = grow_flanks(recipe, now=now, shared=shared)
    found = {"logins": folder / "register.csv", "customers": folder / "customers.csv"}
    write_register(world, flanks=second, path=found["logins"], with_managers=True)
    write_customers(world, flanks=second, path=found["customers"], now=now, with_managers=True)
    return found


@pytest.fixture
def files(tmp_path):
    return written(tmp_path)


@pytest.fixture
def both(tmp_path):
    return written(tmp_path, further=40)


@pytest.fixture(autouse=True)
def people(db):
    ensure_groups(group_model=Group, permission_model=Permission)
    demo.make_people(password="a-password-of-the-test")


def test_the_manager_has_dozens_of_rows_and_some_customers_left(files):
    count = prepare_register(**files)

    left = Customer.objects.filter(last_activity_at__lt=datetime.now(UTC) - timedelta(days=60))
    assert count == {"flinks": 120}
    assert Login.objects.count() == 120
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


def test_a_second_provider_has_a_price_in_its_own_money_and_customers_with_logins_at_both(both):
    count = prepare_register(**both)

    prices = Provider.objects.values_list("name", "cost_per_login_month", "currency")
    at_both = Customer.objects.filter(logins__provider__name="flinks").filter(
        logins__provider__name="flanks"
    )
    assert count == {"flinks": 120, "flanks": 40}
    assert {name: (str(cost), money) for name, cost, money in prices} == {
        "flinks": ("1.50", "CAD"),
        "flanks": ("1.20", "EUR"),
    }
    assert 1 <= at_both.distinct().count() <= 20


def test_a_demo_that_knew_one_provider_gets_the_other_and_keeps_what_the_visitor_did(
    tmp_path, files
):
    prepare_register(**files)
    Provider.objects.update(cost_per_login_month=0)
    replaced_at = list(Login.objects.order_by("pk").values_list("created_at", flat=True))
    orders = Run.objects.filter(provider__name="flinks").count()

    prepare_register(**written(tmp_path, further=40))

    prices = dict(Provider.objects.values_list("name", "cost_per_login_month"))
    ours = Login.objects.filter(provider__name="flinks").order_by("pk")
    assert (prices["flinks"], str(prices["flanks"])) == (0, "1.20")
    assert Login.objects.filter(provider__name="flanks").count() == 40
    assert not Customer.objects.filter(email="").exists()
    assert list(ours.values_list("created_at", flat=True)) == replaced_at
    assert Run.objects.filter(provider__name="flinks").count() == orders


def test_the_run_of_each_provider_is_told_apart(both):
    prepare_register(**both)
    demo.open_first_run()

    said = [demo.first_run_in_words(name, logins=7) for name in ("flinks", "flanks")]

    assert Run.objects.filter(origin="daily").count() == 2
    assert all("7 logins at 20 a minute, about" in one for one in said)


def test_somebody_else_than_who_orders_can_approve():
    approvers = [
        person.username
        for person in demo.User.objects.filter(username__in=[row[0] for row in demo.PEOPLE])
        if person.has_perm("logins.approve_order")
    ]

    assert sorted(approvers) == ["admin", "ops"]
