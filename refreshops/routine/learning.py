"""What an ended attempt leaves behind: its outcome, what the login learned, the run's totals."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.db import transaction

from refreshops.bankdata import snapshots
from refreshops.logins import cases
from refreshops.logins.models import Login, LoginStatus, Nightly, PauseKind
from refreshops.logins.unknown import note_report
from refreshops.providers.contract import BankData, Result
from refreshops.routine import cells, connecting, erasing, lanes, noting, suspecting, turn
from refreshops.routine.models import RANK_CUSTOMER, Attempt, LostRace, Run
from refreshops.routine.tallies import Tally, tally_closely
from refreshops.rules.freshness import DataState, data_state
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing import statements
from refreshops.tracing.models import Call

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
KEYS_PAUSE = timedelta(minutes=15)


def finish(attempt: Attempt, result: Result, *, sealed: bytes | None, now: datetime) -> None:
    """End an attempt we hold with what its conversation learned, in the caller's transaction."""
    if attempt.login_id is None and attempt.claimed_login_id:
        result = _confirmed(attempt, result, now=now)
    if attempt.login_id is not None:
        turn.hold_login(attempt.login_id)
    attempt.step_to(
        AttemptState.DONE,
        outcome=result.outcome.value,
        outcome_reason=result.reason.value,
        data_state=result.data_state.value,
        provider_code=result.provider_code[:80],
        message=result.message[:500],
        verified=result.verified,
        finished_at=now,
        conversation={},
        waits_for="",
        lease_token="",
        lease_until=None,
        slot=None,
        starts=0,
    )
    if attempt.login is None:
        if attempt.purpose in (Purpose.INVITE.value, Purpose.CONNECT.value):
            connecting.settle(attempt, result, sealed=sealed, now=now)
        else:
            _heard_of_the_provider(attempt, result, now=now)
        return
    data, kept = result.bank_data, None
    if data is not None and sealed is not None:
        kept = snapshots.store(
            login=attempt.login, attempt_id=attempt.pk, data=data, sealed=sealed, now=now
        )
    _teach(attempt, attempt.login, result, stored=data if kept else None, now=now)
    erasing.forgotten(attempt, now=now)
    if attempt.rank == RANK_CUSTOMER:
        connecting.settle(attempt, result, sealed=sealed, now=now)
    if result.outcome is Outcome.LOGIN_GONE:
        suspecting.our_customer_id(attempt, now=now)


def _confirmed(attempt: Attempt, result: Result, *, now: datetime) -> Result:
    """Register the login that a customer brought back, or say why it was not."""
    why = connecting.register(attempt, result, now=now)
    if not why:
        return result
    if result.outcome not in connecting.CAME_WELL:
        return replace(result, bank_data=None)
    return replace(
        result, outcome=Outcome.UNKNOWN, reason=Reason.REFUSED, message=why, bank_data=None
    )


def _heard_of_the_provider(attempt: Attempt, result: Result, *, now: datetime) -> None:
    """Keep what the one call about the provider as a whole told."""
    if result.report is not None:
        noted = note_report(attempt.run.provider, result.report, now=now)
        # Counts: the report itself may name every login of the provider.
        _note(attempt.run_id, nightly=asdict(noted))
    if result.reason is Reason.KEYS:
        _pause_for_our_key(attempt, result, now=now)


def unlearn_flag(attempt: Attempt, *, wait: bool = True) -> None:
    """Forget what we knew of a flag that we ordered switched, in the caller's transaction.

    The order is leaving us, or has left, and no read-back is there yet: the provider may obey or
    not, and the attempt may be called off, or its worker die, before anybody knows. Who holds the
    attempt's row already must not `wait` for the login's; raise `LostRace` when somebody has it.
    """
    login = attempt.login
    if login is None or Purpose(attempt.purpose) not in SWITCHING:
        return
    if login.nightly != Nightly.UNKNOWN:
        if not turn.hold_login(login.pk, wait=wait):
            raise LostRace(f"login {login.pk}")
        statements.update_row(
            Login, where={"id": login.pk}, values={"nightly": Nightly.UNKNOWN.value}
        )


def give_up(
    attempt: Attempt, *, outcome: Outcome, reason: Reason, message: str, now: datetime
) -> None:
    """End an attempt without an answer to reason about."""
    result = Result(outcome, held_state(attempt, now=now), reason=reason, message=message)
    finish(attempt, result, sealed=None, now=now)


def held_state(attempt: Attempt, *, now: datetime) -> DataState:
    """Judge the data we hold already for the attempt's login."""
    provider = attempt.run.provider
    return data_state(
        refreshed_at=attempt.login.data_as_of if attempt.login else None,
        now=now,
        fresh_within=provider.fresh_within,
        usable_within=provider.usable_within,
    )


