"""The redacted reading of what Flinks says, in answers and deliveries alike."""

from typing import Any

from refreshops.providers.contract import Answer, Envelope
from refreshops.providers.flinks import answers
from refreshops.providers.flinks.accounts import accounts_in, transaction_count
from refreshops.providers.flinks.codes import is_in_table
from refreshops.providers.flinks.persons import told, without_persons
from refreshops.providers.redaction import HIDDEN, KEEP, Allowed, Scrubber, keep

KEPT_IN_ANSWER: Allowed = {
    "HttpStatusCode": KEEP,
    "FlinksCode": KEEP,
    "Message": KEEP,
    "RequestId": KEEP,
    "Institution": KEEP,
    "InstitutionName": KEEP,
    "InstitutionId": KEEP,
    "Login": {"Id": KEEP, "IsScheduledRefresh": KEEP, "LastRefresh": KEEP},
    "Links": {"rel": KEEP},
}


def envelope_of(
    answer: Answer, *, clean: Scrubber, minting: bool = False, allowed: Allowed = KEPT_IN_ANSWER
) -> Envelope:
    """Return an answer as the trace keeps it: the fields of `allowed`, cleaned.

    Its `answer` has counts instead of accounts and cards, and `TransportStatus` where the HTTP
    status differs from the body's. `minting` is for the call that brings a token.
    """
    read = answers.read(answer)
    message = told(read, minting=minting, clean=clean)
    code = _shown_code(read, clean)

    def cleaned(text: str) -> str:
        return clean(without_persons(text, answer.body, marker=clean.marker))

    kept = keep(answer.body, allowed=allowed, clean=cleaned) | _counts(answer.body)
    kept |= {name: message for name in kept if name.lower() == "message"}
    kept |= {name: code for name in kept if name.lower() == "flinkscode"}
    if read.status != read.http_status:
        kept["TransportStatus"] = read.http_status
    return Envelope(
        http_status_code=read.status,
        provider_code=code,
        message=message,
        request_id="" if clean.finds_secret(read.request_id) else read.request_id,
        institution=cleaned(read.institution),
        answer=kept,
    )


def _shown_code(read: answers.FlinksAnswer, scrubber: Scrubber) -> str:
    # No letters in a code: it is counted and grouped by.
    if scrubber.finds_secret(read.code):
        return HIDDEN
    return read.code if is_in_table(read.code) else without_persons(read.code, read.body)


def _counts(body: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    accounts = accounts_in(body)
    if accounts is not None:
        counts |= {
            "AccountCount": len(accounts),
            "TransactionCount": transaction_count(accounts),
        }
    cards = answers.ineligible_cards(body)
    if cards is not None:
        counts["IneligibleCardCount"] = len(cards)
    return counts
