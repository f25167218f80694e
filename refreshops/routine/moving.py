"""Attempts that change their run, so that no login is lost between two orders."""

from datetime import datetime

from django.db.models import Count, QuerySet

from refreshops.routine.models import RANK_DAILY, Attempt, Run
from refreshops.rules.lifecycle import AttemptState, Origin, RunState


def adopt_paused(run: Run, waiting: QuerySet[Attempt], *, rank: int, now: datetime) -> None:
    """Move attempts that wait in paused runs into `run`: nobody may wait behind a pause unseen."""
    stuck = waiting.filter(state=AttemptState.DUE.value, run__state=RunState.PAUSED.value)
    left = set(stuck.exclude(run=run).values_list("run_id", flat=True))
    if not left:
        return
    stuck.filter(paced=True).update(not_before=now)
    stuck.update(run=run, rank=rank)
    recount(left)


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
    known = Attempt.objects.filter(run=today).values("login_id")
    waiting = Attempt.objects.filter(run=run, state=AttemptState.DUE.value)
    moved = waiting.exclude(login_id__in=known).update(run=today, rank=RANK_DAILY)
    if moved:
        recount({run.pk, today.pk})
    return moved


def recount(runs: set[int]) -> None:
    """Count again how many logins each run plans."""
    counts = dict(
        Attempt.objects.filter(run__in=runs, login__isnull=False)
        .values_list("run")
        .annotate(Count("id"))
    )
    for pk in runs:
        Run.objects.filter(pk=pk).update(planned=counts.get(pk, 0))
