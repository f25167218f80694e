"""What Flinks's support is told of a traced call: cleaned words, and what we had expected instead.

The trace is clean already; this cleans it once more, for rows that older rules let through.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from refreshops.providers.flinks import calls
from refreshops.providers.flinks.client import KEPT_IN_REQUEST
from refreshops.providers.flinks.codes import explain
from refreshops.providers.flinks.envelopes import KEPT_IN_ANSWER
from refreshops.providers.flinks.persons import without_values
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import KEEP, Allowed, Scrubber, keep, names_of
from refreshops.rules.outcomes import Outcome

# As long as the longest text of a trace.
LONGEST = 2100

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
_FINE = (Outcome.FRESH, Outcome.PENDING)


class Ticket:
    """Implements `handing_out.Words` for Flinks."""

    title = "Flinks"

    def __init__(
        self, *, secrets: Iterable[str] = (), marker: Marker = PLAIN, amounts: bool = False
    ) -> None:
        """Tell with `amounts` whether it may be said how much bank data an answer held."""
        self._scrubber = Scrubber(secrets=secrets, limit=LONGEST, marker=marker)
        self._answer = {**KEPT_IN_ANSWER, **_COUNTS, **(_AMOUNTS if amounts else {})}
        self.kept_of_requests = names_of(KEPT_IN_REQUEST)
        self.kept_of_answers = names_of(self._answer)

    def address(self, url: str) -> str:
        """Return where a call went: our own words but for ids, so only keys are looked for."""
        return self._scrubber.without_secrets(url)

    def cleaned(self, text: str) -> str:
        """Return a code or a name as it may be handed out."""
        return self._scrubber(text)

    def said(self, text: str) -> str:
        """Return a message as it may be handed out: without values and people, too."""
        return without_values(self._scrubber(text), marker=self._scrubber.marker)

    def request(self, body: Any) -> dict[str, Any]:
        """Return the listed parameters."""
        return keep(body, allowed=KEPT_IN_REQUEST, clean=self.cleaned)

    def answer(self, body: Any) -> dict[str, Any]:
        """Return the listed fields of an answer."""
        kept = keep(body, allowed=self._answer, clean=self.cleaned)
        spoken = {name: kept[name] for name in kept if name.lower() == "message"}
        return kept | {name: self._said_of(value) for name, value in spoken.items()}

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
        return "" if row.outcome in _FINE and not aged else _expected_of(endpoint, body)

    def _said_of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._said_of(one) for one in value]
        return self.said(value) if isinstance(value, str) else value


def _expected_of(endpoint: str, body: Mapping[str, Any]) -> str:
    if endpoint == calls.AUTHORIZING and body.get("MostRecentCached") is False:
        return _LIVE
    return EXPECTED.get(endpoint, "A documented answer.")
