"""One writer at a time on SQLite: threads and processes stand in line instead of trying again."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


class Line:
    """The line of those who want to write: the threads of this process, then the processes."""

    def __init__(self) -> None:
        self._gate = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold one transaction; on SQLite it begins when it is our turn."""
        if connection.vendor != "sqlite":
            with transaction.atomic():
                yield
            return
        with self._gate, _our_turn(), transaction.atomic():
            yield


@contextmanager
def _our_turn() -> Iterator[None]:
    """Lock a file beside the database: who waits for SQLite itself sleeps in ever longer steps.

    Only the order depends on it, never the safety: that is SQLite's own lock. The kernel gives it
    back when a process dies. The database's own file would not do: to close it anew would let go
    of SQLite's locks on it.
    """
    name = str(connection.settings_dict["NAME"])
    if not os.path.isfile(name):  # in memory: nobody else is there
        yield
        return
    handle = os.open(f"{name}-line", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
