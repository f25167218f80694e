"""Retention of ended attempts; each closed run keeps its own totals."""

from datetime import datetime

from refreshops.bankdata import pieces
from refreshops.routine import cells
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.tracing.retention import delete_in_steps


def prune(*, before: datetime) -> int:
    """Delete attempts that ended before `before`, in small steps; return how many."""
    cells.attempts_go(before=before)
    return delete_in_steps(Attempt.objects.filter(finished_at__lt=before).order_by("pk"))


def drop_pieces() -> None:
    """Delete what attempts had fetched in part that were called off or given up since."""
    kept = pieces.attempts()
    going_on = Attempt.objects.filter(pk__in=kept, state__in=OPEN_ATTEMPT)
    for attempt_id in set(kept) - set(going_on.values_list("pk", flat=True)):
        pieces.drop(attempt_id)
