"""Makes each provider's client, and its support ticket's words, of the settings `wiring` gives."""

from collections.abc import Callable
from typing import Any

from refreshops.providers.contract import Provider
from refreshops.providers.flanks.client import Flanks
from refreshops.providers.flanks.ticket import Ticket as FlanksTicket
from refreshops.providers.flinks.client import Flinks
from refreshops.providers.flinks.ticket import Ticket as FlinksTicket
from refreshops.providers.marks import Marker
from refreshops.tracing.handing_out import Words

# What customers come back to from a provider's page that takes one address only.
BACK = "/connect/back/"


# Our keys may stand in nothing that is handed out.
_TICKETS: dict[str, tuple[Callable[..., Words], tuple[str, ...]]] = {
    "flinks": (
        FlinksTicket,
        ("CUSTOMER_ID", "SECRET_KEY", "X_API_KEY", "BEARER_SECRET", "WEBHOOK_KEY"),
    ),
    "flanks": (FlanksTicket, ("CLIENT_SECRET",)),
}


def return_url(settings: Any) -> str:
    """Return the one address that customers come back to; empty where we have none."""
    return f"{settings.PUBLIC_URL}{BACK}" if settings.PUBLIC_URL else ""


def _flinks(settings: Any, *, marker: Marker) -> Provider:
    return Flinks(
        api_url=settings.FLINKS_API_URL,
        customer_id=settings.FLINKS_CUSTOMER_ID,
        secret_key=settings.FLINKS_SECRET_KEY,
        x_api_key=settings.FLINKS_X_API_KEY,
        bearer_secret=settings.FLINKS_BEARER_SECRET,
        webhook_key=settings.FLINKS_WEBHOOK_KEY,
        connect_url=settings.FLINKS_CONNECT_URL,
        marker=marker,
    )


def _flanks(settings: Any, *, marker: Marker) -> Provider:
    return Flanks(
        api_url=settings.FLANKS_API_URL,
        client_id=settings.FLANKS_CLIENT_ID,
        client_secret=settings.FLANKS_CLIENT_SECRET,
        platform_url=settings.FLANKS_PLATFORM_URL,
        return_url=return_url(settings),
        products=settings.FLANKS_PRODUCTS,
        ignore_data_errors=settings.FLANKS_IGNORE_DATA_ERRORS,
        marker=marker,
    )


# By name; each raises ValueError for settings that make no sense.
CLIENTS: dict[str, Callable[..., Provider]] = {"flinks": _flinks, "flanks": _flanks}


def ticket(name: str, settings: Any, *, marker: Marker, amounts: bool) -> Words:
    """Return what cleans and explains the calls of a provider for its support."""
    words, keys = _TICKETS[name]
    ours = (getattr(settings, f"{name.upper()}_{key}") for key in keys)
    return words(secrets=[key for key in ours if key], marker=marker, amounts=amounts)
