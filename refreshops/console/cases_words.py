"""Reconnect cases in words: what the customer must do, how a case stands, what became of links."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.safestring import SafeString

from refreshops.console.badges import mark
from refreshops.logins.models import ClosedAs, ConnectLink, How, LinkEnd
from refreshops.rules.outcomes import Reason

# Read out by the handbook too: a test compares.
CUSTOMER_STEPS: Mapping[Reason, str] = {
    Reason.MFA: "Answer the bank's security question again",
    Reason.CREDENTIALS: "Type the new user name or password",
    Reason.CONSENT: "Agree to the connection once more",
    Reason.BANK_SITE: "First sign in at the bank's own site, then connect again",
    Reason.NONE: "Connect the bank again",
}

# How the newest link of a case or login stands; kept in the order of what decides.
NO_LINK, MADE, QUEUED, SENT, OPENED, USED, EXPIRED, REVOKED = (
    "",
    "made",
    "queued",
    "sent",
    "opened",
    "used",
    "expired",
    "revoked",
)
LINK_WORDS: Mapping[str, str] = {
    NO_LINK: "none",
    MADE: "made",
    QUEUED: "mail queued",
    SENT: "sent by mail",
    OPENED: "opened",
    USED: "used",
    EXPIRED: "expired",
    REVOKED: "revoked",
}
_LINK_MARKS = {
    USED: "o-fresh",
    OPENED: "o-pending",
    EXPIRED: "o-stale",
    REVOKED: "o-throttled",
    NO_LINK: "o-due",
}


def must_do(reason: str) -> str:
    """Return what the customer must do, by the reason of a case."""
    try:
        return CUSTOMER_STEPS[Reason(reason)]
    except (ValueError, KeyError):
        return CUSTOMER_STEPS[Reason.NONE]


def link_badge(state: str | None) -> SafeString:
    """Return how the newest link stands, never told by colour alone."""
    state = state or NO_LINK
    return mark(_LINK_MARKS.get(state, "o-pending"), LINK_WORDS.get(state, state))


def state_of(link: ConnectLink, *, now: datetime, mailed: str = "") -> str:
    """Return how a link stands; `mailed` is the state of its newest mail, if it has one."""
    if link.ended_at is not None:
        return USED
    if link.revoked_at is not None:
        return REVOKED
    if link.expires_at <= now:
        return EXPIRED
    if link.opened_at is not None:
        return OPENED
    return mailed if mailed in (QUEUED, SENT) else MADE


def end_words(link: ConnectLink) -> str:
    """Return what came of a link in words, or why what came back was refused."""
    return link_end_words(link.ended_as) or link.refused_why


def link_end_words(ended_as: str) -> str:
    """Return what came of a link that has ended; empty for one that has not."""
    return str(dict(LinkEnd.choices).get(ended_as, ended_as))


def closed_words(closed_as: str) -> str:
    """Return how a case was closed."""
    return str(dict(ClosedAs.choices).get(closed_as, closed_as))


def contact_words(how: str) -> str:
    """Return how somebody was in touch, as the beginning of a sentence."""
    named = {How.PHONE.value: "Contact by phone", How.MAIL.value: "Contact by mail"}
    return {**named, How.LINK.value: "Link opened"}.get(how, "Contact")
