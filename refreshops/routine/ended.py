"""Retention of ended attempts; each closed run keeps its own totals."""

from datetime import datetime

from refreshops.routine import cells
from refreshops.routine.models import Attempt
from refreshops.tracing.retention import delete_in_steps


def prune(*, before: datetime) -> int:
    """Delete attempts that ended before `before`, in small steps; return how many."""
    cells.attempts_go(before=before)
    return delete_in_steps(Attempt.objects.filter(finished_at__lt=before).order_by("pk"))
