"""Privacy requests in the browser: who may, what is asked first, what is done once."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from refreshops.logins.models import Customer, Login, LoginStatus
from refreshops.routine.models import Attempt, Run
from refreshops.routine.roles import PRIVACY
from tests.builders import make_customer, make_logins, make_provider
from tests.console.conftest import page_of

LIST = "/logins/login/"
REASON = "A letter of 3 March"


def export_of(customer):
    return f"/logins/customer/{customer.pk}/export/"


def erase_of(customer):
    return f"/logins/customer/{customer.pk}/erase/"


@pytest.fixture
def private(people, signed_in):
    """Return a client for a person of the usual groups who also has the Privacy add-on."""

    def sign_in(name):
        people[name].groups.add(Group.objects.get(name=PRIVACY))
        return signed_in(name)

    return sign_in


@pytest.fixture
def sealed(register):
    """The register, with a snapshot that our keys open."""
    from refreshops import wiring

    register.snapshot.payload = wiring.vault().seal({"Holder": "Canary Q. Holdername"})
    register.snapshot.save()
    return register


def erased(client, customer, **fields):
    """Open the page and send its form."""
    page = client.get(erase_of(customer))
    form = {"token": page.context["token"], "reason": REASON, "typed": customer.reference}
    return client.post(erase_of(customer), form | fields)


def body_of(answer):
    return b"".join(answer.streaming_content).decode()


# --- Who may ---


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("admin", 200),
        ("viewer", 200),
        ("auditor", 403),
        ("ops", 403),
        ("manager", 403),
        ("curious_manager", 403),
        ("nobody", 403),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_all_that_is_held_is_for_those_who_may_see_bank_data(
    signed_in, sealed, name, status, method
):
    answer = getattr(signed_in(name), method)(export_of(sealed.customer))

    assert answer.status_code == status
    assert LogEntry.objects.exists() is (method == "post" and status == 200)


@pytest.mark.parametrize(
    ("name", "status"),
    [("admin", 200), ("viewer", 403), ("ops", 403), ("manager", 403), ("nobody", 403)],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_erases_without_the_permission(signed_in, register, name, status, method):
    answer = getattr(signed_in(name), method)(erase_of(register.customer))

    assert answer.status_code == (400 if (method, status) == ("post", 200) else status)
    assert not Run.objects.filter(purpose="forget").exists()


@pytest.mark.parametrize("page", [export_of, erase_of], ids=["export", "erase"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_comes_here_without_signing_in(register, page, method):
    answer = getattr(Client(), method)(page(register.customer))

    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


def test_an_account_manager_erases_their_own_customers_alone(private, register):
    client = private("manager")
    foreign = register.foreign.customer
    absent = Customer(pk=foreign.pk + 1000)

    own = client.get(erase_of(register.customer))
    answers = [
        getattr(client, way)(erase_of(row)) for row in (foreign, absent) for way in ("get", "post")
    ]

    assert own.status_code == 200
    assert {answer.status_code for answer in answers} == {404}
    assert foreign.reference not in answers[0].content.decode()


@pytest.mark.parametrize(("name", "told"), [("admin", True), ("manager", False), ("ops", False)])
def test_how_much_bank_data_there_is_is_told_to_nobody_who_may_not_see_it(
    private, register, name, told
):
    page = private(name).get(erase_of(register.customer))

    assert ("Bank accounts" in dict(page.context["question"].facts)) is told


@pytest.mark.parametrize("page", [export_of, erase_of], ids=["export", "erase"])
def test_an_absent_customer_is_not_found(signed_in, people, page):
    client = signed_in("admin")

    answers = [client.get(page(Customer(pk=pk))) for pk in (4711, 10**30)]

    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize("page", [export_of, erase_of], ids=["export", "erase"])
def test_a_form_of_another_site_does_nothing(people, register, page):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["admin"])

    answer = client.post(page(register.customer), {"typed": "OWN-1", "reason": REASON})

    assert answer.status_code == 403
    assert not Run.objects.filter(purpose="forget").exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("page", [export_of, erase_of], ids=["export", "erase"])
def test_other_methods_are_not_known(signed_in, register, page):
    assert signed_in("admin").delete(page(register.customer)).status_code == 405


# --- Everything held ---


def test_the_page_says_what_is_held_and_changes_nothing(signed_in, sealed):
    page = signed_in("viewer").get(export_of(sealed.customer))

    facts = dict(page.context["question"].facts)
    assert (facts["Logins"], facts["Snapshots of bank data"], facts["Calls"]) == ("1", "1", "1")
    assert facts["Reconnect cases"] == "0, with 0 contacts"
    assert facts["Connect links"] == "0, with 0 mails"
    assert "Export as JSON" in page.content.decode()
    assert not LogEntry.objects.exists()


def test_the_file_holds_the_bank_data_and_nobody_keeps_a_copy(signed_in, sealed):
    answer = signed_in("viewer").post(export_of(sealed.customer))

    found = json.loads(body_of(answer))
    assert found["snapshots"][0]["data"] == {"Holder": "Canary Q. Holdername"}
    assert found["customer"][0]["reference"] == "OWN-1"
    assert sealed.foreign.login_id not in json.dumps(found)
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]


def test_who_took_the_file_is_written_down_without_a_name(signed_in, sealed, people):
    body_of(signed_in("viewer").post(export_of(sealed.customer)))

    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (people["viewer"], "Exported everything held.")
    assert "Maple" not in entry.object_repr


# --- Erasure ---


def test_the_page_shows_what_goes_and_asks_for_reason_and_reference(signed_in, register):
    page = signed_in("admin").get(erase_of(register.customer))

    text = page.content.decode()
    assert "Type <strong>OWN-1</strong> to go on" in text
    assert "Reason (required)" in text
    assert register.own.login_id in text
    assert "do not name the person" in text
    assert not Run.objects.filter(purpose="forget").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"typed": ""}, "Type OWN-1", id="not-typed"),
        pytest.param({"typed": "own-1"}, "Type OWN-1", id="typed-otherwise"),
        pytest.param({"typed": "FOR-1"}, "Type OWN-1", id="another-customer"),
        pytest.param({"reason": "  "}, "Say why", id="no-reason"),
    ],
)
def test_what_is_missing_is_asked_for_again(signed_in, register, fields, said):
    answer = erased(signed_in("admin"), register.customer, **fields)

    assert answer.status_code == 400
    assert said in answer.content.decode()
    register.customer.refresh_from_db()
    assert register.customer.erasure_asked_at is None
    assert not Run.objects.filter(purpose="forget").exists()


def test_a_confirmed_erasure_is_one_run_and_is_written_down(signed_in, register, people):
    answer = erased(signed_in("admin"), register.customer)

    run = Run.objects.get(purpose="forget")
    register.customer.refresh_from_db()
    assert answer["Location"] == page_of(run)
    assert (run.planned, run.reason, run.opened_by) == (1, REASON, people["admin"])
    assert register.customer.erasure_asked_by == people["admin"]
    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.INACTIVE
    assert Login.objects.get(pk=register.foreign.pk).status == LoginStatus.ACTIVE
    assert LogEntry.objects.get().change_message == "Ordered the erasure."


def test_a_form_sent_twice_orders_once(signed_in, register):
    client = signed_in("admin")
    page = client.get(erase_of(register.customer))
    form = {"token": page.context["token"], "reason": REASON, "typed": "OWN-1"}

    first, second = (client.post(erase_of(register.customer), form) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Attempt.objects.filter(purpose="forget").count() == 1
    assert LogEntry.objects.count() == 1


def test_a_second_form_says_where_it_is_under_way(signed_in, register):
    client = signed_in("admin")
    erased(client, register.customer)

    answer = erased(client, register.customer)

    run = Run.objects.get(purpose="forget")
    page = client.get(answer["Location"])
    assert f"under way already, in run {run.pk}" in page.content.decode()
    assert LogEntry.objects.count() == 1


def test_a_customer_without_logins_is_erased_at_once(signed_in, people):
    customer = make_customer("ALONE-1", name="Birch Steel")
    client = signed_in("admin")

    answer = erased(client, customer)

    customer.refresh_from_db()
    page = client.get(answer["Location"])
    assert customer.name == ""
    assert "no login of theirs was left" in page.content.decode()
    assert "Birch" not in page.content.decode()


def test_an_erased_customer_has_nothing_left_to_erase(signed_in, people):
    now = timezone.now()
    customer = make_customer("erased-1", erasure_asked_at=now, erased_at=now)

    page = signed_in("admin").get(erase_of(customer))
    answer = signed_in("admin").post(erase_of(customer), {"typed": "erased-1", "reason": REASON})

    assert "Nothing is left to do" in page.content.decode()
    assert answer.status_code == 200
    assert not LogEntry.objects.exists()


def test_nobody_writes_a_name_over_an_erased_one(signed_in, people):
    now = timezone.now()
    customer = make_customer("erased-1", erasure_asked_at=now, erased_at=now)
    form = {"reference": "C-1", "name": "Birch Steel", "language": "en", "account_manager": ""}

    answer = signed_in("ops").post(page_of(customer), form)

    customer.refresh_from_db()
    assert answer.status_code == 403
    assert (customer.reference, customer.name) == ("erased-1", "")


def test_no_login_is_added_to_a_customer_to_be_erased(signed_in, people):
    customer = make_customer("C-9", erasure_asked_at=timezone.now())
    form = {
        "provider": make_provider().pk,
        "login_id": "340fca90-88e3-452f-9e18-92d00d6c9c81",
        "customer": customer.pk,
        "institution": "TD",
    }

    answer = signed_in("admin").post("/logins/login/add/", form)

    assert "erased on request" in answer.content.decode()
    assert not Login.objects.exists()


def test_a_large_erasure_says_that_a_second_person_is_needed(signed_in, people, settings):
    settings.APPROVAL_ABOVE = 2
    customer = make_customer("LARGE-1")
    make_logins(3, customer=customer)
    client = signed_in("admin")

    page = client.get(erase_of(customer))
    erased(client, customer)

    assert "a second person" in page.content.decode()
    run = Run.objects.get()
    assert (run.state, run.needs_approval) == ("waiting", True)
    assert Login.objects.filter(status=LoginStatus.ACTIVE).count() == 3


# --- Logins, from their list ---


def test_logins_are_forgotten_only_when_the_word_was_typed(private, register, people):
    client = private("ops")
    ticked = {"action": "forget", "_selected_action": [register.own.pk], "index": 0}
    page = client.post(LIST, ticked)
    question = page.context["question"]
    form = {**dict(question.hidden), "token": page.context["token"], "reason": REASON}

    refused = client.post(LIST, form | {"typed": "forget"})
    before = Run.objects.filter(purpose="forget").exists()
    client.post(LIST, form | {"typed": question.typed})

    run = Run.objects.get(purpose="forget")
    assert (refused.status_code, before) == (400, False)
    assert question.typed == "FORGET"
    assert (run.planned, run.opened_by, run.reason) == (1, people["ops"], REASON)


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
def test_nobody_forgets_logins_without_the_permission(signed_in, register, name):
    form = {"action": "forget", "_selected_action": [register.own.pk], "confirmed": "yes"}

    signed_in(name).post(LIST, form | {"typed": "FORGET", "reason": REASON, "token": "t"})

    assert not Run.objects.filter(purpose="forget").exists()
