"""A provider that the settings name no more, with its logins, runs and calls still here."""

import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from refreshops import wiring
from refreshops.logins.models import Login, LoginStatus, Provider
from refreshops.routine.models import Run
from tests.builders import make_login
from tests.console.conftest import make_attempt, make_call, make_run, page_of
from tests.console.test_orders import asked, confirmed

ORDERS = ["refresh_now", "refresh_live", "switch_off", "switch_on", "check_schedule", "forget"]


@pytest.fixture
def left(register, settings):
    """Return a login of "manager" at a provider that is not set up any more."""
    settings.FLANKS_API_URL = ""
    assert wiring.provider_names() == ("flinks",)
    row = Provider.objects.create(name="flanks", cost_per_login_month="2.00", currency="EUR")
    return make_login(
        provider=row, customer=register.customer, login_id="Cd7.hQ_2mZ~k", nightly="on"
    )


@pytest.fixture
def told(left):
    """Return the run of an order of theirs that came to something."""
    run = make_run(provider=left.provider, purpose="switch_off")
    attempt = make_attempt(run, left, outcome="fresh", outcome_reason="here_only")
    make_call(
        left,
        run,
        provider="flanks",
        endpoint="credentials/status",
        sent_at=timezone.now(),
        attempt_id=attempt.pk,
    )
    return run


@pytest.mark.parametrize("action", ORDERS)
def test_takes_no_order_that_would_wait_for_ever(left, signed_in, action):
    inactive = action == "switch_on"
    Login.objects.filter(pk=left.pk).update(
        status=LoginStatus.INACTIVE if inactive else LoginStatus.ACTIVE
    )
    client = signed_in("admin")

    page = asked(client, action, [left])
    facts = dict(page.context["question"].facts)
    answer = confirmed(client, page, confirmed="yes", reason="They left", typed="FORGET")

    assert facts["Will be touched"] == "0"
    assert "not set up here" in facts["Left out"]
    assert "Saves" not in " ".join(map(str, facts.values()))
    assert answer.status_code in (200, 302, 400)
    assert not Run.objects.filter(provider=left.provider).exists()


def test_leaves_the_orders_of_the_others_as_they_are(left, register, signed_in):
    page = asked(signed_in("ops"), "check_schedule", [left, register.own])

    facts = dict(page.context["question"].facts)
    assert facts["Will be touched"] == "1"


def test_is_said_on_a_logins_page_which_offers_nothing(left, signed_in):
    page = signed_in("admin").get(page_of(left))

    assert page.context["orders"] == []
    assert "not set up here" in page.content.decode()


@pytest.mark.parametrize("kind", ["login", "run", "cell"])
def test_hands_its_calls_to_its_support_all_the_same(left, told, signed_in, kind):
    Login.objects.filter(pk=left.pk).update(institution="Banco", outcome="fresh")
    query = f"cell/?institution=Banco&outcome=fresh&run={told.pk}"
    path = {"login": f"login/{left.pk}/", "run": f"run/{told.pk}/", "cell": query}[kind]
    client = signed_in("ops")

    shown, made = client.get(f"/bundle/{path}"), client.post(f"/bundle/{path}")

    assert (shown.status_code, made.status_code) == (200, 200)
    assert b"".join(made).startswith(b"PK")
    assert "Flanks" in shown.content.decode()


def test_its_receipts_are_written_and_do_not_say_where_it_was(left, told, capsys):
    call_command("receipts", run=told.pk, format="json")

    receipts = json.loads(capsys.readouterr().out)
    assert receipts["environment"] == "not set up"
    assert [row["login_id"] for row in receipts["logins"]] == [left.login_id]
