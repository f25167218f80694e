"""Where Flanks's page for customers lies, and the address that opens one session there.

Source: reference/flanks-api.md sections 1 and 3.
"""

from urllib.parse import quote, urlsplit

from refreshops.providers.contract import Handover, NotOffered
from refreshops.providers.transport import check_return, checked_base_url, is_loopback

_PLATFORM = "https://platform.flanks.io/"
_API_HOST = "api.flanks.io"


def base_of(platform_url: str, *, api_url: str) -> str:
    """Return where the page lies, ending in a slash; empty when nobody can know.

    Without a `platform_url` it follows from the API's address; beside a simulator on this machine
    it lies under /flanks/. Raises ValueError with one sentence.
    """
    parts = urlsplit(api_url)
    if platform_url:
        base = checked_base_url(platform_url)
        parts = urlsplit(base)
        if not (is_loopback(parts.hostname or "") and parts.path == "/"):
            return base
    if is_loopback(parts.hostname or ""):
        return f"{parts.scheme}://{parts.netloc}/flanks/"
    return _PLATFORM if parts.netloc == _API_HOST else ""


def page_url(base: str, *, handover: Handover | None) -> str:
    """Return the address of a session: the one that Flanks gave, if it lies there, or our own.

    Raises NotOffered without a session: nobody connects anew by us.
    """
    if handover is None or not handover.request_id:
        raise NotOffered("New customers connect by Flanks's own link.")
    if _lies_at(base, handover.token):
        return handover.token
    return f"{base}connect/{quote(handover.request_id, safe='')}"


def _lies_at(base: str, url: str) -> bool:
    """Tell whether an address that we were told lies where the page does."""
    here = urlsplit(base)
    try:
        given = urlsplit(url)
    except ValueError:
        return False
    return bool(given.scheme) and (given.scheme, given.netloc) == (here.scheme, here.netloc)


def checked_return(url: str) -> str:
    """Return where a session sends people back to, or raise ValueError with one sentence."""
    if url:
        check_return(url)
    return url
