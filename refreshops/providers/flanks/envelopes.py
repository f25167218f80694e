"""The redacted reading of what Flanks says, and of what we asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from refreshops.providers.contract import Answer, Call, Envelope
from refreshops.providers.flanks import answers, meaning, signs
from refreshops.providers.flanks.codes import is_in_table
from refreshops.providers.flanks.turns import told
from refreshops.providers.redaction import HIDDEN, KEEP, Allowed, Scrubber, keep
from refreshops.providers.values import without_values

_PRODUCTS: Allowed = dict.fromkeys(
    ("auth", "account", "card", "portfolio", "investment", "liability", "holders"), KEEP
)
_EXTRACTED: Allowed = {
    "product": _PRODUCTS,
    "transaction": _PRODUCTS,
    "transactions": _PRODUCTS,
}
KEPT_IN_ANSWER: Allowed = {
    "message": KEEP,
    "error": KEEP,
    "error_code": KEEP,
    "trace_id": KEEP,
    "name": KEEP,
    "pending": KEEP,
    "blocked": KEEP,
    "last_update": KEEP,
    "time": KEEP,
    "last_transaction_date": KEEP,
    "errored": _EXTRACTED,
    "created": _EXTRACTED,
    "page": KEEP,
    "pages": KEEP,
    "expires_in": KEEP,
    "token_type": KEEP,
    "scope": KEEP,
    "session": {"status": KEEP, "error_code": KEEP},
}
KEPT_IN_REQUEST: Allowed = {
    "credentials_token": KEEP,
    "ignore_data_error": KEEP,
    "force": KEEP,
    "page": KEEP,
    "grant_type": KEEP,
    "configuration": {"connection_id": KEEP, "redirect_url": KEEP},
}
_MOMENTS = ("last_update_timestamp", "created_at_timestamp")
PRESENT = "present"


def envelope_of(
    call: Call, answer: Answer, *, clean: Scrubber, products: Iterable[str]
) -> Envelope:
    """Return an answer as the trace keeps it: the listed fields, cleaned.

    Counts stand for lists, "present" for a token, and a date and time for a timestamp. Its
    `provider_code` is the error's, or the field of a status that decides.
    """
    read = answers.read(answer)
    message = told(read, clean=clean)

    def cleaned(text: str) -> str:
        return without_values(clean(text), marker=clean.marker)

    body = answer.body
    is_status = call.endpoint == meaning.STATUS and answer.http_status == 200
    status = answers.read_status(body) if is_status and not read.code else None
    sign = signs.of(status, products).name if status else ""
    kept = keep(body, allowed=KEPT_IN_ANSWER, clean=cleaned)
    code = _shown_code(read.code, clean)
    kept |= {name: message for name in ("error", "message") if name in kept and message}
    kept |= {"error_code": code} if code and "error_code" in kept else {}
    return Envelope(
        http_status_code=answer.http_status,
        provider_code=code or sign,
        message=message,
        request_id="" if clean.finds_secret(read.trace_id) else read.trace_id,
        institution=cleaned(status.name) if status else "",
        answer=kept | _told_apart(body) | _counts(body),
    )


def shown_request(call: Call, *, clean: Scrubber) -> dict[str, Any]:
    """Return the listed parameters of a request; a session token shows as present."""
    body = dict(call.body or {})
    kept = keep(body, allowed=KEPT_IN_REQUEST, clean=clean)
    for holder, name in ((body, "credentials_token"), (body.get("configuration"), "connection_id")):
        login_id = holder.get(name) if isinstance(holder, dict) else None
        if answers.matched(answers.LOGIN_ID, login_id) and not clean.finds_secret(str(login_id)):
            # An id is shown as it is, whatever digits it has: it names the login.
            shown = kept if name in kept else kept["configuration"]
            shown[name] = login_id
    configuration = body.get("configuration")
    if isinstance(configuration, dict):
        kept["configuration"] |= _told_apart(configuration)
    return kept


def _shown_code(code: str, clean: Scrubber) -> str:
    # No letters in a code: it is counted and grouped by.
    if clean.finds_secret(code):
        return HIDDEN
    return code if is_in_table(code) else without_values(clean(code))


def _told_apart(body: Any) -> dict[str, Any]:
    """Return which tokens are there, and the timestamps as dates and times in UTC."""
    if not isinstance(body, Mapping):
        return {}
    told: dict[str, Any] = {
        name: PRESENT if body[name] else None for name in answers.TOKENS if name in body
    }
    for name in _MOMENTS:
        at = answers.moment(body.get(name))
        if at is not None:
            told[name] = at.isoformat()
    return told


def _counts(body: Any) -> dict[str, int]:
    items = body.get("items") if isinstance(body, dict) else body
    return {"item_count": len(items)} if isinstance(items, list) else {}
