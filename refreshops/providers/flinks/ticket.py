"""What Flinks's support is told of a traced call, and what we had expected instead."""

from collections.abc import Mapping
from typing import Any

from refreshops.providers.flinks import calls
from refreshops.providers.flinks.client import KEPT_IN_REQUEST
from refreshops.providers.flinks.codes import explain
from refreshops.providers.flinks.envelopes import KEPT_IN_ANSWER
from refreshops.providers.flinks.persons import without_values
from refreshops.providers.redaction import KEEP, Allowed
from refreshops.providers.tickets import FINE, BaseTicket

_COUNTS: Allowed = dict.fromkeys(("IneligibleCardCount", "TransportStatus"), KEEP)
_AMOUNTS: Allowed = dict.fromkeys(("AccountCount", "TransactionCount"), KEEP)
_DATA = "HttpStatusCode 200 with the accounts, or 202 while they are being prepared."
_POLLED = "HttpStatusCode 200 with the accounts within 30 minutes of the first 202."
_CACHED = "HttpStatusCode 200 with a RequestId, and a LastRefresh of the last night."
_LIVE = "HttpStatusCode 200 with a RequestId, without a question to the customer."

EXPECTED = {
    calls.MINTING: "HttpStatusCode 200 with a token.",
    calls.AUTHORIZING: _CACHED,
    calls.SUMMARISING: _DATA,
    "GetAccountsDetail": _DATA,
    "GetAccountsDetailAsync": _POLLED,
    "GetAccountsSummaryAsync": _POLLED,
    calls.SCHEDULING: "HTTP 200, and the nightly refresh as IsActivated says.",
    calls.DELETING: "HttpStatusCode 200, and the LoginId deleted.",
    "GetNightlyRefreshStatus": "HTTP 200 with the logins that the nightly refresh leaves out.",
}


class Ticket(BaseTicket):
    """Implements `handing_out.Words` for Flinks."""

    title = "Flinks"
    requests = KEPT_IN_REQUEST
    answers = {**KEPT_IN_ANSWER, **_COUNTS}
    amounts_of = _AMOUNTS

    def said(self, text: str) -> str:
        """Return a message as it may be handed out: without values and people, too."""
        return without_values(self._scrubber(text), marker=self._scrubber.marker)

    def expected(
        self,
        *,
        endpoint: str,
        body: Mapping[str, Any],
        code: str,
        message: str,
        http_status: int | None,
        stale: bool,
    ) -> str:
        """Return what we had expected instead of this answer; empty when it was as expected.

        No code and no status: no answer came. `stale`: its attempt found data that is too old.
        """
        row = explain(code=code, message=message, http_status=http_status, endpoint=endpoint)
        aged = stale and endpoint == calls.AUTHORIZING
        return "" if row.outcome in FINE and not aged else _expected_of(endpoint, body)


def _expected_of(endpoint: str, body: Mapping[str, Any]) -> str:
    if endpoint == calls.AUTHORIZING and body.get("MostRecentCached") is False:
        return _LIVE
    return EXPECTED.get(endpoint, "A documented answer.")
