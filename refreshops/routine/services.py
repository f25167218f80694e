"""Orders of people: switching, pausing, resuming, cancelling and retrying.

A refusal is an exception with a sentence for people. `opening` holds how runs come to be.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, PauseKind, Provider
from refreshops.routine import lanes, learning, noting, waiting
from refreshops.routine.marking import hold
from refreshops.routine.models import OPEN_RUN, Attempt, LostRace, Run
from refreshops.routine.moving import hand_back
from refreshops.routine.opening import (
    AlreadyOrdered,
    NothingToDo,
    Opened,
    Order,
    ReasonMissing,
    Refused,
    RunAlreadyClosed,
    call_off,
    open_daily,
    open_run,
)
from refreshops.routine.ordering import place
from refreshops.routine.retrying import logins_to_retry
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose, RunState
from refreshops.tracing.events import Action

__all__ = [
    "AlreadyOrdered",
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
    starts_at: datetime | None = None,
    approval_above: int | None = None,
) -> list[Opened]:
    """Order the nightly refresh on or off: one run a provider.

    When it begins, the logins count as (in)active here; as on or off *at the provider* only when it
    said so. Waiting refreshes and contrary orders of the same logins are called off then. It begins
    at once, unless it has a date or is for more than `approval_above` logins (`ordering.place`,
    which says what it raises). Source: seed 003, issue 3 B.
    """
    purpose = Purpose.SWITCH_ON if on else Purpose.SWITCH_OFF
    order = Order(purpose, by, reason, now, local_date, window, starts_at=starts_at)
    if on:
        # Nobody brings back what a customer had us forget.
        logins = logins.filter(customer__erasure_asked_at__isnull=True)
    return place(logins, order, approval_above=approval_above)


def pause_run(run: Run, *, by: Any, why: str, now: datetime) -> bool:
    """Pause an open run; False when it was paused already. Raise `ReasonMissing`,
    `RunAlreadyClosed`.
    """
    if not why.strip():
        raise ReasonMissing("Say why the run is paused; the next person will want to know.")
    with transaction.atomic():
        moved = _move(
            run, RunState.PAUSED, now=now, why=f"Paused by {noting.called(by)}: {why.strip()}"
        )
        if moved:
            noting.done_to(run, Action.PAUSE_RUN, by=by, at=now, reason=why)
    return moved


def resume_run(run: Run, *, by: Any, now: datetime) -> bool:
    """Let a paused run go on; False when it did already. Raise `RunAlreadyClosed`."""
    with transaction.atomic():
        moved = _move(run, RunState.OPEN, now=now, why="")
        if moved:
            noting.done_to(run, Action.RESUME_RUN, by=by, at=now)
    return moved


def cancel_run(run: Run, *, by: Any, why: str, now: datetime) -> int:
    """Cancel a run; return how many logins will not be asked. Raise as `pause_run`.

    One that has not begun is withdrawn.
    """
    if not why.strip():
        raise ReasonMissing("Say why the run is cancelled; it cannot be opened again.")
    run.refresh_from_db(fields=["state"])
    if run.state == RunState.WAITING.value:
        return waiting.withdraw(run, by=by, why=why, now=now)
    with transaction.atomic():
        due = Attempt.objects.filter(run=run, state=AttemptState.DUE.value, login__isnull=False)
        hold(due.values_list("login_id", flat=True))
        moved = _move(
            run, RunState.CANCELLED, now=now, why=f"Cancelled by {noting.called(by)}: {why.strip()}"
        )
        hand_back(run)
        left = call_off(run, now=now)
        learning.keep_totals(run.pk)
        if moved:
            noting.done_to(run, Action.CANCEL_RUN, by=by, at=now, reason=why, number=left)
    return left


def _move(run: Run, wanted: RunState, *, now: datetime, why: str) -> bool:
    """Take a step; False when the run stood there already."""
    run.refresh_from_db(fields=["state"])
    if run.state == wanted.value:
        return False
    if run.state == RunState.WAITING.value:
        raise Refused(f"Run {run.pk} has not begun; it can be withdrawn.")
    if run.state not in OPEN_RUN:
        raise RunAlreadyClosed(f"Run {run.pk} has ended ({run.state}); nothing was changed.")
    try:
        run.step_to(wanted, at=now, why=why)
    except LostRace as lost:
        run.refresh_from_db(fields=["state"])
        if run.state == wanted.value:
            return False  # a double click, or two people of one mind
        raise RunAlreadyClosed(f"Run {run.pk} was just changed by somebody else.") from lost
    return True


def retry_failed(
    run: Run, *, by: Any, now: datetime, local_date: date, window: timedelta
) -> Opened:
    """Open a new run over exactly the retryable logins of `run` (`retrying`).

    Raise `NothingToDo` when none is left.
    """
    return open_run(
        provider=run.provider,
        purpose=Purpose(run.purpose),
        logins=logins_to_retry(run, now=now),
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
    lanes.pause(provider_id=provider.pk, kind=PauseKind.PERSON, why=why.strip(), now=now, by=by)


def resume_provider(provider: Provider, *, by: Any, now: datetime) -> bool:
    """Let calls go out again; False when the provider was not paused."""
    return lanes.resume(provider_id=provider.pk, now=now, by=by)
