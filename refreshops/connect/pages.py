"""How a public page is drawn and sent: no admin chrome, strict headers, kept by no browser."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

from refreshops.connect.words import LANGUAGES, Page, words_of

PREFIX = "/connect/"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Cache-Control": "no-store, private",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
# A form sent from a page without any referrer says `Origin: null`, which no check against forgery
# accepts. This tells our host, and never a path, so no token either.
WITH_A_FORM = "strict-origin"


def is_public(request: HttpRequest) -> bool:
    """Tell whether an address is one that customers may come to, right or wrong."""
    return f"{request.path}/".startswith(PREFIX)


def guarded(response: HttpResponseBase) -> HttpResponseBase:
    """Add the headers of every public answer, where it has none of its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def draw(
    page: Page,
    *,
    lender: str,
    language: str = "",
    status: int = 200,
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return a page in one language, or without one in all: nobody knows yet who reads it."""
    languages = [language] if language else LANGUAGES
    parts = [(name, words_of(page, language=name, lender=lender)) for name in languages]
    drawn = {"page": page.value, "parts": parts, "language": languages[0], **(context or {})}
    response = HttpResponse(render_to_string("connect/page.html", drawn), status=status)
    guarded(response)
    return response


def draw_form(
    request: HttpRequest, page: Page, *, lender: str, language: str, action: str, status: int = 200
) -> HttpResponse:
    """Return a page whose one button begins the connection."""
    context = {"action": action, "csrf_token": get_token(request)}
    response = draw(page, lender=lender, language=language, status=status, context=context)
    response.headers["Referrer-Policy"] = WITH_A_FORM
    return response


def refusal(page: Page, *, lender: str, status: int) -> HttpResponse:
    """Return a page that says no: the same bytes for everybody, whatever is wrong."""
    return draw(page, lender=lender, status=status)
