"""Orders that wait for a date or for a second person: approving, withdrawing, beginning them.

A waiting order has its run and its attempts and touches nothing. Whoever begins it takes one step
of the run's state; everybody else finds it taken. Locks go logins, then run, then attempts.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet

from refreshops.logins.models import LoginStatus, Nightly
from refreshops.routine import erasing, learning, marking, noting
from refreshops.routine.models import RANK_PERSON, Attempt, LostRace, Run
from refreshops.routine.opening import ReasonMissing, Refused, RunAlreadyClosed
from refreshops.routine.waits import why_it_waits
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState
from refreshops.tracing.events import BY_ITSELF, Action

__all__ = ["approve", "begin_due", "why_it_waits", "withdraw"]

SEES_EVERY_CUSTOMER = "logins.view_every_customer"
PERMISSIONS_OF_GROUPS = "django.contrib.auth.backends.ModelBackend"

OWN_ORDER = "Nobody approves their own order; ask a colleague."
NOT_THEIRS = "Left out: the customer has another account manager now."
CAME_BACK = "Left out: the customer was active again after this was ordered."
ALREADY_OFF = "Left out: off at the provider already, and verified."
ALREADY_ON = "Left out: on already."
FORGOTTEN = "Left out: the customer asked to be forgotten after this was ordered."
DONE_ALREADY = {
    Purpose.SWITCH_OFF.value: (
        ALREADY_OFF,
        Q(
            login__status=LoginStatus.INACTIVE,
            login__nightly=Nightly.OFF,
            login__nightly_verified_at__isnull=False,
        ),
    ),
    Purpose.SWITCH_ON.value: (
        ALREADY_ON,
        Q(login__status=LoginStatus.ACTIVE, login__nightly=Nightly.ON),
    ),
}


def approve(run: Run, *, by: Any, now: datetime) -> None:
    """Approve somebody else's large order; it begins at once, or on its date.

    Raise `Refused` when it is one's own, has its approval, needs none, or does not wait.
    """
    unapproved = Run.objects.filter(
        pk=run.pk, state=RunState.WAITING.value, needs_approval=True, approved_at__isnull=True
    ).exclude(opened_by=by)
    with transaction.atomic():
        approved = unapproved.update(approved_by=by, approved_at=now)
        run.refresh_from_db()
        if not approved:
            raise Refused(_not_approved_because(run, by=by))
        noting.done_to(run, Action.APPROVE, by=by, at=now, number=run.planned)
    begin_due(provider_id=run.provider_id, now=now)
    run.refresh_from_db()


def _not_approved_because(run: Run, *, by: Any) -> str:
    if run.state == RunState.CANCELLED.value:
        return f"Run {run.pk} was withdrawn; there is nothing to approve."
    if not run.needs_approval:
        return f"Run {run.pk} needs no approval."
    if run.approved_at is not None:
        who = noting.called(run.approved_by or "somebody")
        return f"Run {run.pk} was approved by {who} already."
    if run.opened_by_id == by.pk:
        return OWN_ORDER
    return f"Run {run.pk} does not wait any more."


def withdraw(run: Run, *, by: Any, why: str, now: datetime) -> int:
    """Take a waiting order back; return how many logins it was for.

    Raise `ReasonMissing`, and `RunAlreadyClosed` when it has begun or ended.
    """
    if not why.strip():
        raise ReasonMissing("Say why the order is withdrawn; it stands on the receipt.")
    if run.state != RunState.WAITING.value:
        # Never by the step alone: one that runs may be cancelled, by whoever may control runs.
        raise _begun_or_ended(run)
    said = f"Withdrawn by {noting.called(by)}: {why.strip()}"[:500]
    try:
        with transaction.atomic():
            due = _due(run)
            marking.hold(due.values_list("login_id", flat=True))
            run.step_to(RunState.CANCELLED, at=now, why=said)
            number = _call_off(due, said, now=now)
            erasing.take_back(run)
            run.totals = learning.keep_totals(run.pk)
            noting.done_to(run, Action.WITHDRAW, by=by, at=now, reason=why, number=number)
    except LostRace as lost:
        run.refresh_from_db()
        raise _begun_or_ended(run) from lost
    return number


def _begun_or_ended(run: Run) -> RunAlreadyClosed:
    return RunAlreadyClosed(
        f"Run {run.pk} does not wait any more ({run.state}); nothing was changed."
    )


def begin_due(*, provider_id: int, now: datetime) -> list[Run]:
    """Begin every waiting order of a provider that has its approval and whose date has come.

    Safe to call from anywhere at any time: each begins once. Returns the runs begun by this call.
    """
    ready = Run.objects.filter(
        Q(needs_approval=False) | Q(approved_at__isnull=False),
        Q(starts_at__isnull=True) | Q(starts_at__lte=now),
        provider_id=provider_id,
        state=RunState.WAITING.value,
    )
    begun = []
    for run in ready.order_by("pk"):
        try:
            _begin(run, now=now)
        except LostRace:
            continue
        begun.append(run)
    return begun


def _begin(run: Run, *, now: datetime) -> None:
    with transaction.atomic():
        due = _due(run)
        marking.hold(due.values_list("login_id", flat=True))
        run.step_to(RunState.OPEN, at=now)
        left_out = _leave_out(run, due, now=now)
        marking.mark(
            list(due.values_list("login_id", flat=True)),
            purpose=Purpose(run.purpose),
            by=run.opened_by,
            reason=run.reason,
            now=now,
            begins=run,
        )
        number = due.update(rank=RANK_PERSON, not_before=now)
        noting.done_to(run, Action.BEGIN_RUN, by=BY_ITSELF, at=now, number=number)
        if not number:
            why = f"Nothing was left to do when it began: {left_out} logins were left out."
            learning.close_run(run, now=now, why=why)


def _due(run: Run) -> QuerySet[Attempt]:
    return Attempt.objects.filter(run=run, state=AttemptState.DUE.value)


def _leave_out(run: Run, due: QuerySet[Attempt], *, now: datetime) -> int:
    """Call off what is not to be done any more; return how many logins that are."""
    left_out = 0
    if not _sees_everything(run):
        theirs = Q(login__customer__account_manager=run.opened_by_id)
        left_out += _call_off(due.exclude(theirs), NOT_THEIRS, now=now)
    if run.purpose == Purpose.SWITCH_OFF.value and run.starts_at is not None:
        back = due.filter(login__customer__last_activity_at__gt=run.opened_at)
        left_out += _call_off(back, CAME_BACK, now=now)
    if run.purpose == Purpose.SWITCH_ON.value:
        asked = due.filter(login__customer__erasure_asked_at__isnull=False)
        left_out += _call_off(asked, FORGOTTEN, now=now)
    if run.purpose in DONE_ALREADY:
        said, done = DONE_ALREADY[run.purpose]
        left_out += _call_off(due.filter(done), said, now=now)
    return left_out


def _call_off(attempts: QuerySet[Attempt], said: str, *, now: datetime) -> int:
    return attempts.update(state=AttemptState.CANCELLED.value, finished_at=now, message=said)


def _sees_everything(run: Run) -> bool:
    """Tell whether whoever ordered was free to choose any customer's logins.

    Nobody stands for the command line. An account that is closed by now still counts as it was.
    """
    if run.opened_by_id is None:
        return True
    able = get_user_model()._default_manager.with_perm(
        SEES_EVERY_CUSTOMER,
        is_active=None,  # type: ignore[arg-type]
        backend=PERMISSIONS_OF_GROUPS,
    )
    return bool(able.filter(pk=run.opened_by_id).exists())
