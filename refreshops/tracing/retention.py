"""The only way a Call row goes: by age, in small batches that never hold up a new row."""

from datetime import datetime

from refreshops.tracing.models import Call

BATCH = 2000


def prune(*, before: datetime) -> int:
    """Delete calls sent before `before`; return how many."""
    deleted = 0
    while True:
        old = list(
            Call.objects.filter(sent_at__lt=before)
            .order_by("sent_at")
            .values_list("pk", flat=True)[:BATCH]
        )
        if not old:
            return deleted
        deleted += Call.objects.filter(pk__in=old).delete()[0]
