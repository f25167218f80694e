"""What one attempt has fetched so far, in several calls: sealed until the rest has come.

A piece outlives a killed worker, so that only the call in flight is asked again. Source: issue 6 B.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection

from refreshops.bankdata.models import Piece
from refreshops.tracing import statements

# Asked at the end of every attempt that gathers: no query is built for it.
_CONTENTS = "SELECT name, payload FROM bankdata_piece WHERE attempt_id = %s ORDER BY id"


def keep(*, attempt_id: int, login_id: int | None, name: str, sealed: bytes, now: datetime) -> None:
    """Keep a piece in the caller's transaction; one of the same name gives way to it."""
    piece = Piece(attempt_id=attempt_id, login_id=login_id, name=name, payload=sealed, kept_at=now)
    statements.put_row(piece, unique=("attempt_id", "name"))


def contents(attempt_id: int, *, open_sealed: Callable[[bytes], Any]) -> dict[str, Any]:
    """Return what was kept for an attempt, in its first order; raises `vault.Sealed`."""
    with connection.cursor() as cursor:
        cursor.execute(_CONTENTS, [attempt_id])
        return {name: open_sealed(bytes(sealed)) for name, sealed in cursor.fetchall()}


def drop(attempt_id: int) -> None:
    """Delete what was kept for an attempt."""
    statements.delete_rows(Piece, where={"attempt_id": attempt_id})


def attempts() -> list[int]:
    """Return the attempts of which something is kept."""
    return list(Piece.objects.order_by().values_list("attempt_id", flat=True).distinct())
