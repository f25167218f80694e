"""Retention of ended attempts; each closed run keeps its own totals."""

from datetime import datetime

from refreshops.routine.models import Attempt

BATCH = 2000


def prune(*, before: datetime) -> int:
    """Delete attempts that ended before `before`, in small batches; return how many."""
    deleted = 0
    while True:
        old = list(
            Attempt.objects.filter(finished_at__lt=before).values_list("pk", flat=True)[:BATCH]
        )
        if not old:
            return deleted
        deleted += Attempt.objects.filter(pk__in=old).delete()[0]
