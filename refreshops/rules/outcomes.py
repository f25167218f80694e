"""The ten outcomes an attempt can end as, who acts on each, and when it may be asked again.

Pure vocabulary. What a provider's answer means is decided in that provider's `codes.py`.
Source: reference/outcomes.md section 5.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What an attempt ended as."""

    FRESH = "fresh"
    STALE = "stale"
    PENDING = "pending"
    USER_ACTION = "user_action"
    INSTITUTION_UNAVAILABLE = "institution_unavailable"
    THROTTLED = "throttled"
    LOGIN_GONE = "login_gone"
    OUR_CONFIG = "our_config"
    PROVIDER_FAULT = "provider_fault"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """The finer cause beside an outcome; empty where the outcome says it all."""

    NONE = ""
    MFA = "mfa"
    CREDENTIALS = "credentials"
    CONSENT = "consent"
    BANK_SITE = "bank_site"
    BUSY = "busy"
    TOO_FAST = "too_fast"
    KEYS = "keys"
    FLOW = "flow"
    NETWORK = "network"
    BAD_ANSWER = "bad_answer"
    CRASHED = "crashed"
    TOO_LONG = "too_long"
    NO_TIMESTAMP = "no_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    DISABLED = "disabled"
    UNKNOWN_LOGIN = "unknown_login"
    SESSION_OVER = "session_over"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    # Part of the data failed at the provider; the rest is good.
    PARTIAL = "partial"
    # The provider has no such switch: the order changed only what we do.
    HERE_ONLY = "here_only"


class Actor(StrEnum):
    """Whose move it is."""

    NOBODY = "nobody"
    OPERATIONS = "operations"
    CUSTOMER = "customer"
    ACCOUNT_MANAGER = "account manager"
    PROVIDER = "provider"


class Retry(StrEnum):
    """When the same login may be asked again without a person's order."""

    NEXT_RUN = "next run"
    POLL = "poll"
    ONCE_AT_ONCE = "once, at once"
    AFTER_PAUSE = "after a pause"
    NEVER = "never"


@dataclass(frozen=True)
class OutcomeMeaning:
    """One row of the outcome table, in words for people.

    `label` is two or three words for a badge, `meaning` and `next_step` one sentence each.
    `awaits_person` is true where nothing gets better until somebody acts.
    `retryable_by_order` is true where "retry failed only" may pick it up.
    """

    outcome: Outcome
    label: str
    meaning: str
    actor: Actor
    retry: Retry
    next_step: str
    awaits_person: bool
    retryable_by_order: bool


OUTCOME_TABLE: tuple[OutcomeMeaning, ...] = (
    OutcomeMeaning(
        Outcome.FRESH,
        "Fresh",
        "The provider refreshed this login within the time we ask for.",
        Actor.NOBODY,
        Retry.NEXT_RUN,
        "Nothing to do.",
        awaits_person=False,
        retryable_by_order=False,
    ),
    OutcomeMeaning(
        Outcome.STALE,
        "Stale",
        "The provider reports success, but its last refresh is older than we accept.",
        Actor.OPERATIONS,
        Retry.NEXT_RUN,
        "Look whether the nightly refresh is on at the provider; "
        "after a second night open a ticket with the provider.",
        awaits_person=True,
        retryable_by_order=True,
    ),
    OutcomeMeaning(
        Outcome.PENDING,
        "Pending",
        "The provider is still working on this login.",
        Actor.NOBODY,
        Retry.POLL,
        "Wait; we keep asking until the answer is there.",
        awaits_person=False,
        retryable_by_order=False,
    ),
    OutcomeMeaning(
        Outcome.USER_ACTION,
        "Customer must act",
        "Only the customer can repair this connection.",
        Actor.CUSTOMER,
        Retry.NEVER,
        "Ask the customer to connect again; we never retry: repeats can lock a bank login.",
        awaits_person=True,
        retryable_by_order=False,
    ),
    OutcomeMeaning(
        Outcome.INSTITUTION_UNAVAILABLE,
        "Bank unavailable",
        "The bank was down, in maintenance or refused the connection.",
        Actor.NOBODY,
        Retry.NEXT_RUN,
        "Wait for the next night; after three nights tell the provider.",
        awaits_person=False,
        retryable_by_order=True,
    ),
    OutcomeMeaning(
        Outcome.THROTTLED,
        "Throttled",
        "We were too fast, or another session was open for this login.",
        Actor.NOBODY,
        Retry.AFTER_PAUSE,
        "Nothing to do; we wait and ask again.",
        awaits_person=False,
        retryable_by_order=True,
    ),
    OutcomeMeaning(
        Outcome.LOGIN_GONE,
        "Login gone",
        "This login cannot be refreshed any more: unknown, deleted, or closed at the bank.",
        Actor.ACCOUNT_MANAGER,
        Retry.NEVER,
        "Ask the customer for a new connection, or switch the login off.",
        awaits_person=True,
        retryable_by_order=False,
    ),
    OutcomeMeaning(
        Outcome.OUR_CONFIG,
        "Ours to fix",
        "Our keys, our settings or our request were not accepted.",
        Actor.OPERATIONS,
        Retry.NEVER,
        "Read the provider's message on the call, correct the setting, then retry.",
        awaits_person=True,
        retryable_by_order=True,
    ),
    OutcomeMeaning(
        Outcome.PROVIDER_FAULT,
        "Provider fault",
        "The provider failed, did not answer, or answered something unreadable.",
        Actor.PROVIDER,
        Retry.NEXT_RUN,
        "Wait for the next run; after two runs send the provider a ticket with the call.",
        awaits_person=False,
        retryable_by_order=True,
    ),
    OutcomeMeaning(
        Outcome.UNKNOWN,
        "Unknown code",
        "The provider sent a code that is not in our table.",
        Actor.OPERATIONS,
        Retry.NEXT_RUN,
        "Read the call, ask the provider what the code means, and have it added to the table.",
        awaits_person=True,
        retryable_by_order=True,
    ),
)

MEANING_OF: dict[Outcome, OutcomeMeaning] = {row.outcome: row for row in OUTCOME_TABLE}
