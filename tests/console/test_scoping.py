"""An account manager meets other managers' rows nowhere: lists, counts, search, pages, orders."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.console import scoping
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Customer,
    Letter,
    Login,
    LoginStatus,
    ReconnectCase,
    UnknownLogin,
)
from refreshops.routine.models import Attempt, Beat, Run
from refreshops.tracing.models import Call, Delivery, Event
from tests.console.conftest import LAST_FOUR, make_attempt, make_call, make_run, page_of

OPEN_TO_MANAGERS = {Customer, Login, ReconnectCase, Run, Attempt, Call}
BESIDE_CASES = (Contact, ConnectLink, Letter)
CLOSED_TO_MANAGERS = (UnknownLogin, Snapshot, BankAccount, Event, Delivery)
HINTS = ("FOR-1", "Birch", "Farbank")


@pytest.mark.parametrize(
    "model", ["logins_login", "logins_customer", "routine_attempt", "tracing_call"]
)
def test_lists_show_own_rows_only(signed_in, register, model):
    page = signed_in("manager").get(reverse(f"admin:{model}_changelist"))

    assert page.context["cl"].result_count == 1
    assert not [hint for hint in HINTS if hint in page.content.decode()]


@pytest.mark.parametrize("model", ["logins_login", "logins_customer"])
@pytest.mark.parametrize(("name", "shown"), [("manager", False), ("ops", True)])
def test_the_manager_is_a_column_only_where_there_are_several(
    signed_in, register, model, name, shown
):
    page = signed_in(name).get(reverse(f"admin:{model}_changelist"))

    assert page.context["cl"].result_count > 0
    assert ("field-manager" in page.content.decode()) is shown


@pytest.mark.parametrize("attribute", ["foreign", "foreign_attempt", "foreign_call", "run"])
def test_a_foreign_page_is_not_there(signed_in, register, attribute):
    row = getattr(register, attribute)

    assert signed_in("manager").get(page_of(row)).status_code == 404
    assert signed_in("manager").get(page_of(row).replace("change", "history")).status_code == 404


def test_a_foreign_customer_is_not_there(signed_in, register):
    assert signed_in("manager").get(page_of(register.foreign.customer)).status_code == 404


@pytest.mark.parametrize(
    ("model", "term"),
    [("logins_login", "Birch"), ("logins_customer", "FOR"), ("logins_login", "id")],
)
def test_search_finds_nothing_foreign(signed_in, register, model, term):
    term = register.foreign.login_id if term == "id" else term

    page = signed_in("manager").get(reverse(f"admin:{model}_changelist"), {"q": term})

    assert page.context["cl"].result_count == 0


def test_calls_are_not_found_by_a_foreign_login_id(signed_in, register):
    page = signed_in("manager").get("/tracing/call/", {"q": register.foreign.login_id})

    assert page.context["cl"].result_count == 0


def test_autocomplete_offers_nothing_foreign(signed_in, register, people):
    people["manager"].user_permissions.add(Permission.objects.get(codename="change_login"))
    asked = {"app_label": "logins", "model_name": "login", "field_name": "customer", "term": "B"}

    answer = signed_in("manager").get("/autocomplete/", asked)

    assert answer.json()["results"] == []


def test_the_index_counts_own_logins_only(signed_in, register):
    page = signed_in("manager").get("/")

    counts = {row.kind: row.count for row in page.context["morning"].six}
    assert counts["user_action"] == 1
    assert counts["fresh"] == 0
    assert "1 of your 1 login asked" in page.content.decode()
    assert not [hint for hint in HINTS if hint in page.content.decode()]


def test_the_live_answers_are_narrowed_too(signed_in, register):
    client = signed_in("manager")

    assert client.get("/morning.json").json()["numbers"]["fresh"] == 0
    assert client.get(reverse("admin:run_progress", args=[register.run.pk])).status_code == 404


def test_a_run_of_ones_own_is_visible(signed_in, register, people):
    run = make_run(opened_by=people["manager"], planned=1, reason="Mine")
    make_attempt(run, register.own)

    page = signed_in("manager").get(page_of(run))

    assert page.status_code == 200
    assert signed_in("other").get(page_of(run)).status_code == 404


def test_an_order_with_foreign_ids_touches_own_logins_only(signed_in, register):
    keys = f"{register.own.pk},{register.foreign.pk}"
    form = {
        "action": "switch_off",
        "_selected_action": [register.own.pk, register.foreign.pk],
        "confirmed": "yes",
        "rows": keys,
        "token": "t",
        "reason": "Left",
    }

    signed_in("manager").post("/logins/login/", form)

    register.own.refresh_from_db()
    register.foreign.refresh_from_db()
    assert register.own.status == LoginStatus.INACTIVE
    assert register.foreign.status == LoginStatus.ACTIVE
    assert Run.objects.get(purpose="switch_off").planned == 1


@pytest.mark.parametrize("name", ["manager", "curious_manager", "ops", "auditor"])
def test_bank_data_needs_the_add_on_and_is_never_an_account_managers(signed_in, register, name):
    register.customer.account_manager_id = None
    page = signed_in(name).get(page_of(register.own))

    if page.status_code == 200:
        assert LAST_FOUR not in page.content.decode()
    assert signed_in(name).get(page_of(register.account)).status_code == 403


def test_a_curious_manager_sees_no_bank_data_of_an_own_login(signed_in, register, people):
    register.customer.account_manager = people["curious_manager"]
    register.customer.save()

    page = signed_in("curious_manager").get(page_of(register.own))

    assert page.status_code == 200
    assert LAST_FOUR not in page.content.decode()


@pytest.mark.parametrize(
    ("name", "shown"), [("manager", False), ("curious_manager", False), ("ops", True)]
)
def test_how_much_bank_data_came_is_not_an_account_managers_to_know(
    signed_in, register, people, name, shown
):
    register.customer.account_manager = people[name]
    register.customer.save()
    counts = {"AccountCount": 3, "TransactionCount": 8642, "RequestId": "a-request"}
    call = make_call(register.own, register.run, endpoint="GetAccountsDetail", answer=counts)

    page = signed_in(name).get(page_of(call)).content.decode()

    assert "a-request" in page
    assert ("AccountCount" in page, "8642" in page) == (shown, shown)


def test_a_viewer_sees_the_accounts_and_it_is_written_down(signed_in, register):
    from django.contrib.admin.models import LogEntry

    page = signed_in("viewer").get(page_of(register.own))

    assert LAST_FOUR in page.content.decode()
    assert LogEntry.objects.get().change_message == "Viewed the bank data."


@pytest.mark.parametrize("name", ["manager", "curious_manager", "nobody"])
def test_whoever_lacks_the_wide_permission_is_narrowed(people, register, name):
    assert not scoping.sees_everything(people[name])
    assert register.foreign not in scoping.logins_of(people[name])
    assert register.foreign_call not in scoping.calls_of(people[name])


@pytest.fixture
def controlling(signed_in, people):
    """Return a client of an account manager who may also control and retry runs."""
    wanted = ["control_run", "refresh_login"]
    people["manager"].user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    return signed_in("manager")


@pytest.fixture
def transferred(register, people):
    """A run the manager ordered for two logins, one of which has gone to another manager since."""
    run = make_run(opened_by=people["manager"], planned=2, brought_forward=3, reason="Mine")
    make_attempt(run, register.own, outcome="stale")
    make_attempt(run, register.foreign, outcome="unknown", provider_code="FOREIGN_CODE")
    make_call(register.own, run)
    make_call(register.foreign, run)
    return run


def test_a_run_of_ones_own_hides_logins_that_went_to_another(signed_in, transferred):
    page = signed_in("manager").get(page_of(transferred))

    html = page.content.decode()
    assert not [hint for hint in (*HINTS, "FOREIGN_CODE") if hint in html]
    assert page.context["card"].planned == 1
    assert page.context["card"].calls is None
    assert "waited in other runs" not in html
    assert [line.institution for line in page.context["matrix"].lines] == ["TD"]


def test_the_live_answer_of_ones_own_run_counts_own_logins(signed_in, transferred):
    answer = signed_in("manager").get(reverse("admin:run_progress", args=[transferred.pk])).json()

    assert (answer["planned"], answer["done"], answer["outcomes"]) == (1, 1, {"stale": 1})
    assert not [hint for hint in (*HINTS, "FOREIGN_CODE") if hint in str(answer)]


@pytest.mark.parametrize("totals", [{}, {"done": 2, "cancelled": 0, "outcomes": {"unknown": 2}}])
def test_the_list_of_runs_counts_own_logins(signed_in, transferred, totals):
    closed = {"state": "closed", "closed_at": transferred.opened_at, "totals": totals}
    Run.objects.filter(pk=transferred.pk).update(**(closed if totals else {}))

    html = signed_in("manager").get("/routine/run/").content.decode()

    assert "1 of 1" in html
    assert "2 of 2" not in html
    assert "o-unknown" not in html
    assert "2 of 2" in signed_in("ops").get("/routine/run/").content.decode()


def test_ones_own_run_keeps_its_address_and_says_when_it_is_done(signed_in, register, people):
    run = make_run(opened_by=people["manager"], planned=1, reason="Mine")
    make_attempt(run, register.own)
    Beat.objects.create(name="worker", seen_at=timezone.now())

    card = signed_in("manager").get(page_of(run)).context["card"]

    assert card.url == page_of(run)
    assert "0 of your 1 login asked" in card.sentence
    assert "done about" in card.sentence


def test_the_facts_before_an_order_about_a_run_count_own_logins(controlling, transferred):
    client = controlling

    retry = client.get(reverse("admin:run_step", args=[transferred.pk, "retry"]))
    pause = client.get(reverse("admin:run_step", args=[transferred.pk, "pause"]))

    assert dict(retry.context["question"].facts)["Asked again"] == "1 login"
    assert "Unknown" not in str(retry.context["question"].facts)
    assert dict(pause.context["question"].facts)["Logins in this run"] == "1"


def test_a_retry_that_would_ask_about_foreign_logins_is_refused(controlling, transferred):
    step = reverse("admin:run_step", args=[transferred.pk, "retry"])

    page = controlling.post(step, {"token": "t"}, follow=True)

    assert "This run holds logins that are not yours any more" in page.content.decode()
    assert not Run.objects.filter(retry_of=transferred).exists()


# --- More permissions than the group has ---


def test_a_login_is_given_to_no_foreign_customer(signed_in, register, people):
    people["manager"].user_permissions.add(Permission.objects.get(codename="change_login"))
    client, page = signed_in("manager"), page_of(register.own)
    form = {"institution": "TD", "customer": register.foreign.customer_id}

    foreign = client.post(page, form)
    absent = client.post(page, {**form, "customer": 987654321})

    errors = [dict(answer.context["adminform"].form.errors) for answer in (foreign, absent)]
    assert list(errors[0]) == ["customer"]
    assert errors[0] == errors[1]
    register.own.refresh_from_db()
    assert register.own.customer_id == register.customer.pk


def test_every_scoped_table_is_narrowed_or_empty(people, register):
    """A table with a way to a customer that nobody narrowed would show everything."""
    seen = {
        model: scoping.seen_by(people["manager"], model.objects.all())
        for model in (*OPEN_TO_MANAGERS, *BESIDE_CASES, *CLOSED_TO_MANAGERS)
    }

    assert set(seen) == set(scoping._NARROW)
    for model, rows in seen.items():
        assert rows.count() < max(1, model.objects.count()), model


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model.__name__)
def test_a_table_open_to_account_managers_is_a_scoped_one(signed_in, register, model):
    name = f"{model._meta.app_label}_{model._meta.model_name}"

    answer = signed_in("manager").get(reverse(f"admin:{name}_changelist"))

    assert answer.status_code == (200 if model in OPEN_TO_MANAGERS else 403)
    assert set(scoping._NARROW) > OPEN_TO_MANAGERS
