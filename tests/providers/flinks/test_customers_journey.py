"""A customer's way out and back over real HTTP: our scripts, the fake Flinks Connect, webhooks."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from refreshops.providers.contract import Answer, Ask, Done, NoAnswer, Silence, Subject, Wait
from refreshops.providers.flinks import Flinks
from refreshops.providers.unpacking import NotReadable, parse
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import POLICY
from tests.simulation import (
    BEARER,
    CUSTOMER_ID,
    SECRET_KEY,
    WEBHOOK_KEY,
    X_API_KEY,
    Simulator,
    running_simulator,
)
from tests.simulator.receiver import running_receiver
from tests.simulator.visitor import Visitor

pytestmark = pytest.mark.processes

BACK = "https://lender.example/connect/back/"
QUICK = replace(POLICY, poll_every=timedelta(milliseconds=20))
TAG = "link-17.aB_x:y"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(
        scenario="calm", logins=4, body_kb=4, pending_polls=2, require_token=True
    ) as running:
        yield running


@pytest.fixture(scope="module")
def provider(simulator):
    return Flinks(
        api_url=simulator.url,
        customer_id=CUSTOMER_ID,
        secret_key=SECRET_KEY,
        x_api_key=X_API_KEY,
        bearer_secret=BEARER,
        webhook_key=WEBHOOK_KEY,
    )


def speak(provider, purpose, login_id):
    """Say all that a purpose has to say; return how it ended."""
    script, subject = provider.conversation(purpose, QUICK), Subject(login_id)
    step = script.begin(subject)
    for _ in range(40):
        now = datetime.now(UTC)
        match step:
            case Ask(call, state):
                try:
                    heard: Answer | Silence = provider.send(call)
                except NoAnswer as silence:
                    heard = Silence("network", silence.detail)
                step = script.heard(subject, state, heard, now=now)
            case Wait(until, state):
                time.sleep(max(0.0, (until - now).total_seconds()))
                step = script.resume(subject, state, now=until)
            case Done(result):
                return result
            case halt:
                raise AssertionError(halt)
    raise AssertionError("no end")


def visit(simulator, url):
    """Open one of our addresses as the customer."""
    assert url.startswith(simulator.connect_url)
    parts = urlsplit(url)
    path = parts.path.removeprefix("/v2/")
    return Visitor(simulator.connect_url, path, **dict(parse_qsl(parts.query)))


def landed(visitor):
    assert visitor.landed is not None, visitor.page.text
    return dict(parse_qsl(urlsplit(visitor.landed).query))


def test_a_challenge_is_answered_at_the_page_and_the_login_is_fresh(simulator, provider):
    login_id = simulator.register_rows()[0]["login_id"]
    simulator.change(login_id, fate="question_not_found")

    ended = speak(provider, Purpose.RECONNECT, login_id)
    url = provider.connect_url(
        handover=ended.handover, redirect_url=BACK, tag=TAG, language="fr", first=False
    )
    visitor = visit(simulator, url).answer()
    again = speak(provider, Purpose.REFRESH, login_id)

    assert (ended.outcome, ended.reason) == (Outcome.USER_ACTION, Reason.MFA)
    assert ended.handover.request_id
    assert landed(visitor)["loginId"] == login_id
    assert landed(visitor)["tag"] == TAG
    assert again.outcome is Outcome.FRESH


def test_a_wrong_password_is_put_right_by_onboarding_again(simulator, provider):
    login_id = simulator.register_rows()[1]["login_id"]
    simulator.change(login_id, fate="invalid_password")
    person = simulator.person(login_id)

    ended = speak(provider, Purpose.RECONNECT, login_id)
    url = provider.connect_url(
        handover=ended.handover,
        redirect_url=BACK,
        tag=TAG,
        institution=person["institution"],
        first=False,
    )
    visitor = visit(simulator, url).sign_in(person["username"], person["password"])
    if visitor.landed is None:
        visitor.answer()

    assert ended.handover.request_id == ""
    assert ended.reason is Reason.CREDENTIALS
    assert landed(visitor)["loginId"] == login_id
    assert speak(provider, Purpose.REFRESH, login_id).outcome is Outcome.FRESH


def test_a_login_that_works_again_is_cured_without_the_page(simulator, provider):
    login_id = simulator.register_rows()[2]["login_id"]

    ended = speak(provider, Purpose.RECONNECT, login_id)

    assert ended.outcome is Outcome.FRESH
    assert ended.bank_data is not None
    assert ended.handover is None


def test_a_new_customer_is_invited_and_met(simulator, provider):
    invited = speak(provider, Purpose.INVITE, "")
    url = provider.connect_url(
        handover=invited.handover, redirect_url=BACK, tag=TAG, institution="TD", first=True
    )
    told = landed(visit(simulator, url).sign_in("greatday_nomfa"))
    met = speak(provider, Purpose.CONNECT, told["loginId"])

    assert simulator.login(told["loginId"])["scheduled"] is True
    assert (met.outcome, met.nightly, met.tag) == (Outcome.FRESH, True, TAG)
    assert met.institution == "TD"
    assert met.bank_data.accounts


def test_a_claimed_login_that_nobody_knows_is_not_met(provider):
    met = speak(provider, Purpose.CONNECT, "00000000-1111-4222-8333-444444444444")

    assert met.outcome is Outcome.LOGIN_GONE
    assert met.bank_data is None


@pytest.mark.parametrize("kind", ["GetAccountsDetail", "KYC"])
def test_a_webhook_is_read_as_it_was_sent(simulator, provider, kind):
    login_id = simulator.register_rows()[3]["login_id"]
    with running_receiver() as receiver:
        simulator.deliver(login_id, kind=kind, url=receiver.url)
        simulator.deliver(login_id, kind=kind, url=receiver.url, signature="bad")
        (headers, raw), (forged, other) = receiver.posts

    delivered = provider.read_delivery(parse(raw))

    assert provider.is_signed(raw, headers)
    assert not provider.is_signed(other, forged)
    assert (delivered.kind, delivered.login_id) == (kind, login_id)
    assert delivered.brings_data is (kind == "GetAccountsDetail")
    if delivered.brings_data:
        now = datetime.now(UTC)
        judged = provider.judge_delivery(Subject(login_id), parse(raw), policy=POLICY, now=now)
        assert judged.outcome is Outcome.FRESH
        assert judged.bank_data.transaction_count > 0


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"a": 1e999}', b'{"a": 1, "a": 2}', b"[" * 99])
def test_a_body_that_is_not_strict_json_is_not_parsed(raw):
    with pytest.raises(NotReadable):
        parse(raw)
