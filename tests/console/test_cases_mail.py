"""Links by mail: for one customer from the link's page, for many from the list of cases."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from refreshops import wiring
from refreshops.logins.models import ConnectLink, Letter, ReconnectCase
from refreshops.tracing.events import Action
from refreshops.tracing.models import Event
from tests.builders import NOON, make_customer, make_login, make_provider
from tests.console.conftest import page_of

LIST = "/logins/reconnectcase/"


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    # PostgreSQL's own clock goes on.
    monkeypatch.setattr(wiring, "clock", timezone.now)
    with time_machine.travel(NOON, tick=False):
        yield


def make_case(reference, *, email="", customer=None, **fields):
    owner = customer or make_customer(reference, email=email)
    login = make_login(customer=owner, outcome="user_action", **fields.pop("login", {}))
    return ReconnectCase.objects.create(login=login, opened_at=NOON, **fields)


def choose(client, *cases):
    return client.post(LIST, {"action": "send_link", "_selected_action": [c.pk for c in cases]})


def confirm(client, asked, token="t", **fields):
    return client.post(LIST, {**dict(asked.context["hidden"]), "token": token, **fields})


def test_everybody_who_can_be_reached_gets_a_mail_and_the_page_says_who_cannot(signed_in, people):
    reached = make_case("A", email="a@customers.example")
    put_off = make_case("B", email="b@customers.example", snoozed_until=NOON + timedelta(days=1))
    silent = make_case("C")
    client = signed_in("ops")

    asked = client.post(
        f"{LIST}?view=open",
        {"action": "send_link", "_selected_action": [reached.pk, put_off.pk, silent.pk]},
    )

    plan = asked.context["plan"]
    assert (plan.chosen, plan.reached, plan.without_number) == (3, [reached.pk, put_off.pk], 1)
    assert page_of(silent) in asked.content.decode()
    assert not Letter.objects.exists()
    confirm(client, asked)
    assert set(Letter.objects.values_list("to", flat=True)) == {
        "a@customers.example",
        "b@customers.example",
    }
    links = ConnectLink.objects.order_by("pk")
    assert [(row.case, row.made_by) for row in links] == [
        (reached, people["ops"]),
        (put_off, people["ops"]),
    ]
    assert Event.objects.get(action=Action.SEND_LETTERS).number == 2


def test_a_form_sent_twice_sends_one_mail(signed_in):
    case, client = make_case("A", email="a@customers.example"), signed_in("ops")
    asked = choose(client, case)

    for _ in range(2):
        confirm(client, asked)

    assert Letter.objects.count() == ConnectLink.objects.count() == 1


def test_who_waits_for_a_mail_already_gets_no_second_one(signed_in):
    case, client = make_case("A", email="a@customers.example"), signed_in("ops")
    asked = choose(client, case)

    for token in ("one", "two"):
        confirm(client, asked, token=token)

    assert Letter.objects.count() == 1


def test_nobody_is_written_to_whose_bank_is_down_or_who_is_not_to_be_asked(signed_in):
    for _ in range(3):
        make_login(institution="Down", outcome="institution_unavailable")
    rows = [
        make_case("A", email="a@customers.example", login={"institution": "Down"}),
        make_case("B", email="b@customers.example", login={"status": "inactive"}),
        make_case("C", email="c@customers.example", closed_at=NOON, closed_as="fresh"),
    ]
    client = signed_in("ops")
    erased = make_customer("D", email="d@customers.example", erasure_asked_at=NOON)
    rows.append(make_case("D", customer=erased))

    carried = ",".join(str(row.pk) for row in rows)
    ticked = {"action": "send_link", "_selected_action": rows[0].pk, "rows": carried}
    asked = client.post(LIST, ticked)
    client.post(LIST, {**ticked, "confirmed": "yes", "token": "t"})

    plan = asked.context["plan"]
    assert (plan.chosen, plan.reached, plan.folded, plan.over) == (4, [], 1, 3)
    assert not Letter.objects.exists()


def test_a_manager_writes_to_their_own_customers_alone(signed_in, register):
    for login in (register.own, register.foreign):
        type(login.customer).objects.filter(pk=login.customer_id).update(email="x@c.example")
    own, foreign = (
        ReconnectCase.objects.create(login=login, opened_at=NOON)
        for login in (register.own, register.foreign)
    )
    client = signed_in("manager")

    asked = choose(client, own, foreign)
    confirm(client, asked, rows=f"{own.pk},{foreign.pk}")

    assert [letter.link.case for letter in Letter.objects.all()] == [own]


def test_many_mails_are_queued_in_a_few_statements(signed_in, django_assert_max_num_queries):
    owners = [make_customer(f"C-{n}", email=f"c{n}@customers.example") for n in range(60)]
    made = [make_case("", customer=owner) for owner in owners]
    client = signed_in("ops")
    asked = choose(client, *made)

    with django_assert_max_num_queries(45):
        confirm(client, asked)

    assert Letter.objects.count() == 60


@pytest.mark.parametrize("kind", ["reconnect", "connect"])
def test_a_link_is_made_and_mailed_from_its_page(signed_in, kind):
    make_provider()
    customer = make_customer("A", email="a@customers.example")
    login = make_login(customer=customer) if kind == "reconnect" else None
    client = signed_in("ops")
    address = (
        f"/logins/login/{login.pk}/link/" if login else f"/logins/customer/{customer.pk}/link/"
    )

    answers = [client.post(address, {"token": "t", "mail": "yes"}) for _ in range(2)]

    assert {row["Location"] for row in answers} == {page_of(login or customer)}
    letter = Letter.objects.get()
    assert (letter.kind, letter.to, letter.link.login) == (kind, "a@customers.example", login)


def test_no_mail_and_no_link_for_who_has_no_address(signed_in):
    login, client = make_login(), signed_in("ops")
    address = f"/logins/login/{login.pk}/link/"

    assert "mail it" not in client.get(address).content.decode()
    assert client.post(address, {"token": "t", "mail": "yes"}).status_code == 400
    assert not ConnectLink.objects.exists()
