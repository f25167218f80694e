"""Clicks, looks and returns at one instant: one attempt, one way on, one return."""

import uuid
from collections import Counter

import pytest
from django.utils import timezone

from refreshops.connect import links
from refreshops.logins.models import Contact
from refreshops.providers.contract import Handover
from refreshops.routine.models import Attempt, Run
from refreshops.rules.outcomes import Outcome, Reason
from tests.builders import make_login
from tests.connect import sessions
from tests.connect.conftest import Browser, address_of, end
from tests.routine.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 6


@pytest.fixture(autouse=True)
def nobody_drives(monkeypatch):
    """Nobody takes tasks in these tests: the queue would fill."""
    monkeypatch.setattr("refreshops.routine.tasks.nudge", lambda name: None)


def test_clicks_at_one_instant_are_one(link):
    def click():
        return Browser().press(link).status_code

    found = at_once(*[click] * AT_ONCE)

    link.refresh_from_db()
    assert found == [303] * AT_ONCE
    assert (Run.objects.count(), Attempt.objects.count(), link.starts) == (1, 1, 1)
    assert Contact.objects.count() == 1


def test_clicks_on_several_links_of_a_login_share_the_attempt(make_link):
    made = [make_link() for _ in range(AT_ONCE)]

    found = at_once(*[lambda of=of: Browser().press(of).status_code for of in made])

    assert found == [303] * AT_ONCE
    assert Attempt.objects.count() == 1


def test_one_look_of_many_gets_the_way_on(link, browser):
    browser.press(link)
    handover = Handover(token="t")
    end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=handover)

    found = at_once(*[lambda: Browser().state(link)] * AT_ONCE)

    assert Counter(told["state"] for told in found) == {"go": 1, "failed": AT_ONCE - 1}
    assert sum("url" in told for told in found) == 1


def test_returns_at_one_instant_are_one(link, browser):
    browser.press(link)
    end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=Handover(token="t"))
    browser.state(link)
    claims = [str(uuid.uuid4()) for _ in range(AT_ONCE)]

    found = at_once(
        *[lambda claim=claim: Browser().come_back(link, claim).status_code for claim in claims]
    )

    [attempt] = Attempt.objects.filter(purpose="connect")
    link.refresh_from_db()
    assert found == [200] * AT_ONCE
    assert attempt.claimed_login_id == link.claimed_login_id
    assert link.attempt_id == attempt.pk


def test_returns_of_one_session_at_one_instant_are_one(make_link):
    login = make_login(provider=sessions.session_provider(), login_id="token-of-a-login")
    link = make_link(provider=login.provider, login=login)
    sessions.send_on(Browser(), link)

    found = at_once(*[lambda: sessions.come_back(Browser()).status_code] * AT_ONCE)

    link.refresh_from_db()
    [attempt] = Attempt.objects.filter(purpose="refresh")
    assert found == [200] * AT_ONCE
    assert link.attempt_id == attempt.pk


def test_a_click_and_a_revocation_end_with_a_link_that_leads_nowhere(link):
    def revoke():
        return links.revoke(link, by=None, now=timezone.now())

    clicked, revoked = at_once(lambda: Browser().get(address_of(link)).status_code, revoke)

    assert clicked in (200, 404)
    assert revoked is True
    assert Browser().get(address_of(link)).status_code == 404
