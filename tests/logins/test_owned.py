"""One manager's logins are the same rows, whatever a database begins at."""

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login
from refreshops.logins.owned import begun_at_customers, looked_at, owned_by
from tests.builders import NOON, make_customer, make_login

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("America/Toronto")


@pytest.fixture
def manager(django_user_model):
    """Give a manager, a colleague and nobody some customers with logins of every kind."""
    chance = random.Random(7)
    people = [django_user_model.objects.create(username=name) for name in ("one", "two")]
    customers = [
        make_customer(f"C-{n}", account_manager=chance.choice([*people, None])) for n in range(20)
    ]
    for _ in range(120):
        drops_out_at = NOON + timedelta(hours=chance.randrange(-48, 200))
        login = make_login(
            customer=chance.choice(customers),
            institution=chance.choice(["TD", "RBC", ""]),
            status=chance.choice(["active", "active", "inactive"]),
            nightly=chance.choice(["on", "off", "unknown"]),
            gone_at=chance.choice([None, None, None, NOON]),
            drops_out_at=chance.choice([None, drops_out_at, drops_out_at]),
        )
        born_at = NOON - timedelta(days=chance.randrange(5))
        Login.objects.filter(pk=login.pk).update(created_at=born_at, status_changed_at=born_at)
    return people[0]


CONDITIONS = {
    **{name: leak.condition for name, leak in leaks.LEAKS.items()},
    "unconfirmed": leaks.unconfirmed(now=NOON),
    "drops out": clock.drops_out(now=NOON),
    "dropped out": clock.has_dropped_out(now=NOON),
}


def keys(rows):
    return list(rows.order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_a_managers_rows_are_the_same_however_they_are_found(manager, condition):
    joined = keys(Login.objects.filter(condition, customer__account_manager=manager))
    owned = Login.objects.filter(owned_by(manager)).filter(condition)

    found = [keys(rows) for rows in (owned, begun_at_customers(owned), looked_at(owned))]

    assert found == [joined] * 3
    assert joined


def test_nobodys_logins_are_those_of_customers_without_a_manager(manager):
    nobodys = Login.objects.filter(customer__account_manager=None)

    assert keys(Login.objects.filter(owned_by(None))) == keys(nobodys) != []


def test_what_is_looked_at_is_the_same_in_the_whole_register(manager):
    rows = Login.objects.filter(leaks.LEAKS[leaks.REPLACED].condition)

    assert keys(looked_at(rows)) == keys(rows) != []


def test_the_clock_reads_the_same_of_everybody_of_a_manager_and_of_any_other_part(manager):
    now = {"now": NOON, "zone": ZONE, "providers": ["flinks"]}
    own = Login.objects.filter(customer__account_manager=manager)

    everybody = clock.read(Login.objects.all(), **now)
    one_by_one = clock.read(Login.objects.filter(pk__gt=0), **now)

    assert everybody == one_by_one
    assert clock.read(Login.objects.filter(owned_by(manager)), **now) == clock.read(own, **now)
    assert everybody.soon
    assert everybody.already_out
    assert everybody.not_known
