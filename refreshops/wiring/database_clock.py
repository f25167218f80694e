"""Now, by the database: one clock for all nodes."""

import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

# How long the offset between this machine's clock and the database's is believed.
OFFSET_LASTS_S = 30.0


class DatabaseClock:
    """Now, by the database's clock: one clock for all nodes (fault B4).

    Between looks it runs on the monotonic clock, so that a jump of the wall clock moves nothing.
    On SQLite the database is on this machine, and its clock is this machine's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = -OFFSET_LASTS_S
        self._base = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return the current time in UTC."""
        if connection.vendor != "postgresql":
            return datetime.now(UTC)
        with self._lock:
            now = time.monotonic()
            if now - self._read_at >= OFFSET_LASTS_S:
                self._base, self._read_at = _database_now(), time.monotonic()
                now = self._read_at
            return self._base + timedelta(seconds=now - self._read_at)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    found: datetime = row[0]
    return found.astimezone(UTC)
