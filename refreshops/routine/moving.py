"""Attempts that change their run, so that no login is lost between two orders."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime

from django.db.models import Count

from refreshops.routine import attempt_sql, noting
from refreshops.routine.models import RANK_DAILY, Attempt, LostRace, Run
from refreshops.rules.lifecycle import AttemptState, Origin, RunState
from refreshops.tracing.events import BY_ITSELF, Action


def adopt(run: Run, keys: Sequence[int], *, rank: int, now: datetime) -> int:
    """Move into `run` what the logins wait for in paused and in waiting runs; return how many.

    Nobody may wait behind a pause unseen, and who orders at once does not wait for another's date.
    A waiting run that has lost its last login is cancelled.
    """
    asleep = Run.objects.filter(
        provider=run.provider,
        purpose=run.purpose,
        state__in=[RunState.PAUSED.value, RunState.WAITING.value],
    ).exclude(pk=run.pk)
    holders = list(asleep.values_list("pk", flat=True))
    if not holders:
        return 0
    holding = attempt_sql.held(keys, purpose=run.purpose).keys() & set(holders)
    if not holding:
        return 0
    moved = attempt_sql.take(keys, into=run, out_of=sorted(holding), rank=rank, now=now)
    recount(holding)
    for empty in asleep.filter(pk__in=holding, state=RunState.WAITING.value, planned=0):
        with suppress(LostRace):
            why = f"All its logins went into run {run.pk}, at once."
            empty.step_to(RunState.CANCELLED, at=now, why=why)
            noting.done_to(empty, Action.WITHDRAW, by=BY_ITSELF, at=now, reason=why)
    return moved


def take_over_calling(old: Run, new: Run) -> None:
    """Let attempts that are being called for end in the run of the new day."""
    Attempt.objects.filter(run=old, state=AttemptState.CALLING.value, login__isnull=False).update(
        run=new
    )
    recount({old.pk})


def hand_back(run: Run) -> int:
    """Give waiting logins of a run about to be cancelled back to the open daily run, if it has
    left them out because of this one; return how many.
    """
    daily = Run.objects.filter(
        provider=run.provider,
        purpose=run.purpose,
        origin=Origin.DAILY.value,
        state__in=[RunState.OPEN.value, RunState.PAUSED.value],
    ).exclude(pk=run.pk)
    today = daily.order_by("-local_date").first()
    if today is None:
        return 0
    # NOT IN finds nothing at all next to the NULL of the report that begins a day.
    known = Attempt.objects.filter(run=today, login__isnull=False).values("login_id")
    waiting = Attempt.objects.filter(run=run, state=AttemptState.DUE.value)
    moved = waiting.exclude(login_id__in=known).update(run=today, rank=RANK_DAILY)
    if moved:
        recount({run.pk, today.pk})
    return moved


def recount(runs: Collection[int]) -> None:
    """Count again how many logins each run plans; in order, as others may do the same."""
    counts = dict(
        Attempt.objects.filter(run__in=runs, login__isnull=False)
        .values_list("run")
        .annotate(Count("id"))
    )
    for pk in sorted(runs):
        Run.objects.filter(pk=pk).update(planned=counts.get(pk, 0))
