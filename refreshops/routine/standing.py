"""How one login of an order stands, told by its attempt alone: the word a receipt gives."""

from enum import StrEnum

from refreshops.routine.models import OPEN_ATTEMPT
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState
from refreshops.rules.outcomes import Outcome, Reason


class Standing(StrEnum):
    """What an order has come to for one login, the good ends first."""

    VERIFIED = "verified"
    DELETED = "deleted"
    HERE_ONLY = "here_only"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    UNKNOWN_THERE = "unknown_there"
    UNDER_WAY = "under_way"
    WAITING = "waiting"
    CALLED_OFF = "called_off"


# The order may have been carried out, and no answer says so.
_SILENT = frozenset(
    {Reason.UNCONFIRMED, Reason.CRASHED, Reason.NETWORK, Reason.BAD_ANSWER, Reason.TOO_LONG}
)


def standing_of(
    *,
    run_state: str,
    purpose: str,
    state: str,
    outcome: str,
    outcome_reason: str,
    verified: bool,
    waits_for: str,
    begun: bool,
) -> Standing:
    """Return how an attempt of an order stands.

    `begun` says that a call was made for it. Nothing is called done without the provider's word:
    an order called off after it was sent counts as unconfirmed, and one that its provider has no
    switch for as done here only.
    """
    if state == AttemptState.CANCELLED:
        return Standing.UNCONFIRMED if begun else Standing.CALLED_OFF
    if state in OPEN_ATTEMPT:
        if run_state == RunState.WAITING:
            return Standing.WAITING
        return Standing.UNCONFIRMED if waits_for and begun else Standing.UNDER_WAY
    if verified:
        return Standing.VERIFIED
    if outcome == Outcome.FRESH and outcome_reason == Reason.HERE_ONLY:
        return Standing.HERE_ONLY
    if outcome == Outcome.FRESH:
        return Standing.DELETED if purpose == Purpose.FORGET else Standing.UNCONFIRMED
    if outcome == Outcome.LOGIN_GONE:
        return Standing.UNKNOWN_THERE
    silent = outcome_reason in _SILENT or outcome == Outcome.PROVIDER_FAULT
    return Standing.UNCONFIRMED if silent else Standing.REFUSED
