"""The customers: how long they were idle, what they cost, and orders about all of their logins."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.logins.models import Customer, Login, LoginStatus, Nightly, Provider
from refreshops.routine.models import Attempt, Run
from tests.builders import make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_run, page_of
from tests.console.test_orders import asked, confirmed

LIST = "/logins/customer/"


def days_ago(days):
    return timezone.now() - timedelta(days=days)


def references(page):
    return [row.reference for row in page.context["cl"].result_list]


@pytest.fixture
def idle(people):
    """Customers last active so many days ago, and one of whom no activity is known."""
    for days in (1, 40, 100, 400):
        make_customer(f"D-{days}", last_activity_at=days_ago(days))
    make_customer("NEVER")


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ("30", ["D-100", "D-40", "D-400", "NEVER"]),
        ("90", ["D-100", "D-400", "NEVER"]),
        (" 0090 ", ["D-100", "D-400", "NEVER"]),
        ("365", ["D-400", "NEVER"]),
        ("36500", ["NEVER"]),
        ("", ["D-1", "D-100", "D-40", "D-400", "NEVER"]),
    ],
)
def test_inactive_means_longer_ago_than_so_many_days_or_never(signed_in, idle, days, found):
    assert references(signed_in("ops").get(LIST, {"inactive_days": days})) == found


@pytest.mark.parametrize(
    "days", ["0", "-1", "x", "1e5", "٣", "²", "9" * 39, "36501", "\0", "1.5", "<b>"]
)
def test_a_senseless_number_of_days_is_said(signed_in, idle, days):
    page = signed_in("ops").get(LIST, {"inactive_days": days})

    assert page.status_code == 200
    assert references(page) == []
    assert "is no number of days" in page.content.decode()
    assert "<b>”" not in page.content.decode()


def test_the_form_of_the_filter_keeps_the_other_choices(signed_in, idle, people):
    query = {"inactive_days": "90", "manager": "nobody", "q": "D-", "p": "1"}

    page = signed_in("ops").get(LIST, query).content.decode()

    form = page.split('class="days"')[1].split("</form>")[0]
    assert '<input type="hidden" name="manager" value="nobody">' in form
    assert '<input type="hidden" name="q" value="D-">' in form
    assert 'name="p"' not in form
    assert form.count('name="inactive_days"') == 1
    assert 'value="90"' in form


def test_a_manager_s_inactive_customers_are_their_own(signed_in, idle, people):
    make_customer("MINE", account_manager=people["manager"])

    assert references(signed_in("manager").get(LIST, {"inactive_days": "30"})) == ["MINE"]


def test_the_list_counts_logins_and_money(signed_in, people):
    make_provider()
    Provider.objects.update(cost_per_login_month="1.50")
    customer = make_customer("C-1")
    make_logins(2, customer=customer)
    off = {"status": LoginStatus.INACTIVE, "customer": customer}
    make_login(nightly=Nightly.OFF, **off)
    make_login(nightly=Nightly.ON, **off)
    make_login(nightly=Nightly.ON, gone_at=timezone.now(), **off)

    page = signed_in("ops").get(LIST)

    (row,) = page.context["cl"].result_list
    assert (row.active, row.inactive) == (2, 3)
    # Two whose schedule nobody told, and one still on; not the one off, nor the one gone there.
    assert "4.50 CAD" in page.content.decode()


def test_two_currencies_are_never_added_up(signed_in, people):
    other = Provider.objects.create(name="flanks", currency="EUR", cost_per_login_month=2)
    make_provider(cost_per_login_month=1)
    make_login()
    make_login(provider=other)

    assert "1.00 CAD, 2.00 EUR" in signed_in("ops").get(LIST).content.decode()


def test_a_page_of_customers_costs_few_queries(signed_in, people, django_assert_max_num_queries):
    for number in range(60):
        make_login(customer=make_customer(f"C-{number}", account_manager=people["other"]))
    client = signed_in("ops")
    client.get(LIST)

    with django_assert_max_num_queries(12):
        client.get(LIST, {"inactive_days": "30"})


def test_switching_off_customers_makes_one_run_of_all_their_logins(signed_in, people):
    first, second = make_customer("C-1"), make_customer("C-2")
    wanted = [*make_logins(2, customer=first), *make_logins(3, customer=second)]
    make_login(customer=make_customer("C-3"))
    client = signed_in("ops")

    page = asked(client, "switch_off_all", [first, second], path=LIST)
    answer = confirmed(client, page, path=LIST, reason="They left")

    run = Run.objects.get()
    assert answer["Location"] == page_of(run)
    assert (run.purpose, run.planned) == ("switch_off", 5)
    planned = set(Attempt.objects.values_list("login_id", flat=True))
    assert planned == {login.pk for login in wanted}


def test_switching_on_customers_is_the_same_in_the_other_direction(signed_in, people):
    make_logins(2, status=LoginStatus.INACTIVE)
    client = signed_in("ops")

    page = asked(client, "switch_on_all", [make_customer("C-1")], path=LIST)
    confirmed(client, page, path=LIST, reason="They are back")

    assert Run.objects.get().purpose == "switch_on"
    assert Login.objects.active().count() == 2


def test_select_all_reaches_every_page_of_the_filter(signed_in, people):
    for number in range(70):
        make_login(customer=make_customer(f"OLD-{number}", last_activity_at=days_ago(200)))
    make_login(customer=make_customer("NEW", last_activity_at=days_ago(2)))
    client = signed_in("ops")
    path = f"{LIST}?inactive_days=90"

    page = asked(client, "switch_off_all", Customer.objects.all()[:1], select_across=1, path=path)
    confirmed(client, page, path=path, reason="Idle")

    assert Run.objects.get().planned == 70
    assert page.context["question"].back_url == path


def test_foreign_customers_put_into_the_form_are_no_customers(signed_in, register):
    foreign = register.foreign.customer

    page = asked(signed_in("manager"), "switch_off_all", [register.customer, foreign], path=LIST)

    assert dict(page.context["question"].facts)["Chosen"] == "1"
    assert "Birch Steel" not in page.content.decode()


@pytest.mark.parametrize("name", ["auditor", "viewer"])
def test_who_may_not_switch_is_offered_nothing(signed_in, register, name):
    client = signed_in(name)

    asked(client, "switch_off_all", [register.customer], path=LIST)
    page = client.get(page_of(register.customer))

    assert page.context["orders"] == []
    assert not Run.objects.filter(purpose="switch_off").exists()


def test_the_page_shows_each_login_and_what_it_costs(signed_in, register):
    Provider.objects.update(cost_per_login_month="1.50")
    make_login(
        customer=register.customer,
        institution="Oldbank",
        status=LoginStatus.INACTIVE,
        nightly=Nightly.OFF,
        nightly_verified_at=timezone.now(),
    )

    page = signed_in("manager").get(page_of(register.customer))

    costs = {line.login.institution: line.cost for line in page.context["lines"]}
    assert costs == {"TD": "1.50 CAD", "Oldbank": ""}
    assert page.context["cost"] == "1.50 CAD"
    assert "2 logins, 1.50 CAD a month" in page.content.decode()
    assert "Chequing" not in page.content.decode()


def test_people_are_called_by_their_names(signed_in, register, people):
    register.customer.account_manager.first_name = "Marie-Ève"
    register.customer.account_manager.last_name = "Roy"
    register.customer.account_manager.save()
    client = signed_in("ops")

    pages = [client.get(path).content.decode() for path in (page_of(register.customer), "/leaks/")]

    assert "Account manager Marie-Ève Roy." in pages[0]
    assert "<td>Marie-Ève Roy</td>" in pages[1]


def test_a_customer_to_be_erased_is_offered_no_order(signed_in, register):
    page = signed_in("manager").get(page_of(register.customer))
    Customer.objects.filter(pk=register.customer.pk).update(
        erasure_asked_at=timezone.now(), erasure_reason="Asked by letter"
    )

    asked = signed_in("manager").get(page_of(register.customer))

    assert page.context["orders"] != []
    assert asked.context["orders"] == []


@pytest.mark.parametrize(
    ("state", "words"),
    [("due", "Waiting"), ("calling", "Being asked now"), ("cancelled", "Cancelled")],
)
def test_an_order_without_an_end_says_in_words_how_it_stands(signed_in, register, state, words):
    run = make_run(purpose="switch_off", planned=1)
    held = {"lease_until": timezone.now()} if state == "calling" else {}
    make_attempt(run, register.own, state=state, outcome="", **held)
    client = signed_in("manager")

    pages = [client.get(page_of(row)) for row in (register.customer, register.own)]

    for page in pages:
        assert f"</i>{words}</span>" in page.content.decode()


def test_the_page_s_buttons_lead_to_the_usual_confirmation(signed_in, register):
    make_login(customer=register.customer)
    client = signed_in("manager")
    page = client.get(page_of(register.customer))
    form = {"action": "switch_off", "select_across": "1", "_selected_action": "0"}

    question = client.post(page.context["logins_url"], form)
    confirmed(client, question, path=page.context["logins_url"], reason="Left")

    assert Run.objects.get(purpose="switch_off").planned == 2


def test_the_page_lists_the_last_orders_with_their_receipts(signed_in, register, people):
    run = make_run(purpose="switch_off", planned=1, opened_by=people["ops"], reason="Contract over")
    make_attempt(run, register.own, outcome="fresh")

    page = signed_in("manager").get(page_of(register.customer))

    (line,) = page.context["receipts"]
    assert line.attempt.run == run
    assert "Contract over" in page.content.decode()


def test_a_customer_with_many_logins_shows_the_first_hundred(signed_in, people):
    make_logins(105)

    page = signed_in("ops").get(page_of(Customer.objects.get()))

    assert (page.context["number"], len(page.context["lines"])) == (105, 100)
    assert "5 more" in page.content.decode()


def test_a_foreign_customer_is_not_there(signed_in, register):
    assert signed_in("manager").get(page_of(register.foreign.customer)).status_code == 404


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
def test_a_customers_page_costs_eight_queries(signed_in, register, name):
    client = signed_in(name)

    with CaptureQueriesContext(connection) as asked:
        assert client.get(page_of(register.customer)).status_code == 200

    assert len(asked) <= 8


def test_the_address_and_the_language_of_a_customer_are_edited_and_shown(signed_in, register):
    client, page = signed_in("ops"), page_of(register.customer)
    form = {"reference": "OWN-1", "email": "own@customers.example", "language": "fr"}

    refused = client.post(page, {**form, "email": "nobody"})
    assert client.post(page, form).status_code == 302

    assert refused.context["adminform"].form.errors.keys() == {"email"}
    shown = client.get(page).content.decode()
    assert "E-mail own@customers.example, in French." in shown
