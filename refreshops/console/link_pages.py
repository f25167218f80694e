"""Connect links in the browser: made for a login or a customer, shown once, revoked.

A link's address is on the answer to the form that makes it and nowhere else: not in a message, not
in the session, not in the story.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from refreshops import wiring
from refreshops.connect import letters, links, tasks
from refreshops.console.addresses import page
from refreshops.console.cases_list import link_state
from refreshops.console.cases_words import EXPIRED, REVOKED, USED, end_words, link_badge
from refreshops.console.once import new_token, place_once
from refreshops.console.scoping import seen_by, sees_everything
from refreshops.logins.institutions import (
    all_institutions,
    institutions_at,
    institutions_of_manager,
)
from refreshops.logins.models import (
    ConnectLink,
    Customer,
    Language,
    LetterKind,
    Login,
    LoginStatus,
)
from refreshops.logins.models import Provider as ProviderRow
from refreshops.logins.models import ReconnectCase as Case
from refreshops.rules.lifecycle import Purpose

LINKS_SHOWN = 20
NOT_SET_UP = (
    "No links can be made: PUBLIC_URL, where customers reach this server, is not set. "
    "The runbook says how: Setting up connect links, mail and webhooks."
)
NO_PROVIDER = "No link can be made: no provider that is set up here connects this by a link."
ERASED = "The customer asked to be forgotten: no link is made for them."
OFF = "The login is switched off: nobody asks its customer for anything. Switch it on first."
AGAIN = (
    "This form was sent before and made one link. Its address is shown only once: revoke it and "
    "make another."
)


@dataclass(frozen=True)
class ShownLink:
    """A link as it stands, without its address; `alive` while it may be revoked."""

    link: ConnectLink
    badge: str
    came_to: str
    alive: bool


@dataclass(frozen=True)
class About:
    """Whom a link is for: `login` is None for a first connection. `back_url` leads back."""

    customer: Customer
    back_url: str
    login: Login | None = None
    case: Case | None = None

    @property
    def why_not(self) -> str:
        """Why no link is made, or an empty text."""
        if self.customer.erasure_asked_at is not None:
            return ERASED
        if self.login is not None and self.login.status != LoginStatus.ACTIVE:
            return OFF
        if not wiring.public_url():
            return NOT_SET_UP
        if self.login is not None:
            return _why_not_reconnected(self.login)
        return "" if self.providers else " ".join(self.not_offered) or NO_PROVIDER

    @property
    def providers(self) -> list[tuple[str, str]]:
        """The providers at which a first connection can be made: names, and what people read."""
        able = [name for name in wiring.provider_names() if wiring.offers(name, Purpose.CONNECT)]
        return [(name, wiring.words(name).title) for name in able]

    @property
    def not_offered(self) -> list[str]:
        """Why other providers are not chosen from, one sentence each."""
        names = wiring.provider_names()
        unable = [name for name in names if not wiring.offers(name, Purpose.CONNECT)]
        return [said for name in unable if (said := wiring.provider(name).about(Purpose.CONNECT))]


def _why_not_reconnected(login: Login) -> str:
    """Say why a login cannot be reconnected by its customer, or return an empty text."""
    name = login.provider.name
    if name not in wiring.provider_names():
        return NO_PROVIDER
    # One that the provider has lost can only be connected anew.
    needed = Purpose.CONNECT if login.gone_at is not None else Purpose.RECONNECT
    if wiring.offers(name, needed):
        return ""
    return wiring.provider(name).about(needed) or NO_PROVIDER


def may_send(user: Any) -> bool:
    """Tell whether `user` may make links; for whom is a matter of scoping."""
    return bool(user.has_perm("logins.send_connectlink"))


def may_see(user: Any) -> bool:
    """Tell whether `user` may know which links there are."""
    return bool(user.has_perm("logins.view_connectlink"))


def address_for_login(user: Any, login: Login) -> str:
    """Return where the links of a login stand and are made; empty where nobody needs one."""
    asked = login.status == LoginStatus.ACTIVE and login.customer.erasure_asked_at is None
    return reverse("admin:login_link", args=[login.pk]) if asked and may_see(user) else ""


def address_for_customer(user: Any, customer: Customer) -> str:
    """Return where a customer's links for a first connection stand and are made; empty if none."""
    if customer.erasure_asked_at is not None or not may_see(user):
        return ""
    return reverse("admin:customer_link", args=[customer.pk])


def shown(
    user: Any, *, now: datetime, login: Login | None = None, customer: Customer | None = None
) -> list[ShownLink]:
    """Return the newest links of a login, or those for first connections of a customer."""
    if not may_see(user):
        return []
    rows = seen_by(user, ConnectLink.objects.all())
    rows = rows.filter(login=login) if login else rows.filter(customer=customer, login=None)
    noted = rows.select_related("made_by").annotate(state=link_state(now))
    newest = noted.order_by(F("made_at").desc(), F("pk").desc())[:LINKS_SHOWN]
    over = (USED, EXPIRED, REVOKED)
    return [
        ShownLink(row, link_badge(row.state), end_words(row), row.state not in over)
        for row in newest
    ]


def answering(view: Any) -> Any:
    """Return a view that takes what a browser's form sends, and nothing besides."""
    return require_http_methods(["GET", "HEAD", "POST"])(view)


