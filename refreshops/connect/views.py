"""The public pages of a connect link, the edge: a request in, one service, a page out.

Nobody is signed in here, and who is signed in at the console makes no difference. Nothing is built
from a request's host; an address that leads nowhere is one page, whatever is wrong with it.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase

from refreshops import wiring
from refreshops.bankdata.vault import Sealed
from refreshops.connect import clicking, landing, links, pages
from refreshops.connect.standing import Standing, is_held, leads_somewhere, look
from refreshops.connect.words import Page
from refreshops.logins import cases
from refreshops.logins.models import ConnectLink, How
from refreshops.providers.contract import Handover, NotOffered, Returned
from refreshops.routine import connecting, tasks, turns

logger = logging.getLogger(__name__)

COOKIE = "connect"
COOKIE_SALT = "connect link of this browser"
COOKIE_SECONDS = 2 * 3600
BUSY_SECONDS = 180
AN_HOUR_SECONDS = 3600

STATES = {
    Standing.WAITING: "waiting",
    Standing.FETCHING: "waiting",
    Standing.GO: "go",
    Standing.DONE: "done",
}
WITH_A_BUTTON = (Standing.HANDED, Standing.AGAIN, Standing.REFUSED, Standing.LATER)

View = Callable[..., HttpResponseBase]


def public(*methods: str) -> Callable[[View], View]:
    """Let a page take these methods alone, and send whatever it answers with our headers."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
            if request.method not in methods:
                response: HttpResponseBase = _no(Page.NOT_SO, status=405)
                response.headers["Allow"] = ", ".join(methods)
                return response
            return pages.guarded(view(request, *args, **named))

        return answer

    return decorate


