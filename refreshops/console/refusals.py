"""Plain pages for what cannot be shown: 400, 403, 404 and 500. No stack trace, no setting.

Each carries a number that stands in the log beside what happened. Customers at the public addresses
get the public pages instead, which name neither console nor number.
"""

import logging
import secrets
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.exceptions import (
    DisallowedModelAdminLookup,
    DisallowedModelAdminToField,
)
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from refreshops import wiring
from refreshops.connect.pages import is_public, refusal
from refreshops.connect.words import Page
from refreshops.console.help_pages import lost_address
from refreshops.console.upload_limit import TOO_LARGE
from refreshops.logins.cells import visible

logger = logging.getLogger(__name__)

# What a customer reads instead.
_PUBLIC = {"400.html": Page.NOT_SO, "403_csrf.html": Page.NO_FORM}

View = Callable[..., HttpResponseBase]

FORM_TOO_LARGE = "A form may not hold so much. Go back and send it in parts, or as a file."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the address or form makes no sense, or sends more than is ever read."""
    if isinstance(exception, RequestDataTooBig):
        ours = str(exception) == TOO_LARGE
        return _refuse(request, "400.html", 413, why=TOO_LARGE if ours else FORM_TOO_LARGE)
    return _refuse(request, "400.html", 400)


def refusing(view: View) -> View:
    """Let a page answer 400 to a filter that no list has, as Django does: without two stack traces
    in the log for what is a slip in an address.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **named)
        except (DisallowedModelAdminLookup, DisallowedModelAdminToField) as slip:
            return bad_request(request, slip)

    return answer


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that this is not this person's to see or do."""
    return _refuse(request, "403.html", 403)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form came without the token of this session."""
    return _refuse(request, "403_csrf.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing here, or nothing for this person."""
    return _refuse(request, "404.html", 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Say that it is our fault."""
    number = _number()
    kind = sys.exc_info()[0]
    cause = kind.__name__ if kind else "?"
    logger.error("Error %s: %s at %s", number, cause, visible(request.path))
    if is_public(request):
        return refusal(Page.BROKEN, lender=wiring.lender_name(), status=500)
    return _page(request, "500.html", 500, number=number)


def _refuse(request: HttpRequest, template: str, status: int, **context: str) -> HttpResponse:
    if is_public(request):
        return refusal(
            _PUBLIC.get(template, Page.NOTHING), lender=wiring.lender_name(), status=status
        )
    number = _number()
    logger.info("Refusal %s: %s at %s", number, status, visible(request.path))
    return _page(request, template, status, number=number, **context)


def _number() -> str:
    return secrets.token_hex(4)


def _page(request: HttpRequest, template: str, status: int, **context: str) -> HttpResponse:
    answer = TemplateResponse(
        request, template, {"help_url": lost_address(), **context}, status=status
    )
    # The header names the person, and the address may name a row.
    add_never_cache_headers(answer)
    return answer.render()
