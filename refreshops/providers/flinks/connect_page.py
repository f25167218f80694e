"""Where Flinks Connect lies, and the address that opens it for one customer.

Source: reference/flinks-api.md sections 1 and 3.
"""

import re
from urllib.parse import quote, urlencode, urlsplit

from refreshops.providers.contract import Handover
from refreshops.providers.flinks.answers import TAG
from refreshops.providers.transport import check_return, checked_base_url, is_loopback

LANGUAGES = ("en", "fr")

_API_HOST = re.compile(r"([a-z0-9-]+)-api\.private\.fin\.ag", re.IGNORECASE)
# What banks are called. Nothing that a path would be read differently for.
_INSTITUTION = re.compile(r"(?=.*\w)[\w &'’.,()+-]{1,100}")


def base_of(connect_url: str, *, api_url: str) -> str:
    """Return where the page lies, ending in a slash; empty when nobody can know.

    Without a `connect_url` it follows from the API's address: beside a simulator on this machine,
    and on Flinks's own hosts. Raises ValueError with one sentence.
    """
    if connect_url:
        return checked_base_url(connect_url)
    parts = urlsplit(api_url)
    if is_loopback(parts.hostname or ""):
        return f"{parts.scheme}://{parts.netloc}/v2/"
    flinks = _API_HOST.fullmatch(parts.netloc)
    return f"https://{flinks[1]}-iframe.private.fin.ag/v2/" if flinks else ""


def page_url(
    base: str,
    *,
    handover: Handover | None,
    redirect_url: str,
    tag: str,
    language: str,
    institution: str,
    first: bool,
) -> str:
    """Return the address that opens the page: on a waiting session, or for onboarding.

    An institution that does not look like a bank's name is not preselected, and a language that the
    page does not have becomes English. Raises ValueError for a `redirect_url` that is not https
    (http to this machine) and for a `tag` that does not match `answers.TAG`.
    """
    if not TAG.fullmatch(tag):
        raise ValueError("The tag of a connection has letters, digits and . _ : ~ - alone.")
    check_return(redirect_url)
    request_id = handover.request_id if handover else ""
    token = handover.token if handover else ""
    asked = {
        "requestId": request_id,
        "scheduleRefresh": "true" if first and not request_id else "",
        "authorizeToken": token,
        "redirectUrl": redirect_url,
        "tag": tag,
        "language": language if language in LANGUAGES else LANGUAGES[0],
    }
    path = ""
    if not request_id and _INSTITUTION.fullmatch(institution):
        path = f"Credential/{quote(institution, safe='')}/"
    return f"{base}{path}?{urlencode({name: text for name, text in asked.items() if text})}"
