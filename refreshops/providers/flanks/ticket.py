"""What Flanks's support is told of a traced call, and what we had expected instead."""

from collections.abc import Mapping
from typing import Any

from refreshops.providers.flanks import answers, meaning
from refreshops.providers.flanks.codes import explain
from refreshops.providers.flanks.envelopes import KEPT_IN_ANSWER, KEPT_IN_REQUEST
from refreshops.providers.redaction import KEEP, Allowed
from refreshops.providers.tickets import FINE, BaseTicket
from refreshops.rules.outcomes import Outcome, Reason

# What the trace says in words of its own: tokens as present, timestamps as dates.
_TOLD_APART: Allowed = dict.fromkeys(
    (*answers.TOKENS, "last_update_timestamp", "created_at_timestamp"), KEEP
)
_CONFIGURED: Allowed = dict.fromkeys(
    ("connection_id", "redirect_url", "sca_token", "reset_token"), KEEP
)
_DATA = "HTTP 200 with a list, which may be empty."

EXPECTED = {
    meaning.TOKEN: "HTTP 200 with an access_token.",
    meaning.STATUS: "HTTP 200 with a status that needs nobody, updated within the last day.",
    meaning.FORCE: "HTTP 200 with the token that was asked for.",
    meaning.LIST: "HTTP 200 with a page of credentials.",
    meaning.DELETE: "HTTP 200, and the credentials deleted.",
    meaning.CREATE_SESSION: "HTTP 200 with a session_id.",
}
# Nothing is wrong at Flanks when its customer must act.
_AS_DOCUMENTED = frozenset({Reason.CREDENTIALS, Reason.MFA})


class Ticket(BaseTicket):
    """Implements `handing_out.Words` for Flanks."""

    title = "Flanks"
    requests = {**KEPT_IN_REQUEST, "configuration": _CONFIGURED}
    answers = {**KEPT_IN_ANSWER, **_TOLD_APART}
    amounts_of: Allowed = {"item_count": KEEP}
    spoken = frozenset({"message", "error"})

    def request(self, body: Any) -> dict[str, Any]:
        """Return the listed parameters; the id of the login stays whole: support needs it."""
        kept = super().request(body)
        said = body.get("credentials_token") if isinstance(body, dict) else None
        if answers.matched(answers.LOGIN_ID, said) and not self._scrubber.finds_secret(str(said)):
            kept["credentials_token"] = said
        return kept

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
        """Return what we had expected instead of this answer; empty when it was as expected."""
        row = explain(code=code, message=message, http_status=http_status, endpoint=endpoint)
        aged = stale and endpoint == meaning.STATUS
        if row.outcome in FINE and not aged:
            return ""
        if row.outcome is Outcome.USER_ACTION and row.reason in _AS_DOCUMENTED and not aged:
            return ""
        return EXPECTED.get(endpoint, _DATA)