@public("GET", "HEAD")
def page(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the one button. Mail scanners follow links, so looking begins nothing."""
    link, now = _find(token)
    if link is None:
        return _no(Page.NOTHING, status=404)
    if request.method == "GET" and link.opened_at is None:
        _opened(link, now=now)
    if link.ended_at is not None:
        return _draw(link, Page.DONE)
    return _form(request, link, Page.START, token=token)


@public("POST")
def start(request: HttpRequest, token: str) -> HttpResponseBase:
    """Begin the connection, and go on to where its progress is shown."""
    link, now = _find(token)
    if link is None:
        return _no(Page.NOTHING, status=404)
    if why := _why_shut(link):
        logger.error("%s: nobody could come back by connect link %s", why, link.pk)
        return _draw(link, Page.LATER, status=503, seconds=AN_HOUR_SECONDS)
    if is_held(link.provider, now=now):
        # Begun now it would ask the bank later, with no customer there to answer it.
        return _draw(link, Page.LATER, status=503, seconds=AN_HOUR_SECONDS)
    name = link.provider.name
    try:
        begun = clicking.start(
            link,
            opening=_opening(now),
            offers=lambda purpose: wiring.offers(name, purpose),
            now=now,
        )
    except turns.Busy:
        return _draw(link, Page.BUSY, status=503, seconds=BUSY_SECONDS)
    except clicking.TooOften:
        return _draw(link, Page.TOO_OFTEN, status=429, seconds=AN_HOUR_SECONDS)
    if begun:
        tasks.nudge(name)
    response = _see(_address(token, "wait"))
    response.set_signed_cookie(
        COOKIE,
        token,
        salt=COOKIE_SALT,
        max_age=COOKIE_SECONDS,
        path=pages.PREFIX,
        secure=wiring.public_url().startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
    return response


@public("GET", "HEAD")
def wait(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show how far a connection is; lead on to the provider when it is ready there."""
    link, now = _find(token)
    if link is None:
        return _no(Page.NOTHING, status=404)
    standing, url = _stands(request, link, now=now)
    if standing is Standing.START:
        return _see(_address(token))
    if standing in WITH_A_BUTTON:
        return _form(request, link, Page(standing.value), token=token)
    context = {"url": url, "poll": "" if standing is Standing.DONE else _address(token, "state")}
    return _draw(link, Page(standing.value), context=context)


@public("GET", "HEAD")
def state(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer the waiting page's polling: `{"state": "waiting|go|done|failed", "url"?}`."""
    link, now = _find(token)
    if link is None:
        return _no(Page.NOTHING, status=404)
    standing, url = _stands(request, link, now=now)
    body = {"state": STATES.get(standing, "failed")}
    return JsonResponse({**body, "url": url} if url else body)


@public("GET", "HEAD")
def back(request: HttpRequest) -> HttpResponseBase:
    """Take what came back from the provider's page, and go where its progress is shown.

    Only the browser that clicked is told anything; to any other, every return looks the same.
    """
    token = request.get_signed_cookie(COOKIE, "", salt=COOKIE_SALT) or ""
    claims = _claims(request.GET.dict())
    if not claims:
        # Nothing is believed of a failure either: what the link waits for may still come.
        return _draw_anew(token, Page.AGAIN) if token else _no(Page.CANCELLED, status=200)
    now = wiring.clock()
    link, login_id = landing.first_link(claims, now=now)
    own = link is not None and links.key_of(token) == link.key
    if link is None or request.method != "GET":
        return _no(Page.RETURNED, status=200)
    try:
        _take(link, login_id, now=now)
    except ValueError:
        return _draw(link, Page.SENSELESS, status=400) if own else _no(Page.RETURNED, status=200)
    except turns.Busy:
        return _draw(link, Page.BACK_LATER, status=503, seconds=BUSY_SECONDS)
    return _see(_address(token, "wait")) if own else _no(Page.RETURNED, status=200)


def nothing_here(request: HttpRequest) -> HttpResponseBase:
    """Answer what is no address of ours: the console must not ask customers to sign in."""
    return _no(Page.NOTHING, status=404)


def _why_shut(link: ConnectLink) -> str:
    """Say what our settings lack for a link to lead anywhere, or return an empty text."""
    if not wiring.public_url():
        return "PUBLIC_URL is not set"
    name = link.provider.name
    return "" if name in wiring.provider_names() else f"{link.provider} is not set up"


def _claims(query: dict[str, str]) -> list[tuple[str, Returned]]:
    """Return who could have sent somebody back with this, and what each reads in it."""
    told = [(name, wiring.provider(name).read_return(query)) for name in wiring.provider_names()]
    return [(name, returned) for name, returned in told if landing.succeeded(returned)]


def _take(link: ConnectLink, login_id: str, *, now: datetime) -> None:
    name = link.provider.name
    taken = landing.take_return(
        link,
        login_id=login_id,
        canonical=lambda text: wiring.canonical_login_id(name, text),
        opening=_opening(now),
        now=now,
    )
    if taken:
        tasks.nudge(name)


def _find(token: str) -> tuple[ConnectLink | None, datetime]:
    now = wiring.clock()
    link = links.find(token, now=now)
    return (link if link is not None and leads_somewhere(link, now=now) else None), now


def _opened(link: ConnectLink, *, now: datetime) -> None:
    """Note that a link was opened, once."""
    with transaction.atomic():
        unopened = ConnectLink.objects.filter(pk=link.pk, opened_at__isnull=True)
        if unopened.update(opened_at=now) and link.case is not None:
            cases.log(link.case, how=How.LINK, now=now)


def _opening(now: datetime) -> clicking.Opening:
    return clicking.Opening(
        local_date=wiring.local_date(now),
        window=wiring.window(),
        share_percent=wiring.connect_share_percent(),
    )


def _stands(request: HttpRequest, link: ConnectLink, *, now: datetime) -> tuple[Standing, str]:
    """Return where a link stands and, when it is ready, the provider's address: good once."""
    standing = look(link, now=now)
    if standing is not Standing.GO or request.method != "GET":
        return standing, ""
    try:
        url = clicking.go_on(link, open_sealed=wiring.vault().open, address=_provider_page, now=now)
    except (NotOffered, Sealed, LookupError, ValueError) as error:
        logger.error("No page of the provider for connect link %s: %s", link.pk, error)
        return Standing.LATER, ""
    # Without one, another tab was quicker.
    return (standing, url) if url else (Standing.HANDED, "")


def _provider_page(handover: Handover | None, link: ConnectLink) -> str:
    return wiring.provider(link.provider.name).connect_url(
        handover=handover,
        redirect_url=wiring.return_url(),
        tag=connecting.tag_text(link),
        language=link.language,
        institution=link.institution,
        # Also to replace an older login: whichever comes back shall be refreshed every night.
        first=True,
    )


def _address(token: str, step: str = "") -> str:
    return f"{pages.PREFIX}{token}/{step}"


def _see(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def _no(page: Page, *, status: int) -> HttpResponse:
    return pages.refusal(page, lender=wiring.lender_name(), status=status)


def _draw_anew(token: str, page: Page) -> HttpResponseBase:
    """Draw a page that leads back to the link this browser came by, where it did."""
    if not token:
        return _no(page, status=200)
    context = {"again": _address(token)}
    return pages.draw(page, lender=wiring.lender_name(), context=context)


def _draw(
    link: ConnectLink,
    page: Page,
    *,
    status: int = 200,
    seconds: int = 0,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """Draw a page in the link's language; `seconds` is when to come back."""
    response = pages.draw(
        page, lender=wiring.lender_name(), language=link.language, status=status, context=context
    )
    if seconds:
        response.headers["Retry-After"] = str(seconds)
        # A crowd is no error of ours: Django would write one into the log for each of them.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _form(request: HttpRequest, link: ConnectLink, page: Page, *, token: str) -> HttpResponse:
    return pages.draw_form(
        request,
        page,
        lender=wiring.lender_name(),
        language=link.language,
        action=_address(token, "start"),
    )
