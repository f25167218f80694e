"""How runs end, and what puts right what a late answer or a jumped clock left behind."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from refreshops.routine import learning
from refreshops.routine.models import (
    OPEN_ATTEMPT,
    OPEN_RUN,
    THE_RUN_HAD_ENDED,
    Attempt,
    LostRace,
    Run,
)
from refreshops.rules.lifecycle import AttemptState, RunState

# A call in flight when its run ended is answered within this time.
LATE = timedelta(hours=1)


def close_finished(*, provider_id: int, now: datetime) -> list[Run]:
    """Close every run that has no open attempt left, and keep its totals."""
    left = Attempt.objects.filter(run_id=OuterRef("pk"), state__in=OPEN_ATTEMPT)
    finished = Run.objects.filter(provider_id=provider_id, state__in=OPEN_RUN)
    closed = []
    for run in finished.exclude(Exists(left)):
        try:
            learning.close_run(run, now=now)
        except LostRace:
            continue
        closed.append(run)
    return closed


def correct_totals(*, provider_id: int, now: datetime) -> None:
    """Count again the runs that ended while a call was in flight, once it has been answered."""
    late = Run.objects.filter(
        provider_id=provider_id, closed_at__gte=now - LATE, totals__calling__gt=0
    )
    for run in late:
        learning.keep_totals(run.pk)


def call_off_left_behind(*, provider_id: int, now: datetime) -> int:
    """Call off what came to rest in a run at the instant that it ended; return how many.

    Nobody would claim it, and it would keep its login out of every later run of its purpose.
    """
    ended = Run.objects.filter(provider_id=provider_id, closed_at__gte=now - LATE)
    left = Attempt.objects.filter(
        run__in=list(ended.values_list("pk", flat=True)), state=AttemptState.DUE.value
    )
    runs = set(left.values_list("run_id", flat=True))
    if not runs:
        return 0
    called_off = left.update(
        state=AttemptState.CANCELLED.value, finished_at=now, message=THE_RUN_HAD_ENDED, waits_for=""
    )
    for pk in sorted(runs):
        learning.keep_totals(pk)
    return called_off


def bring_back(*, provider_id: int, now: datetime) -> None:
    """Let attempts go on that a clock set back would leave waiting for the future (fault B3)."""
    ahead = Run.objects.filter(
        provider_id=provider_id, state=RunState.OPEN.value, opened_at__gt=now + timedelta(minutes=1)
    )
    if ahead.exists():
        Attempt.objects.filter(
            run__in=ahead, state=AttemptState.DUE.value, not_before__gt=now
        ).update(not_before=now)
