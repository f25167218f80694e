"""What a login learns from what was heard of it: one way for answers and for deliveries.

The caller holds the login's row, in the transaction that writes the rest. Source: issue 5 D.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from refreshops.logins import cases
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.providers.contract import BankData, Result
from refreshops.routine import cells, turn
from refreshops.routine.models import Attempt
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing import statements

ASKING = frozenset(
    {
        Purpose.REFRESH,
        Purpose.LIVE_REFRESH,
        Purpose.CHECK_SCHEDULE,
        Purpose.RECONNECT,
        Purpose.CONNECT,
    }
)
SWITCHING = frozenset({Purpose.SWITCH_OFF, Purpose.SWITCH_ON})

# Ends at which the provider spoke of the login itself: it knows it.
KNOWS_IT = frozenset(
    {
        Outcome.FRESH,
        Outcome.STALE,
        Outcome.PENDING,
        Outcome.USER_ACTION,
        Outcome.INSTITUTION_UNAVAILABLE,
        Outcome.LOGIN_GONE,
    }
)
# Ends that say how it stands with a login now, whatever an earlier refresh brought.
VERDICTS = frozenset({Outcome.USER_ACTION, Outcome.INSTITUTION_UNAVAILABLE, Outcome.LOGIN_GONE})

# A delivery is tried ten times, half an hour apart: this much later may one arrive.
LATE_BY = timedelta(hours=5)


class Weight(StrEnum):
    """What a delivery changes of a login; the values are what screens say of the others."""

    ALL = ""
    DATA_ONLY = "Its data was kept; a later answer says how the login stands."
    KNOWN = "The same refresh was known already."
    OLDER = "A newer refresh was known already."
    UNDATED = "It does not say of when it is, and a newer answer was there."


def by_attempt(
    attempt: Attempt,
    login: Login,
    result: Result,
    *,
    stored: BankData | None,
    told: str,
    now: datetime,
) -> None:
    """Teach the login of an ended attempt. `stored` is what was kept of the bank data.

    `told` says that a delivery told of a newer refresh than this answer, which then stays
    (`turn.told_of_a_newer_refresh`).
    """
    purpose = Purpose(attempt.purpose)
    fields = _known_there(login, result, purpose, now=now)
    if told:
        result = replace(result, last_refresh_at=None, drops_out_at=None)
    if purpose in ASKING and result.nightly is not None and turn.switched_since(attempt):
        # It rested while an order of ours left: what it heard before proves nothing any more.
        result = replace(result, nightly=None)
    fields |= _learned(login, result, stored=stored, now=now)
    if purpose in SWITCHING:
        fields |= _switched(result, now=now)
    if purpose is Purpose.CHECK_SCHEDULE:
        fields |= _looked_at(login, result, now=now)
    if purpose in ASKING:
        fields |= _asked(result, now=now)
        if not told:
            fields |= _stands(login, result, runs=1, now=now)
        elif told == turn.BEFORE_WE_ASKED and result.outcome in VERDICTS:
            fields |= _stands(login, result, runs=1, now=now)
            # Judged by data that is no longer the newest.
            del fields["data_state"]
        if "outcome" in fields:
            _tell_the_case(login, result, attempt_id=attempt.pk, now=now)
    if fields:
        statements.update_row(Login, where={"id": login.pk}, values=fields)


def by_delivery(
    login: Login, result: Result, *, weight: Weight, stored: BankData | None, now: datetime
) -> None:
    """Teach a login what a delivery says, as far as its weight reaches.

    Nobody asked for it: it counts as no run and as no call of ours. `login` is as it stands now.
    """
    if weight not in (Weight.ALL, Weight.DATA_ONLY):
        return
    fields = _known_there(login, result, Purpose.REFRESH, now=now)
    fields |= _learned(login, result, stored=stored, now=now)
    if weight is Weight.ALL:
        fields |= _stands(login, result, runs=0, now=now)
        _tell_the_case(login, result, attempt_id=None, now=now)
    else:
        fields["data_state"] = result.data_state.value
    statements.update_row(Login, where={"id": login.pk}, values=fields)


def weight_of(login: Login, result: Result, *, received_at: datetime) -> Weight:
    """Say what a delivery may change of a login as it stands now.

    LastRefresh orders what brings data. What brings none has no time of its own, or that of an
    earlier refresh: it counts unless an answer to us came when it may have been under way.
    """
    at, known = result.last_refresh_at, login.last_refresh_at
    asked = login.last_asked_at
    if at is not None and known is not None and at < known:
        return Weight.OLDER
    if result.bank_data is None:
        crossed = asked is not None and asked > received_at - LATE_BY
        return Weight.UNDATED if crossed else Weight.ALL
    if at is None:
        return Weight.ALL if known is None else Weight.UNDATED
    if login.data_as_of is not None and login.data_as_of >= at:
        return Weight.KNOWN
    later_verdict = asked is not None and asked > at and login.outcome in VERDICTS
    return Weight.DATA_ONLY if later_verdict else Weight.ALL


def _learned(
    login: Login, result: Result, *, stored: BankData | None, now: datetime
) -> dict[str, object]:
    """Return what anything heard teaches, whoever set it going."""
    fields: dict[str, object] = {} if stored is None else {"data_as_of": stored.as_of}
    if result.last_refresh_at is not None:
        fields["last_refresh_at"] = result.last_refresh_at
    if result.institution and not login.institution:
        fields["institution"] = result.institution[:100]
        cells.forget(login_id=login.pk)
    if result.nightly is not None:
        fields["nightly"] = (Nightly.ON if result.nightly else Nightly.OFF).value
        fields["nightly_seen_at"] = now
    if result.drops_out_at is not None:
        fields["drops_out_at"] = result.drops_out_at
    return fields


def _known_there(
    login: Login, result: Result, purpose: Purpose, *, now: datetime
) -> dict[str, object]:
    """Since when the provider does not know the login, or that it does.

    A login that has just been forgotten is not known because the provider said "deleted".
    """
    if result.outcome is Outcome.LOGIN_GONE and result.reason is Reason.UNKNOWN_LOGIN:
        return {"gone_at": login.gone_at or now}
    if result.reason is Reason.HERE_ONLY:
        return {}
    spoke_of_it = result.nightly is not None or result.outcome in KNOWS_IT
    return {"gone_at": None} if spoke_of_it and purpose is not Purpose.FORGET else {}


def _looked_at(login: Login, result: Result, *, now: datetime) -> dict[str, object]:
    """Let a look count as read-back: it proves a switch-off, or disproves what was proven once."""
    if result.nightly is None:
        return {}
    # Somebody may have switched the login while we looked.
    status = Login.objects.values_list("status", flat=True).get(pk=login.pk)
    wanted = status == LoginStatus.ACTIVE.value
    if result.nightly is not wanted:
        return {"nightly_verified_at": None}
    return {} if wanted else {"nightly_verified_at": now}


def _switched(result: Result, *, now: datetime) -> dict[str, object]:
    """An order the provider did not confirm leaves us not knowing; that is what we show.

    One that changed only what we do leaves the provider as it was: still on there.
    """
    if result.reason is Reason.HERE_ONLY:
        return {"nightly_verified_at": None}
    if result.nightly is None:
        return {"nightly": Nightly.UNKNOWN.value, "nightly_verified_at": None}
    return {"nightly_verified_at": now if result.verified else None}


def _asked(result: Result, *, now: datetime) -> dict[str, object]:
    heard = result.reason not in (Reason.NETWORK, Reason.CRASHED)
    return {"last_asked_at": now} if heard else {}


def _stands(login: Login, result: Result, *, runs: int, now: datetime) -> dict[str, object]:
    """Return how it stands with a login; `runs` is how many runs this end counts for."""
    fresh = result.outcome is Outcome.FRESH
    repeated = bool(result.provider_code) and result.provider_code == login.provider_code
    fields: dict[str, object] = {
        "outcome": result.outcome.value,
        "outcome_reason": result.reason.value,
        "data_state": result.data_state.value,
        "provider_code": result.provider_code[:80],
        "consecutive_failures": 0 if fresh else login.consecutive_failures + runs,
        "same_code_runs": login.same_code_runs + runs if repeated else 1,
    }
    if fresh:
        fields["fresh_at"] = now
    return fields


def _tell_the_case(login: Login, result: Result, *, attempt_id: int | None, now: datetime) -> None:
    cases.heard(
        login,
        outcome=result.outcome.value,
        reason=result.reason.value,
        provider_code=result.provider_code,
        attempt_id=attempt_id,
        now=now,
    )
