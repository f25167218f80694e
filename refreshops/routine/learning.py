"""What an ended attempt leaves behind: its outcome, what the login learned, the run's totals."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.db import transaction

from refreshops.bankdata import snapshots
from refreshops.logins.models import Login, Nightly, PauseKind
from refreshops.providers.contract import Result
from refreshops.routine import (
    cells,
    connecting,
    erasing,
    lanes,
    noting,
    reports,
    suspecting,
    teaching,
    turn,
)
from refreshops.routine.models import RANK_CUSTOMER, Attempt, LostRace, Run
from refreshops.routine.tallies import Tally, tally_closely
from refreshops.rules.freshness import DataState, data_state
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing import statements
from refreshops.tracing.models import Call

KEYS_PAUSE = timedelta(minutes=15)


def finish(attempt: Attempt, result: Result, *, sealed: bytes | None, now: datetime) -> None:
    """End an attempt we hold with what its conversation learned, in the caller's transaction."""
    if attempt.login_id is None and attempt.claimed_login_id:
        result = _confirmed(attempt, result, now=now)
    than, told = result.last_refresh_at, ""
    newer = attempt.login_id is not None and turn.hold_login_and_compare(
        attempt.login_id, than=than
    )
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
    if newer:
        told = turn.told_of_a_newer_refresh(attempt, than=than, now=now)
    if data is not None and sealed is not None and not told:
        kept = snapshots.store(
            login=attempt.login, attempt_id=attempt.pk, data=data, sealed=sealed, now=now
        )
    teaching.by_attempt(
        attempt, attempt.login, result, stored=data if kept else None, told=told, now=now
    )
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
        noted = reports.note(attempt, result.report, now=now)
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
    if login is None or Purpose(attempt.purpose) not in teaching.SWITCHING:
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
