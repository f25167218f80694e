"""Links of a login whose provider sends customers back with a session, and what they bring."""

from django.http import HttpResponse

from refreshops.logins.models import ConnectLink, Provider
from refreshops.providers.contract import Handover
from refreshops.rules.outcomes import Outcome, Reason
from tests.connect.conftest import Browser, end

SESSION = "session-0f8fad5b-d9cb-469f-a165-70867728950e"
ANOTHER = "session-7c9e6679-7425-40de-944b-e07fc1f90ae7"


def session_provider() -> Provider:
    """Return the row of the provider whose customers come back with a session."""
    return Provider.objects.get_or_create(name="flanks")[0]


def send_on(browser: Browser, link: ConnectLink, session: str = SESSION) -> ConnectLink:
    """Have a link's customer sent on to this session at the provider."""
    browser.press(link)
    handover = Handover(session, f"token-of-{session}")
    end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=handover)
    assert browser.state(link)["state"] == "go"
    link.refresh_from_db()
    return link


def come_back(browser: Browser, session: str = SESSION, **more: str) -> HttpResponse:
    """Return from the provider's page as it sends people back."""
    return browser.get("/connect/back/", data={"session_id": session} | more)
