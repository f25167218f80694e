"""How long bank data is kept, and under which key."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from refreshops.bankdata.models import Snapshot
from refreshops.bankdata.vault import Vault

BATCH = 200


def prune(*, before: datetime) -> int:
    """Delete snapshots fetched before `before`, never the latest of a login; return how many."""
    newer = Snapshot.objects.filter(login_id=OuterRef("login_id"), pk__gt=OuterRef("pk"))
    old = Snapshot.objects.filter(Exists(newer), fetched_at__lt=before).order_by("pk")
    deleted = 0
    while keys := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += Snapshot.objects.filter(pk__in=keys).delete()[0]
    return deleted


def reseal(vault: Vault) -> int:
    """Bring every snapshot under the newest key; return how many. Raises `Sealed`.

    Safe to interrupt and repeat: each row is readable before and after.
    """
    done = 0
    for pk in Snapshot.objects.order_by("pk").values_list("pk", flat=True).iterator():
        payload = Snapshot.objects.values_list("payload", flat=True).filter(pk=pk).first()
        if payload is not None:
            done += Snapshot.objects.filter(pk=pk).update(payload=vault.rotate(payload))
    return done
