"""Receipts with the evidence as the provider's own reader judges it."""

from refreshops import wiring
from refreshops.logins.models import Login
from refreshops.routine import receipts
from refreshops.routine.models import Attempt
from refreshops.routine.receipts import EvidenceOf, Receipt


def last_receipt(login: Login) -> Receipt | None:
    """Return the receipt of the login's last order, or None if there was none."""
    attempt = receipts.last_order(Attempt.objects.filter(login=login))
    if attempt is None:
        return None
    return receipts.receipt_of(attempt, evidence_of=evidence_of(attempt.run.provider.name))


def evidence_of(provider_name: str) -> EvidenceOf:
    """Return what tells a provider's order calls from its read-backs."""
    return wiring.provider(provider_name).evidence_of
