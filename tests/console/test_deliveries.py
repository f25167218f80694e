"""The list of webhooks, one of them, and where a login's page shows them."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops.tracing.models import Delivery
from tests.console.conftest import make_attempt, make_run

LIST = "/tracing/delivery/"


@pytest.fixture
def webhook(register):
    """Return a function that keeps a delivery about the manager's own login."""

    def make(**fields):
        at = fields.pop("received_at", timezone.now())
        usual = {
            "received_at": at,
            "last_received_at": at,
            "provider": "flinks",
            "kind": "GetAccountsDetail",
            "digest": uuid.uuid4().hex,
            "size": 1234,
            "login_id": register.own.login_id,
            "state": "applied",
            "answer": {"HttpStatusCode": 200, "AccountCount": 3},
            "sealed": b"never shown",
        }
        return Delivery.objects.create(**(usual | fields))

    return make


def listed(client, query=""):
    return [row.pk for row in client.get(f"{LIST}{query}").context["cl"].result_list]


def test_it_is_newest_first_and_narrowed_by_state_and_login(signed_in, webhook, register):
    old = webhook(received_at=timezone.now() - timedelta(days=2))
    unknown = webhook(login_id=str(uuid.uuid4()), state="unknown_login")
    client = signed_in("ops")

    assert listed(client) == [unknown.pk, old.pk]
    assert listed(client, "?state__exact=unknown_login") == [unknown.pk]
    assert listed(client, f"?q={register.own.login_id.upper()}") == [old.pk]
    assert listed(client, "?day=today") == [unknown.pk]
    assert listed(client, "?q=nobody") == []


def test_what_is_not_settled_has_its_number_in_the_filter(signed_in, webhook):
    for state in ("unknown_login", "unknown_login", "parked", "applied"):
        webhook(state=state)

    page = signed_in("ops").get(LIST).content.decode()

    assert "login not known here (2)" in page
    assert "could not be applied (1)" in page
    assert "(4)" not in page


def test_a_page_says_what_it_did_and_never_shows_the_body(signed_in, webhook):
    row = webhook(state="superseded", state_reason="A newer refresh was known already.", times=3)

    page = signed_in("ops").get(f"{LIST}{row.pk}/change/").content.decode()

    assert "It changed nothing" in page
    assert "A newer refresh was known already." in page
    assert "AccountCount" in page
    assert "never shown" not in page


def test_hostile_words_of_a_delivery_are_text(signed_in, webhook):
    row = webhook(message="<script>alert(1)</script>", tag="<b>", kind="<u>", institution="\u202e")

    page = signed_in("ops").get(f"{LIST}{row.pk}/change/").content.decode()

    assert "<script>alert" not in page
    assert "<u>" not in page
    assert "\u202e" not in page


def test_a_logins_page_tells_of_its_webhooks_to_who_may_see_them(signed_in, webhook, register):
    row = webhook(state_reason="Told apart")
    webhook(login_id=register.foreign.login_id, state_reason="Somebody else's")
    address = f"/logins/login/{register.own.pk}/change/"

    ops, manager = (signed_in(name).get(address).content.decode() for name in ("ops", "manager"))

    assert f"{LIST}{row.pk}/change/" in ops
    assert "Told apart" in ops
    assert "Somebody else" not in ops
    assert LIST not in manager
    assert "Told apart" not in manager


def test_the_timeline_leads_on_through_many_webhooks(signed_in, webhook, register):
    now = timezone.now()
    run = make_run()
    make_attempt(run, register.own, outcome="fresh")
    rows = [webhook(received_at=now - timedelta(minutes=n)) for n in range(60)]
    client, address = signed_in("ops"), f"/logins/login/{register.own.pk}/change/"
    found, query = [], ""
    for _ in range(10):
        timeline = client.get(address + query).context["timeline"]
        found += [entry.key for entry in timeline.entries if entry.kind == "delivered"]
        if not timeline.older:
            break
        query = f"?before={timeline.older.replace('+', '%2B')}"

    assert found == [row.pk for row in rows]
