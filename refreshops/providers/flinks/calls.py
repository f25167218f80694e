"""Builds the calls Flinks documents. Paths are relative to `{FLINKS_API_URL}{customerId}/`.

Source: reference/flinks-api.md sections 1 and 2. `auth` says which key the call carries: `secret`
and `token` travel as flinks-auth-key, `x_api_key` as x-api-key, `bearer` as Authorization.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from refreshops.providers.contract import Call, Pacing

# Flinks hands a synchronous data call to the background after 210 s; a client must wait longer.
DATA_DEADLINE_S = 230.0
LIVE_DEADLINE_S = 240.0
SHORT_DEADLINE_S = 60.0
TOKEN_DEADLINE_S = 30.0

MINTING = "GenerateAuthorizeToken"
AUTHORIZING = "Authorize"
SCHEDULING = "SetScheduledRefresh"
DELETING = "DeleteCard"
SUMMARISING = "GetAccountsSummary"


def generate_authorize_token() -> Call:
    """Mint the single-use token of the next Authorize; the slot is taken before (RESERVE)."""
    return _call(
        MINTING,
        "POST",
        auth="secret",
        pacing=Pacing.RESERVE,
        deadline_s=TOKEN_DEADLINE_S,
    )


def token_for_connect() -> Call:
    """Mint the single-use token that opens Flinks Connect; no Authorize follows, so no slot."""
    return replace(generate_authorize_token(), pacing=Pacing.FREE)


def authorize_cached(login_id: str, *, token: str = "") -> Call:
    """Ask how the last refresh of a login ended; opens its cached data."""
    return _authorize({"LoginId": login_id, "MostRecentCached": True}, token, SHORT_DEADLINE_S)


def authorize_live(login_id: str, *, token: str = "") -> Call:
    """Refresh a login at its bank now. Billed by Flinks when it works."""
    body = {"LoginId": login_id, "MostRecentCached": False, "Save": True}
    return _authorize(body, token, LIVE_DEADLINE_S)


def accounts_detail(request_id: str) -> Call:
    """Fetch accounts with transactions."""
    return _data("GetAccountsDetail", request_id)


def accounts_detail_async(request_id: str) -> Call:
    """Ask whether the data of a 202 is ready. A GET; only after a 202."""
    return _poll("GetAccountsDetailAsync", request_id)


def accounts_summary(request_id: str) -> Call:
    """Fetch accounts without transactions."""
    return _data(SUMMARISING, request_id)


def accounts_summary_async(request_id: str) -> Call:
    """Ask whether the summary of a 202 is ready."""
    return _poll("GetAccountsSummaryAsync", request_id)


def set_scheduled_refresh(login_id: str, *, on: bool) -> Call:
    """Order the nightly refresh of a login on or off. Answers a bare JSON string."""
    return _call(
        SCHEDULING,
        "PATCH",
        body={"loginId": login_id, "isActivated": on},
        # The documents name no header here; the key does no harm where it is not asked for.
        auth="x_api_key",
        pacing=Pacing.USE,
    )


def delete_card(login_id: str) -> Call:
    """Order Flinks to delete everything about a login."""
    return _call(DELETING, "DELETE", tail=login_id, auth="x_api_key", pacing=Pacing.USE)


def nightly_refresh_status() -> Call:
    """Ask for all logins that dropped out of the nightly refresh."""
    return _call("GetNightlyRefreshStatus", "GET", auth="bearer")


def _authorize(body: Mapping[str, Any], token: str, deadline_s: float) -> Call:
    return _call(
        AUTHORIZING,
        "POST",
        body=body,
        auth="token" if token else "",
        token=token,
        pacing=Pacing.USE,
        deadline_s=deadline_s,
    )


def _data(endpoint: str, request_id: str) -> Call:
    body = {"RequestId": request_id}
    return _call(endpoint, "POST", body=body, auth="x_api_key", deadline_s=DATA_DEADLINE_S)


def _poll(endpoint: str, request_id: str) -> Call:
    return _call(endpoint, "GET", tail=request_id, auth="x_api_key")


def _call(
    endpoint: str,
    method: str,
    *,
    tail: str = "",
    body: Mapping[str, Any] | None = None,
    auth: str = "",
    token: str = "",
    pacing: Pacing = Pacing.FREE,
    deadline_s: float = SHORT_DEADLINE_S,
) -> Call:
    path = f"BankingServices/{endpoint}"
    return Call(
        endpoint=endpoint,
        method=method,
        path=f"{path}/{quote(tail, safe='')}" if tail else path,
        body=body,
        auth=auth,
        token=token,
        pacing=pacing,
        deadline_s=deadline_s,
    )
