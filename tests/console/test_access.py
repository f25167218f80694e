"""What nobody may, whoever they are, and what breaks no page; who gets which is the matrix."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from refreshops.logins.models import Customer
from tests.console.conftest import page_of

MODELS = [f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry]
ROWS = ("run", "own_attempt", "own_call", "snapshot", "account")


@pytest.mark.parametrize("attribute", ROWS)
def test_nobody_edits_a_machines_row_not_even_a_superuser(signed_in, register, attribute):
    row = getattr(register, attribute)
    client = signed_in("admin")
    before = type(row).objects.values().get(pk=row.pk)

    changed = client.post(page_of(row), {"state": "cancelled", "title": "x", "outcome": ""})
    deleted = client.post(page_of(row).replace("change/", "delete/"), {"post": "yes"})

    assert changed.status_code in (403, 405)
    assert deleted.status_code == 403
    assert type(row).objects.values().get(pk=row.pk) == before


@pytest.mark.parametrize("attribute", [*ROWS, "own", "customer", "provider"])
def test_every_page_opens_for_a_superuser(signed_in, register, attribute):
    assert signed_in("admin").get(page_of(getattr(register, attribute))).status_code == 200


def test_the_queues_own_tables_have_no_page(signed_in, db):
    client = signed_in("admin")

    assert client.get("/django_q/schedule/").status_code == 404
    assert client.get("/django_q/").status_code == 404


def test_a_forged_field_does_not_change_a_login(signed_in, register):
    data = {"customer": register.own.customer_id, "institution": "TD", "status": "inactive"}

    signed_in("admin").post(page_of(register.own), {**data, "login_id": "x", "nightly": "off"})

    register.own.refresh_from_db()
    assert (register.own.status, register.own.nightly) == ("active", "unknown")
    assert register.own.login_id != "x"


def test_a_forged_field_does_not_change_a_customer(signed_in, register, people):
    forged = {"id": "99", "erasure_reason": "Forged", "erasure_asked_by": people["admin"].pk}
    stamps = {
        f"{name}_{n}": "2026-01-01" for name in ("erased_at", "erasure_asked_at") for n in "01"
    }
    form = {"reference": "OWN-9", "name": "Maple", "language": "en"}
    form["account_manager"] = people["other"].pk
    before = Customer.objects.values().get(pk=register.customer.pk)

    signed_in("ops").post(page_of(register.customer), {**form, **forged, **stamps})

    after = Customer.objects.values().get(pk=register.customer.pk)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"reference", "name", "account_manager_id"}


def test_an_account_manager_edits_no_customer_though_their_own(signed_in, register, people):
    form = {"reference": "OWN-9", "name": "Maple", "language": "en"}
    form["account_manager"] = people["other"].pk

    answer = signed_in("manager").post(page_of(register.customer), form)

    register.customer.refresh_from_db()
    assert answer.status_code == 403
    assert register.customer.reference == "OWN-1"
    assert register.customer.account_manager == people["manager"]


@pytest.mark.parametrize(
    "query",
    [
        "customer__account_manager__password__startswith=x",
        "status_changed_by__password__regex=.",
        "customer__account_manager__email__contains=a",
    ],
)
def test_filters_do_not_reach_into_other_tables(signed_in, register, query, caplog):
    answer = signed_in("ops").get(f"/logins/login/?{query}")

    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["p=-1", "p=zzz", "o=99", "e=1", "outcome=%00", "manager=x'--"])
def test_senseless_addresses_break_nothing(signed_in, register, query):
    assert signed_in("ops").get(f"/logins/login/?{query}").status_code in (200, 302)


@pytest.mark.parametrize("term", ["'", "%", "\x00", "a" * 3000, "9" * 40, "🏦", "{}", "²"])
@pytest.mark.parametrize("model", [name for name in MODELS if not name.startswith("auth")])
def test_senseless_searches_break_nothing(signed_in, register, model, term):
    answer = signed_in("admin").get(reverse(f"admin:{model}_changelist"), {"q": term})

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "javascript:x", ""])
def test_after_a_sign_in_nobody_is_sent_elsewhere(people, target):
    people["ops"].set_password("a good long one")
    people["ops"].save()
    form = {"username": "ops", "password": "a good long one", "next": target}

    answer = Client().post("/login/", form)

    assert (answer.status_code, answer["Location"]) == (302, "/")
