"""No page hands a screen an order: what mirrors text or speaks to a terminal is spelled out.

Templates escape markup. They let through the marks that turn the direction of text around and
control characters, in whoever's words they stand: a provider's, a bank's, a customer's name.
What is written down anew has none; this is for rows that older rules let in, and for all the rest.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# In UTF-8: U+0000 to U+001F but TAB, LF and CR, U+007F to U+009F, U+202A to U+202E, U+2066 to 2069.
_UNSEEN = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])"
)
# The same as JSON writes them; a backslash before it makes pairs, so that "\\u202e" stays.
_UNSEEN_IN_JSON = re.compile(
    rb"(\\[^u])|\\u(00(?:0[0-8bcef]|1[0-9a-f]|7f|[89][0-9a-f])|202[a-e]|206[6-9])"
)
_SHORT = {b"\\b": b"[U+0008]", b"\\f": b"[U+000C]"}

Handler = Callable[[HttpRequest], HttpResponseBase]


def plain_pages(get_response: Handler) -> Handler:
    """Spell out, as [U+202E], what pages and their live parts must not hold. A middleware."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse):
            kind = response.get("Content-Type", "")
            if kind.startswith("text/html"):
                response.content = spelled_out(response.content)
            elif kind.startswith("application/json"):
                response.content = in_json(response.content)
        return response

    return answer


def spelled_out(text: bytes) -> bytes:
    """Return a page or a piece of a file, in UTF-8, with what is unseen spelled out."""
    return _UNSEEN.sub(lambda found: _spelled(ord(found[0].decode())), text)


def in_json(document: bytes) -> bytes:
    """Return a JSON document with what is unseen in its texts spelled out."""
    return _UNSEEN_IN_JSON.sub(_in_json, spelled_out(document))


def _in_json(found: re.Match[bytes]) -> bytes:
    pair = found[1]
    if pair is not None:
        return _SHORT.get(pair, pair)
    return _spelled(int(found[2], 16))


def _spelled(code: int) -> bytes:
    return f"[U+{code:04X}]".encode()
