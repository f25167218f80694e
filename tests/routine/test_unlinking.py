"""What asking a customer back left here goes with the login, or with the customer."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from refreshops.bankdata.vault import Vault
from refreshops.logins import cases
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Customer,
    How,
    Letter,
    Login,
    ReconnectCase,
)
from refreshops.providers.contract import BankData, Result
from refreshops.routine import connecting, erasing, privacy, unlinking
from refreshops.routine.disclosure import everything_about
from refreshops.routine.models import Attempt
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call, Delivery
from tests.builders import NOON, make_customer, make_login, make_provider
from tests.routine.conftest import KEY, WINDOW

pytestmark = pytest.mark.django_db

EMAIL, SAID = "canary@customers.example", "Canary calls back on Monday"
CLAIMED = "0ca0a01e-5a1d-4b0c-9c3e-00000000c1a0"
TABLES = (ReconnectCase, Contact, ConnectLink, Letter)


def make_link(customer, login=None, **fields):
    times = {"made_at": NOON, "expires_at": NOON + timedelta(days=7)}
    link = ConnectLink.objects.create(
        provider=make_provider(), customer=customer, login=login, **(times | fields)
    )
    Letter.objects.create(kind="connect", link=link, to=EMAIL, queued_at=NOON, not_before=NOON)
    return link


def asked_back(customer):
    """A customer with a login, a case, somebody's word about it, a link and its mail."""
    login = make_login(customer=customer)
    case = ReconnectCase.objects.create(login=login, reason="mfa", opened_at=NOON)
    cases.log(
        case, how=How.PHONE, by=User.objects.get_or_create(username="ola")[0], text=SAID, now=NOON
    )
    make_link(customer, login, case=case)
    return login


def came_back(link, *, claimed=CLAIMED):
    """The attempt of a customer who came back with a login that was not confirmed."""
    attempt = connecting.open_attempt(
        link,
        purpose=Purpose.CONNECT,
        claimed_login_id=claimed,
        now=NOON,
        local_date=NOON.date(),
        window=WINDOW,
        share_percent=90,
    )
    ConnectLink.objects.filter(pk=link.pk).update(claimed_login_id=claimed)
    Attempt.objects.filter(pk=attempt.pk).update(
        state="done", outcome="unknown", finished_at=NOON, message="of Canary"
    )
    return attempt


def traced(login_id):
    Call.objects.create(
        sent_at=NOON,
        answered_at=NOON,
        state="answered",
        provider="flinks",
        endpoint="Authorize",
        method="POST",
        url="http://127.0.0.1/",
        login_id=login_id,
        message="Canary, answer the question",
    )
    Delivery.objects.create(
        received_at=NOON,
        last_received_at=NOON,
        provider="flinks",
        kind="GetAccountsDetail",
        digest=login_id,
        size=1,
        login_id=login_id,
        message="Canary",
        sealed=Vault([KEY]).seal({"body": "Canary"}),
    )


@pytest.fixture
def pair():
    """Two customers who were asked back, alike in everything."""
    own = make_customer("OWN-1", name="Canary", email=EMAIL, language="fr")
    other = make_customer("OTHER-1", name="Other", email="other@customers.example")
    return own, asked_back(own), other, asked_back(other)


def counts(customer):
    held = privacy.holdings(customer)
    return held.cases, held.contacts, held.links, held.mails


def test_a_forgotten_login_takes_its_cases_contacts_links_and_mails_along(pair):
    own, login, other, _ = pair
    first = make_link(own, claimed_login_id=login.login_id)

    unlinking.forget_login(login)

    first.refresh_from_db()
    assert counts(own) == (0, 0, 1, 1)
    assert (first.claimed_login_id, first.case) == ("", None)
    assert counts(other) == (1, 1, 1, 1)


def test_an_erased_customer_leaves_no_link_and_no_address(pair):
    own, login, other, _ = pair
    make_link(own)
    login.delete()
    Customer.objects.filter(pk=own.pk).update(erasure_asked_at=NOON)

    assert erasing.settle(own.pk, now=NOON)

    own.refresh_from_db()
    assert (own.email, own.language, own.name) == ("", "en", "")
    assert counts(own) == (0, 0, 0, 0)
    assert counts(other) == (1, 1, 1, 1)
    assert not Letter.objects.filter(to=EMAIL).exclude(link__customer=other).exists()


def test_a_login_id_that_was_brought_back_in_vain_is_emptied_and_its_trace_stripped(pair):
    own, _, _, foreign = pair
    link = make_link(own)
    attempts = [came_back(link), came_back(link, claimed=foreign.login_id)]
    for login_id in (CLAIMED, foreign.login_id):
        traced(login_id)

    unlinking.forget_customer(own)

    kept = Attempt.objects.filter(pk__in=[row.pk for row in attempts])
    assert set(kept.values_list("claimed_login_id", "message")) == {("", "")}
    said = {row.login_id: row.message for row in Call.objects.all()}
    bodies = {row.login_id: row.sealed is not None for row in Delivery.objects.all()}
    assert said == {CLAIMED: "", foreign.login_id: "Canary, answer the question"}
    assert bodies == {CLAIMED: False, foreign.login_id: True}


def test_who_asks_to_be_forgotten_has_no_link_that_leads_anywhere(pair):
    own, _, other, _ = pair
    boss = User.objects.create_user("boss")

    privacy.erase_customer(
        own,
        by=boss,
        reason="A letter of 3 March",
        now=NOON,
        local_date=NOON.date(),
        window=WINDOW,
        offers=bool,
    )

    revoked = ConnectLink.objects.filter(revoked_at=NOON, revoked_by=boss)
    assert list(revoked.values_list("customer", flat=True)) == [own.pk]
    assert ConnectLink.objects.get(customer=other).revoked_at is None


def test_nothing_is_registered_for_who_asked_to_be_forgotten_meanwhile():
    customer = make_customer("OWN-1")
    link = make_link(customer, started_at=NOON)
    attempt = came_back(link)
    Customer.objects.filter(pk=customer.pk).update(erasure_asked_at=NOON)
    data = BankData(NOON, (), 0, {})
    result = Result(Outcome.FRESH, DataState.FRESH, bank_data=data, tag=connecting.tag_text(link))

    assert connecting.register(attempt, result, now=NOON) == connecting.TO_BE_ERASED

    assert not Login.objects.exists()


def test_the_file_about_a_customer_tells_of_all_of_it_and_of_nobody_else(pair):
    own, login, other, foreign = pair
    came_back(make_link(own))
    for login_id in (login.login_id, foreign.login_id):
        traced(login_id)

    text = "".join(everything_about(own, vault=Vault([KEY]), now=NOON))

    found = json.loads(text)
    assert {name: len(found[name]) for name in ("returns", "deliveries", "cases", "contacts")} == {
        "returns": 1,
        "deliveries": 1,
        "cases": 1,
        "contacts": 1,
    }
    assert (found["customer"][0]["email"], found["customer"][0]["language"]) == (EMAIL, "fr")
    assert (found["contacts"][0]["text"], found["contacts"][0]["by"]) == (SAID, "ola")
    assert [row["to"] for row in found["mails"]] == [EMAIL, EMAIL]
    assert found["links"][1]["claimed_login_id"] == CLAIMED
    assert found["deliveries"][0]["data"] == {"body": "Canary"}
    assert "key" not in found["links"][0]
    assert foreign.login_id not in text
    assert other.email not in text