def _teach(
    attempt: Attempt, login: Login, result: Result, *, stored: BankData | None, now: datetime
) -> None:
    fields: dict[str, object] = {} if stored is None else {"data_as_of": stored.as_of}
    purpose = Purpose(attempt.purpose)
    fields |= _known_there(login, result, purpose, now=now)
    if purpose in ASKING and result.nightly is not None and turn.switched_since(attempt):
        # It rested while an order of ours left: what it heard before proves nothing any more.
        result = replace(result, nightly=None)
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
    if purpose in SWITCHING:
        fields |= _switched(result, now=now)
    if purpose is Purpose.CHECK_SCHEDULE:
        fields |= _looked_at(login, result, now=now)
    if purpose in ASKING:
        fields |= _asked(login, result, now=now)
        cases.heard(
            login,
            outcome=result.outcome.value,
            reason=result.reason.value,
            provider_code=result.provider_code,
            attempt_id=attempt.pk,
            now=now,
        )
    if fields:
        statements.update_row(Login, where={"id": login.pk}, values=fields)


def _known_there(
    login: Login, result: Result, purpose: Purpose, *, now: datetime
) -> dict[str, object]:
    """Since when the provider does not know the login, or that it does.

    A login that has just been forgotten is not known because the provider said "deleted".
    """
    if result.outcome is Outcome.LOGIN_GONE and result.reason is Reason.UNKNOWN_LOGIN:
        return {"gone_at": login.gone_at or now}
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
    """An order the provider did not confirm leaves us not knowing; that is what we show."""
    if result.nightly is None:
        return {"nightly": Nightly.UNKNOWN.value, "nightly_verified_at": None}
    return {"nightly_verified_at": now if result.verified else None}


def _asked(login: Login, result: Result, *, now: datetime) -> dict[str, object]:
    fresh = result.outcome is Outcome.FRESH
    repeated = bool(result.provider_code) and result.provider_code == login.provider_code
    fields: dict[str, object] = {
        "outcome": result.outcome.value,
        "outcome_reason": result.reason.value,
        "data_state": result.data_state.value,
        "provider_code": result.provider_code[:80],
        "consecutive_failures": 0 if fresh else login.consecutive_failures + 1,
        "same_code_runs": login.same_code_runs + 1 if repeated else 1,
    }
    if fresh:
        fields["fresh_at"] = now
    if result.reason not in (Reason.NETWORK, Reason.CRASHED):
        fields["last_asked_at"] = now
    return fields


def _pause_for_our_key(attempt: Attempt, result: Result, *, now: datetime) -> None:
    """Pause when the key of the provider's report was refused; it concerns no login."""
    lanes.pause(
        provider_id=attempt.run.provider_id,
        kind=PauseKind.KEYS,
        why=f"The key for the provider's own report was refused: {result.message or 'no message'}",
        now=now,
        resume_at=now + KEYS_PAUSE,
    )


def _note(run_id: int, **facts: object) -> None:
    """Add facts to a run's report."""
    report = Run.objects.values_list("report", flat=True).get(pk=run_id)
    Run.objects.filter(pk=run_id).update(report=report | facts)


def keep_totals(run_id: int) -> dict[str, object]:
    """Count a run's attempts and calls, keep that with the run, and return its totals.

    `outcomes`, `data_states`, `done`, `cancelled`, `due`, `calling`, `calls`; the cells of its
    matrix are kept beside them. The one call about the provider as a whole is not a login and is
    not counted as one.
    """
    tally = tally_closely(Attempt.objects.all(), run=run_id)
    totals = totals_of(run_id, tally)
    with transaction.atomic():
        Run.objects.filter(pk=run_id).update(totals=totals)
        cells.keep(run_id, tally.cells)
    return totals


def totals_of(run_id: int, tally: Tally) -> dict[str, object]:
    """Return what an ended run keeps of what was counted, with the number of its calls."""
    return {
        "done": tally.done,
        "cancelled": tally.cancelled,
        "due": tally.due,
        "calling": tally.calling,
        "outcomes": dict(tally.outcomes),
        "data_states": dict(tally.data_states),
        "calls": Call.objects.filter(run_id=run_id).count(),
    }


def close_run(run: Run, *, now: datetime, why: str = "") -> None:
    """Close a run and keep its totals, both or neither; raise `LostRace` when it was closed."""
    with transaction.atomic():
        run.step_to(RunState.CLOSED, at=now, why=why or run.state_reason)
        run.totals = keep_totals(run.pk)
        noting.ended(run, at=now, why=why)
