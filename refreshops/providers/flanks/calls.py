"""Builds the calls Flanks documents. Paths are relative to `FLANKS_API_URL`.

Source: reference/flanks-api.md sections 1 to 4. All but the token call carry the shared access
token; the client secret is added when sending.
"""

from collections.abc import Mapping
from typing import Any

from refreshops.providers.contract import Call, Pacing
from refreshops.providers.flanks.meaning import (
    CREATE_SESSION,
    DELETE,
    FORCE,
    LIST,
    STATUS,
    TOKEN,
)

SHORT_DEADLINE_S = 60.0
TOKEN_DEADLINE_S = 30.0
DATA_DEADLINE_S = 120.0
# The session tokens a status may hold; each opens a page for the customer.
SCA, RESET = "sca_token", "reset_token"

_CREDENTIALS = "v0/bank/credentials"


def token(client_id: str) -> Call:
    """Fetch the access token that all calls share; a new one may end the one before."""
    return Call(
        endpoint=TOKEN,
        method="POST",
        path="v0/token",
        body={"client_id": client_id, "grant_type": "client_credentials"},
        auth="client",
        deadline_s=TOKEN_DEADLINE_S,
    )


def status(login_id: str, *, again: bool = False) -> Call:
    """Ask how a login stands. Only the first time takes a slot."""
    return _call(
        STATUS,
        f"{_CREDENTIALS}/status",
        {"credentials_token": login_id},
        pacing=Pacing.FREE if again else Pacing.USE,
    )


def force(login_id: str, *, step: str) -> Call:
    """Ask for a session token (`step`: sca or reset); it fetches no data."""
    return _call(
        FORCE,
        f"{_CREDENTIALS}/status",
        {"credentials_token": login_id, "force": step},
        method="PUT",
        pacing=Pacing.USE,
    )


def listing(page: int) -> Call:
    """Ask for one page, from 1, of all credentials Flanks holds for us."""
    return _call(LIST, f"{_CREDENTIALS}/list", {"page": page})


def delete(login_id: str) -> Call:
    """Order Flanks to delete all it holds about a login."""
    return _call(
        DELETE,
        _CREDENTIALS,
        {"credentials_token": login_id},
        method="DELETE",
        pacing=Pacing.USE,
    )


def product(login_id: str, name: str, *, despite_errors: bool = False) -> Call:
    """Fetch one kind of data, as it was last fetched. `despite_errors`: what is stored of it."""
    body: dict[str, Any] = {"credentials_token": login_id}
    if despite_errors:
        body["ignore_data_error"] = True
    return _call(name, f"{_CREDENTIALS}/{name}", body, deadline_s=DATA_DEADLINE_S)


def create_session(login_id: str, *, redirect_url: str, tokens: Mapping[str, str]) -> Call:
    """Open a page for the customer of an existing login; `tokens`: its sca_token or reset_token."""
    configuration = {"connection_id": login_id, "redirect_url": redirect_url, **tokens}
    return _call(CREATE_SESSION, f"connect/v2/{CREATE_SESSION}", {"configuration": configuration})


def _call(
    endpoint: str,
    path: str,
    body: Mapping[str, Any],
    *,
    method: str = "POST",
    pacing: Pacing = Pacing.FREE,
    deadline_s: float = SHORT_DEADLINE_S,
) -> Call:
    return Call(
        endpoint=endpoint,
        method=method,
        path=path,
        body=body,
        pacing=pacing,
        deadline_s=deadline_s,
        shared_token=True,
    )
