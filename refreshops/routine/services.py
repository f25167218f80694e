"""Orders of people: switching, pausing, resuming, cancelling and retrying.

A refusal is an exception with a sentence for people. `opening` holds how runs come to be.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, LoginStatus, PauseKind, Provider
from refreshops.routine import lanes, learning
from refreshops.routine.models import OPEN_RUN, Attempt, LostRace, Run
from refreshops.routine.moving import hand_back
from refreshops.routine.opening import (
    NothingToDo,
    Opened,
    Order,
    ReasonMissing,
    Refused,
    RunAlreadyClosed,
    call_off,
    chunks,
    in_order,
    open_daily,
    open_order,
    open_run,
)
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose, RunState
from refreshops.rules.outcomes import MEANING_OF

__all__ = [
    "NothingToDo",
    "Opened",
    "ReasonMissing",
    "Refused",
    "RunAlreadyClosed",
    "cancel_run",
    "open_daily",
    "open_run",
    "pause_provider",
    "pause_run",
    "resume_provider",
    "resume_run",
    "retry_failed",
    "switch",
]


def switch(
    *,
    logins: QuerySet[Login],
    on: bool,
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
) -> list[Opened]:
    """Order the nightly refresh on or off: one run a provider.

    The logins count as (in)active here at once; as on or off *at the provider* only when it said
    so. Waiting refreshes and contrary orders of the same logins are called off. Source: seed 003.
    """
    if not reason.strip():
        raise ReasonMissing("Say why: the reason stands on the receipt.")
    purpose = Purpose.SWITCH_ON if on else Purpose.SWITCH_OFF
    order = Order(purpose, by, reason, now, local_date, window)
    providers = Provider.objects.filter(pk__in=logins.values("provider_id").distinct())
    with transaction.atomic():
        chosen = [(provider, in_order(logins.filter(provider=provider))) for provider in providers]
        if not chosen:
            raise NothingToDo("No login was chosen.")
        for _, keys in chosen:
            for chunk in chunks(sorted(keys)):
                _mark(chunk, order, on=on)
        return [open_order(provider, keys, order) for provider, keys in chosen]


def _mark(keys: list[int], order: Order, *, on: bool) -> None:
    """Note the wish on the logins and call off what speaks against it.

    Logins are locked first and in order, as every end of an attempt does: no deadlock.
    """
    list(Login.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))
    Login.objects.filter(pk__in=keys).update(
        status=LoginStatus.ACTIVE if on else LoginStatus.INACTIVE,
        status_changed_at=order.now,
        status_changed_by=order.by,
        status_reason=order.reason.strip()[:500],
        nightly_verified_at=None,
    )
    against = (
        {Purpose.SWITCH_OFF} if on else {Purpose.REFRESH, Purpose.LIVE_REFRESH, Purpose.SWITCH_ON}
    )
    Attempt.objects.filter(
        login_id__in=keys,
        purpose__in=[purpose.value for purpose in against],
        state=AttemptState.DUE.value,
    ).update(
        state=AttemptState.CANCELLED.value,
        finished_at=order.now,
        message=f"Called off: the nightly refresh was ordered {'on' if on else 'off'}.",
    )


def pause_run(run: Run, *, by: Any, why: str, now: datetime) -> None:
    """Pause an open run; raise `ReasonMissing`, `RunAlreadyClosed`."""
    if not why.strip():
        raise ReasonMissing("Say why the run is paused; the next person will want to know.")
    _move(run, RunState.PAUSED, now=now, why=f"Paused by {by}: {why.strip()}")


def resume_run(run: Run, *, by: Any, now: datetime) -> None:
    """Let a paused run go on; raise `RunAlreadyClosed`."""
    _move(run, RunState.OPEN, now=now, why=f"Resumed by {by}")


def cancel_run(run: Run, *, by: Any, why: str, now: datetime) -> int:
    """Cancel a run; return how many logins will not be asked. Raise as `pause_run`."""
    if not why.strip():
        raise ReasonMissing("Say why the run is cancelled; it cannot be opened again.")
    with transaction.atomic():
        _move(run, RunState.CANCELLED, now=now, why=f"Cancelled by {by}: {why.strip()}")
        hand_back(run)
        left = call_off(run, now=now)
        Run.objects.filter(pk=run.pk).update(totals=learning.totals_of(run.pk))
    return left


def _move(run: Run, wanted: RunState, *, now: datetime, why: str) -> None:
    run.refresh_from_db(fields=["state"])
    if run.state == wanted.value:
        return
    if run.state not in OPEN_RUN:
        raise RunAlreadyClosed(f"Run {run.pk} has ended ({run.state}); nothing was changed.")
    try:
        run.step_to(wanted, at=now, why=why)
    except LostRace as lost:
        raise RunAlreadyClosed(f"Run {run.pk} was just changed by somebody else.") from lost


def retry_failed(
    run: Run, *, by: Any, now: datetime, local_date: date, window: timedelta
) -> Opened:
    """Open a new run over exactly the retryable attempts of `run`.

    Never the successes, never `user_action` or `login_gone`: repeats lock bank logins (design.md
    section 7, fact 9). Raise `NothingToDo` when none is left.
    """
    outcomes = [row.outcome.value for row in MEANING_OF.values() if row.retryable_by_order]
    failed = Attempt.objects.filter(
        run=run, state=AttemptState.DONE.value, outcome__in=outcomes, login__isnull=False
    )
    wanted_status = (
        LoginStatus.INACTIVE if run.purpose == Purpose.SWITCH_OFF.value else LoginStatus.ACTIVE
    )
    logins = Login.objects.filter(pk__in=failed.values("login_id"), status=wanted_status)
    return open_run(
        provider=run.provider,
        purpose=Purpose(run.purpose),
        logins=logins,
        by=by,
        reason=f"Retry of the failed logins of run {run.pk}",
        now=now,
        local_date=local_date,
        window=window,
        origin=Origin.RETRY,
        retry_of=run,
    )


def pause_provider(provider: Provider, *, by: Any, why: str, now: datetime) -> None:
    """Stop every call to a provider until somebody resumes it; raise `ReasonMissing`."""
    if not why.strip():
        raise ReasonMissing("Say why the provider is paused; the next person will want to know.")
    lanes.pause(
        provider_id=provider.pk,
        kind=PauseKind.PERSON,
        why=why.strip(),
        now=now,
        by_id=getattr(by, "pk", None),
    )


def resume_provider(provider: Provider) -> bool:
    """Let calls go out again; False when the provider was not paused."""
    return lanes.resume(provider_id=provider.pk)
