"""A link of a customer's login, a link of a new customer, and a browser that brings tokens."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from refreshops import wiring
from refreshops.connect import links
from refreshops.logins.models import ConnectLink, Login, ReconnectCase
from refreshops.providers.contract import Handover, Result
from refreshops.routine import connecting
from refreshops.routine.models import Attempt
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.builders import make_customer, make_login, make_provider

PUBLIC_URL = "https://connect.lender.example"
FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture(autouse=True)
def public_site(settings) -> Iterator[None]:
    """Customers reach us, and the provider wants tokens: what it takes is read anew."""
    settings.PUBLIC_URL = PUBLIC_URL
    settings.LENDER_NAME = "Maple Lending"
    settings.FLINKS_SECRET_KEY = "secret-key-of-the-test"
    wiring.provider.cache_clear()
    yield
    wiring.provider.cache_clear()


@pytest.fixture
def wants_no_tokens(settings) -> None:
    """The provider lets everybody onto its page."""
    settings.FLINKS_SECRET_KEY = ""
    wiring.provider.cache_clear()


@pytest.fixture
def login(db) -> Login:
    return make_login(institution="Birch Bank", outcome="user_action", outcome_reason="mfa")


@pytest.fixture
def case(login) -> ReconnectCase:
    return ReconnectCase.objects.create(login=login, reason="mfa", opened_at=timezone.now())


@pytest.fixture
def make_link(login) -> Callable[..., ConnectLink]:
    """Return a function that makes a link to reconnect `login`, or what is said otherwise."""

    def make(**fields: Any) -> ConnectLink:
        asked: dict[str, Any] = {
            "provider": login.provider,
            "customer": login.customer,
            "by": None,
            "now": timezone.now(),
            "lives": timedelta(days=7),
            "login": login,
        }
        return links.make(**(asked | fields))

    return make


@pytest.fixture
def link(make_link, case) -> ConnectLink:
    """A link to reconnect a login."""
    return make_link(case=case)


@pytest.fixture
def first_link(db) -> ConnectLink:
    """A link for a customer who has no login yet."""
    return links.make(
        provider=make_provider(),
        customer=make_customer("NEW-1", name="Birch Steel"),
        by=None,
        now=timezone.now(),
        lives=timedelta(days=7),
        institution="Elm Bank",
    )


class Browser:
    """A customer's browser: presses buttons with the token that stands in the page."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)

    def get(self, address: str, **how: Any) -> HttpResponse:
        return self.client.get(address, **how)

    def open(self, link: ConnectLink) -> HttpResponse:
        return self.get(address_of(link))

    def press(self, link: ConnectLink, **how: Any) -> HttpResponse:
        """Open the link's page and press its button."""
        found = FORM_TOKEN.search(self.open(link).content.decode())
        assert found, "there is no button"
        return self.client.post(address_of(link, "start"), {"csrfmiddlewaretoken": found[1]}, **how)

    def wait(self, link: ConnectLink) -> HttpResponse:
        return self.get(address_of(link, "wait"))

    def state(self, link: ConnectLink) -> dict[str, str]:
        found: dict[str, str] = self.get(address_of(link, "state")).json()
        return found

    def come_back(self, link: ConnectLink, login_id: str, **more: str) -> HttpResponse:
        """Return from the provider's page as Flinks Connect sends people back."""
        query = {"loginId": login_id, "institution": "Birch", "tag": connecting.tag_text(link)}
        return self.get("/connect/back/", data=query | more)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def address_of(link: ConnectLink, step: str = "") -> str:
    return f"/connect/{links.token_of(link)}/{step}"


def attempt_of(link: ConnectLink) -> Attempt | None:
    link.refresh_from_db()
    return connecting.attempt_of(link)


def end(
    link: ConnectLink,
    outcome: Outcome,
    *,
    reason: Reason = Reason.NONE,
    handover: Handover | None = None,
) -> Attempt:
    """End a link's attempt as the engine does, with what a conversation learned."""
    attempt = attempt_of(link)
    assert attempt is not None
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(
        state="done", outcome=outcome.value, outcome_reason=reason.value, finished_at=now
    )
    sealed = None
    if handover is not None:
        kept = {"request_id": handover.request_id, "token": handover.token}
        sealed = wiring.vault().seal(kept)
    result = Result(outcome, DataState.FRESH, reason=reason, handover=handover)
    connecting.settle(attempt, result, sealed=sealed, now=now)
    link.refresh_from_db()
    return attempt
