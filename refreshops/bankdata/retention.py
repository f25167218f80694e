"""How long bank data is kept, and under which key."""

from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from refreshops.bankdata.models import Piece, Snapshot
from refreshops.bankdata.vault import Vault
from refreshops.tracing.retention import delete_in_steps

# Emptying the log holds up every writer while it waits for the last reader.
LOG_PATIENCE_MS = 250


def prune(*, before: datetime) -> int:
    """Delete snapshots fetched before `before`, never the latest of a login; return how many."""
    newer = Snapshot.objects.filter(login_id=OuterRef("login_id"), pk__gt=OuterRef("pk"))
    old = Snapshot.objects.filter(Exists(newer), fetched_at__lt=before).order_by("pk")
    return delete_in_steps(old)


def reseal(vault: Vault) -> int:
    """Bring every snapshot under the newest key; return how many. Raises `Sealed`.

    Safe to interrupt and repeat: each row is readable before and after.
    """
    _reseal(Piece, vault)
    return _reseal(Snapshot, vault)


def _reseal(model: type[Snapshot] | type[Piece], vault: Vault) -> int:
    done = 0
    rows = model._default_manager.order_by("pk")
    for pk in rows.values_list("pk", flat=True).iterator():
        payload = rows.values_list("payload", flat=True).filter(pk=pk).first()
        if payload is not None:
            done += rows.filter(pk=pk).update(payload=vault.rotate(payload))
    return done


def empty_the_log() -> bool:
    """Empty SQLite's write-ahead log, which still holds pages as they were before a deletion.

    False when somebody reads or writes just now: the next time will do. Nothing to do on other
    databases. Call it outside any transaction (decision record 12).
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual_ms,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout={LOG_PATIENCE_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, *_) = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={int(usual_ms)}")
    return not busy