def wanted(model_admin: Any, request: HttpRequest, pk: int) -> Any:
    """Return a row of an admin's whose links this person may see, and make where they post.

    Raise `PermissionDenied` for who may not, `Http404` for a foreign row.
    """
    allowed = may_send if request.method == "POST" else may_see
    if not allowed(request.user) or not model_admin.has_view_permission(request):
        raise PermissionDenied
    row = model_admin.get_object(request, str(pk))
    if row is None:
        raise Http404(f"{model_admin.opts.verbose_name} {pk}")
    return row


def for_login(request: HttpRequest, login: Login) -> HttpResponse:
    """Make a link by which the customer reconnects a login; its open case goes with it."""
    case = login.cases.filter(closed_at__isnull=True).first()
    back = page("logins_reconnectcase", case.pk) if case else page("logins_login", login.pk)
    return _view(request, About(login.customer, back, login, case))


def for_customer(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Make a link by which a customer connects a first, or a further, bank."""
    return _view(request, About(customer, page("logins_customer", customer.pk)))


def _view(request: HttpRequest, about: About) -> HttpResponse:
    if request.method != "POST":
        return _ask(request, about)
    if about.why_not or (request.POST.get("mail") and not about.customer.email):
        return _ask(request, about, status=400)
    made: list[ConnectLink] = []

    def place() -> list[int]:
        with transaction.atomic():
            made.append(_make(request, about))
        return [made[0].pk]

    if place_once(request, token=request.POST.get("token", ""), place=place).again:
        messages.info(request, AGAIN)
        return redirect(about.back_url)
    if not request.POST.get("mail"):
        return _made(request, about, made[0])
    messages.success(request, f"A mail with a link to {about.customer.email} is queued.")
    return redirect(about.back_url)


def _make(request: HttpRequest, about: About) -> ConnectLink:
    """Make the link, and the mail that carries it where one is wanted: both or neither."""
    language = request.POST.get("language", "")
    bank = "" if about.login else request.POST.get("institution", "")
    link = links.make(
        provider=about.login.provider if about.login else _chosen(request, about),
        customer=about.customer,
        by=request.user,
        now=wiring.clock(),
        lives=wiring.link_lives(),
        login=about.login,
        case=about.case,
        institution=bank if bank in _banks(request.user, about) else "",
        language=language if language in Language.values else "",
    )
    if request.POST.get("mail"):
        kind = LetterKind.RECONNECT if about.login else LetterKind.CONNECT
        letters.queue(link, kind=kind, by=request.user, now=wiring.clock())
        tasks.nudge()
    return link


def _chosen(request: HttpRequest, about: About) -> ProviderRow:
    """Return the provider that was chosen for a first connection, or the first that can."""
    able, wanted = [name for name, _ in about.providers], request.POST.get("provider", "")
    return wiring.provider_row(wanted if wanted in able else able[0])


def _banks(user: Any, about: About) -> list[str]:
    """Return the banks to choose from, as far as a provider that a link can lead to has them."""
    known = all_institutions() if sees_everything(user) else institutions_of_manager(user)
    there = institutions_at(name for name, _ in about.providers)
    return [bank for bank in known if bank in there]


def _ask(request: HttpRequest, about: About, *, status: int = 200) -> TemplateResponse:
    context = {
        **_shared(request, about),
        "title": _title(request, about),
        "why_not": about.why_not,
        "banks": [] if about.login else _banks(request.user, about),
        "languages": Language.choices,
        "days": wiring.link_lives().days,
        "token": request.POST.get("token") or new_token(),
        "may_send": may_send(request.user),
        "may_mail": bool(about.customer.email),
        "links": shown(
            request.user, now=wiring.clock(), login=about.login, customer=about.customer
        ),
    }
    return TemplateResponse(request, "console/link.html", context, status=status)


def _title(request: HttpRequest, about: About) -> str:
    if not may_send(request.user):
        return "Connect links"
    return "Make a connect link" if about.login else "Connect a bank"


def _made(request: HttpRequest, about: About, link: ConnectLink) -> TemplateResponse:
    context = {
        **_shared(request, about),
        "title": "The link is made",
        "link": link,
        "address": links.address(link, public_url=wiring.public_url()),
    }
    return TemplateResponse(request, "console/link_made.html", context)


def _shared(request: HttpRequest, about: About) -> dict[str, Any]:
    return {**admin.site.each_context(request), "about": about}


def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a link lead nowhere from now on, and go back to what it was made for."""
    if not may_send(request.user):
        raise PermissionDenied
    rows = seen_by(request.user, ConnectLink.objects.all())
    link: ConnectLink | None = rows.filter(pk=pk).first()
    if link is None:
        raise Http404(f"connect link {pk}")
    if links.revoke(link, by=request.user, now=wiring.clock()):
        messages.success(request, "The link is revoked: it leads nowhere now.")
    else:
        messages.info(request, "The link led nowhere already.")
    if link.case_id and request.user.has_perm("logins.view_reconnectcase"):
        return redirect(page("logins_reconnectcase", link.case_id))
    if link.login_id:
        return redirect(page("logins_login", link.login_id))
    return redirect(page("logins_customer", link.customer_id))
