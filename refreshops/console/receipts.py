"""Receipts with the evidence as the provider's own reader judges it."""

from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.console.badges import HERE_ONLY, mark
from refreshops.logins.models import Login
from refreshops.routine import receipts
from refreshops.routine.models import Attempt
from refreshops.routine.receipts import Receipt
from refreshops.routine.standing import Standing

# How an order stands for one login: the badge's kind and its words.
STANDING_WORDS: dict[Standing, tuple[str, str]] = {
    Standing.VERIFIED: ("o-fresh", "Verified"),
    Standing.DELETED: ("o-fresh", "Deleted"),
    Standing.HERE_ONLY: HERE_ONLY,
    Standing.UNCONFIRMED: ("o-stale", "Unconfirmed"),
    Standing.REFUSED: ("o-our_config", "Refused"),
    Standing.UNKNOWN_THERE: ("o-login_gone", "Unknown to the provider"),
    Standing.UNDER_WAY: ("o-pending", "Under way"),
    Standing.WAITING: ("o-due", "Waiting to begin"),
    Standing.CALLED_OFF: ("o-cancelled", "Called off"),
}


def last_receipt(login: Login) -> Receipt | None:
    """Return the receipt of the login's last order, or None if there was none."""
    attempt = receipts.last_order(Attempt.objects.filter(login=login))
    if attempt is None:
        return None
    return receipts.receipt_of(attempt, evidence_of=wiring.evidence_of(attempt.run.provider.name))


def receipt_of(attempt: int, *, provider: str) -> Receipt | None:
    """Return the receipt of an order's attempt by its number, or None if it has gone."""
    rows = Attempt.objects.filter(pk=attempt)
    return next(receipts.receipts(rows, evidence_of=wiring.evidence_of(provider)), None)


def standing_badge(standing: Standing) -> SafeString:
    """Return how an order stands for one login, as a badge."""
    return mark(*STANDING_WORDS[standing])
