"""The list of logins narrowed to one provider: whose logins stay in it, and how it is read."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_login, make_provider

ADDRESS = "/logins/login/"
LISTED, COUNTED = 'FROM "logins_login"', "LIMIT 10001"


@pytest.fixture
def at_both(register):
    """Let both customers have a login at the second provider as well."""
    flanks = make_provider("flanks")
    for login in (register.own, register.foreign):
        make_login(provider=flanks, customer=login.customer, login_id=f"token-{login.pk:08}")
    return register


@pytest.mark.parametrize(
    ("who", "provider", "wanted"),
    [
        ("ops", "flinks", {"own", "foreign"}),
        ("ops", "flanks", {"own's token", "foreign's token"}),
        ("manager", "flinks", {"own"}),
        ("manager", "flanks", {"own's token"}),
        ("manager", "nobody", set()),
        ("manager", "a\0b", set()),
        ("ops", "a\0b", set()),
    ],
)
def test_it_keeps_the_logins_of_the_provider_that_the_person_may_see(
    signed_in, at_both, who, provider, wanted
):
    names = {
        at_both.own.login_id: "own",
        at_both.foreign.login_id: "foreign",
        f"token-{at_both.own.pk:08}": "own's token",
        f"token-{at_both.foreign.pk:08}": "foreign's token",
    }

    answer = signed_in(who).get(ADDRESS, {"provider": provider})

    assert {names[row.login_id] for row in answer.context_data["cl"].result_list} == wanted


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL goes by sizes")
def test_sqlite_reads_only_the_logins_of_a_persons_own_customers(signed_in, at_both):
    client = signed_in("manager")

    with CaptureQueriesContext(connection) as asked:
        client.get(ADDRESS, {"provider": "flanks"})

    (counting,) = {row["sql"] for row in asked if LISTED in row["sql"] and COUNTED in row["sql"]}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {counting}")
        plan = [row[3] for row in cursor.fetchall()]
    assert any("login_owned (customer_id=?)" in step for step in plan), plan
