"""Small marks with words: outcome, data state, nightly, run state. Never told by colour alone."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose, RunState
from refreshops.rules.outcomes import MEANING_OF, Outcome, Reason

# The badge of what ended here because its provider has nothing that it could be told: the kind and
# the words. A good end, and yet nothing changed there: never green.
HERE_ONLY = ("o-stale", "Done here only")
NOT_ASKED = "Not asked yet"
# Of what nobody has asked about for too long to call it fresh.
WAS_FRESH = "Was fresh"

REASON_WORDS: dict[Reason, str] = {
    Reason.NONE: "",
    Reason.MFA: "security question",
    Reason.CREDENTIALS: "username or password",
    Reason.CONSENT: "consent",
    Reason.BANK_SITE: "something to do at the bank's own site",
    Reason.BUSY: "another session is open",
    Reason.TOO_FAST: "too many requests",
    Reason.KEYS: "our keys",
    Reason.FLOW: "our request",
    Reason.NETWORK: "no answer",
    Reason.BAD_ANSWER: "unreadable answer",
    Reason.CRASHED: "crashed",
    Reason.TOO_LONG: "took too long",
    Reason.NO_TIMESTAMP: "no time of the last refresh",
    Reason.FUTURE_TIMESTAMP: "last refresh in the future",
    Reason.DISABLED: "disabled at the bank",
    Reason.UNKNOWN_LOGIN: "unknown to the provider",
    Reason.SESSION_OVER: "session expired",
    Reason.UNCONFIRMED: "not confirmed",
    Reason.REFUSED: "refused by the provider",
    Reason.PARTIAL: "a part is missing",
    Reason.HERE_ONLY: "here only",
}

DATA_WORDS: dict[DataState, str] = {
    DataState.FRESH: "fresh",
    DataState.STALE_USABLE: "stale, usable",
    DataState.STALE_EXPIRED: "too old to use",
    DataState.NONE: "no data",
}

PURPOSE_WORDS: dict[Purpose, str] = {
    Purpose.REFRESH: "Refresh",
    Purpose.LIVE_REFRESH: "Live refresh",
    Purpose.SWITCH_OFF: "Switch off",
    Purpose.SWITCH_ON: "Switch on",
    Purpose.CHECK_SCHEDULE: "Check schedule",
    Purpose.FORGET: "Forget",
    Purpose.RECONNECT: "Reconnect",
    Purpose.INVITE: "Invite",
    Purpose.CONNECT: "Connect",
}


def mark(kind: str, words: str) -> SafeString:
    """Return a badge: a coloured dot of class `kind` and its words."""
    return format_html('<span class="badge {}"><i></i>{}</span>', kind, words)


# Nothing was refreshed by these: their good end is called otherwise.
NOT_REFRESHING = frozenset(
    {
        Purpose.SWITCH_OFF,
        Purpose.SWITCH_ON,
        Purpose.CHECK_SCHEDULE,
        Purpose.FORGET,
        Purpose.INVITE,
    }
)


def good_end_of(run: Any) -> str:
    """Return what a good end is called in this run, which comes with its provider."""
    here = run.purpose in NOT_REFRESHING and wiring.here_only(
        run.provider.name, Purpose(run.purpose)
    )
    return HERE_ONLY[1] if here else good_end(run.purpose)


def outcome_label_of(outcome: str, run: Any) -> str:
    """Return the two or three words for an outcome in this run, which comes with its provider."""
    return good_end_of(run) if outcome == Outcome.FRESH else outcome_label(outcome, run.purpose)


def good_end(purpose: str) -> str:
    """Return what a good end is called in a run of `purpose`."""
    fresh: str = MEANING_OF[Outcome.FRESH].label
    return "Done" if purpose in NOT_REFRESHING else fresh


def outcome_label(outcome: str, purpose: str = "") -> str:
    """Return the two or three words for an outcome; an unlisted one as it came."""
    if not outcome:
        return NOT_ASKED
    if outcome == Outcome.FRESH:
        return good_end(purpose)
    try:
        return MEANING_OF[Outcome(outcome)].label
    except ValueError:
        return outcome


def outcome_badge(outcome: str, reason: str = "", purpose: str = "") -> SafeString:
    """Return the badge of an outcome with its reason, if any."""
    if (outcome, reason) == (Outcome.FRESH, Reason.HERE_ONLY):
        return mark(*HERE_ONLY)
    words = outcome_label(outcome, purpose)
    finer = reason_words(reason)
    return mark(f"o-{outcome or 'due'}", f"{words}: {finer}" if finer else words)


def was_fresh_badge() -> SafeString:
    """Return the badge of a good outcome that is too old to be one now; never green."""
    return mark("o-due", WAS_FRESH)


def reason_words(reason: str) -> str:
    """Return the finer cause in plain words; an unlisted one as it came."""
    try:
        return REASON_WORDS[Reason(reason)]
    except (ValueError, KeyError):
        return reason.replace("_", " ")


def data_words(state: str) -> str:
    """Return how old the data is that we hold, in words."""
    try:
        return DATA_WORDS[DataState(state)]
    except ValueError:
        return state


def purpose_words(purpose: str) -> str:
    """Return what a run does, in words."""
    try:
        return PURPOSE_WORDS[Purpose(purpose)]
    except ValueError:
        return purpose


def run_badge(state: str) -> SafeString:
    """Return the badge of a run's state."""
    words = {
        RunState.WAITING.value: "waiting",
        RunState.OPEN.value: "running",
        RunState.PAUSED.value: "paused",
        RunState.CLOSED.value: "closed",
        RunState.CANCELLED.value: "cancelled",
    }
    return mark(f"r-{state}", words.get(state, state))


def nightly_badge(login: object) -> SafeString:
    """Return what the provider says of its nightly refresh, loud where it differs from our wish."""
    nightly, status = getattr(login, "nightly", ""), getattr(login, "status", "")
    if getattr(login, "gone_at", None) is not None:
        return mark("n-gone", "gone")
    if nightly == "on" and status == "inactive":
        return mark("n-leak", "still on")
    if nightly == "off" and status == "active":
        return mark("n-off-unwanted", "off there")
    if nightly == "off" and getattr(login, "nightly_verified_at", None) is None:
        return mark("n-unknown", "off, not verified")
    return mark(f"n-{nightly}", "off, verified" if nightly == "off" else nightly or "unknown")
