"""What one attempt has fetched so far, in several calls: sealed until the rest has come.

A piece outlives a killed worker, so that only the call in flight is asked again. Source: issue 6 B.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from refreshops.bankdata.models import Piece


def keep(*, attempt_id: int, login_id: int | None, name: str, sealed: bytes, now: datetime) -> None:
    """Keep a piece in the caller's transaction; one of the same name gives way to it."""
    Piece.objects.update_or_create(
        attempt_id=attempt_id,
        name=name,
        defaults={"login_id": login_id, "payload": sealed, "kept_at": now},
    )


def contents(attempt_id: int, *, open_sealed: Callable[[bytes], Any]) -> dict[str, Any]:
    """Return what was kept for an attempt, in its first order; raises `vault.Sealed`."""
    rows = Piece.objects.filter(attempt_id=attempt_id).order_by("pk")
    return {
        name: open_sealed(bytes(sealed)) for name, sealed in rows.values_list("name", "payload")
    }


def drop(attempt_id: int) -> None:
    """Delete what was kept for an attempt."""
    Piece.objects.filter(attempt_id=attempt_id).delete()


def attempts() -> list[int]:
    """Return the attempts of which something is kept."""
    return list(Piece.objects.order_by().values_list("attempt_id", flat=True).distinct())
