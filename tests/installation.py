"""One whole installation for a test: its own database and environment, driven by real processes."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from tests.postgres import Postgres
from tests.simulation import BEARER, CUSTOMER_ID, SECRET_KEY, X_API_KEY

ROOT = Path(__file__).resolve().parent.parent
LIFTED = {"LOGINS_PER_MINUTE": "4000", "THROTTLE_WINDOW_SECONDS": "1"}
HASTE = {
    "LEASE_SECONDS": "1",
    "POLL_SECONDS": "0.3",
    "POLL_LIMIT_SECONDS": "60",
    "WAIT_SCALE": "0.01",
    "CALL_DEADLINE_SECONDS": "3",
}


class Installation:
    """A database, an environment and the commands that run in it."""

    def __init__(
        self, folder: Path, *, database_url: str, api_url: str, environment: dict[str, str]
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "only-for-tests-" + "x" * 50,
            "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "HTTPS_ONLY": "false",
            "DATABASE_URL": database_url,
            "FLINKS_API_URL": api_url,
            "FLINKS_CUSTOMER_ID": CUSTOMER_ID,
            "FLINKS_SECRET_KEY": SECRET_KEY,
            "FLINKS_X_API_KEY": X_API_KEY,
            "FLINKS_BEARER_SECRET": BEARER,
            "LOG_LEVEL": "WARNING",
            **HASTE,
            **LIFTED,
            **environment,
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start `manage.py WORDS` (or a script, when the first word ends in .py) in a session."""
        script = words if words[0].endswith(".py") else (str(ROOT / "manage.py"), *words)
        process = subprocess.Popen(
            [sys.executable, *script],
            cwd=self.folder,
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def manage(
        self, *words: str, expect: int | None = 0, timeout: float = 120, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; `expect` is the exit code it must have, None for any."""
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=timeout)
        if expect is not None:
            assert process.returncode == expect, f"{words}: {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def run_routine(self, *, expect: int | None = 0, **more: str) -> dict[str, Any]:
        """Drive today's run in the foreground; return what `--json` printed."""
        done = self.manage("run_routine", "--json", expect=expect, **more)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def import_register(self, register: Path) -> None:
        """Import the logins that a simulator serves."""
        self.manage("import_logins", str(register))

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from the database with `?` for parameters."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as link:
                return link.execute(sql, parameters).fetchall()
        with psycopg.connect(self._conninfo()) as link:
            return link.execute(sql.replace("?", "%s"), parameters or None).fetchall()

    def change(self, sql: str, *parameters: object) -> None:
        """Write to the database behind everybody's back."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=20)) as link:
                link.execute(sql, parameters)
                link.commit()
            return
        with psycopg.connect(self._conninfo()) as link:
            link.execute(sql.replace("?", "%s"), parameters or None)

    def _conninfo(self) -> str:
        folder, _, database = self.database_url.removeprefix("postgres:///").rpartition("/")
        port = self.environment["PGPORT"]
        return f"host={folder} port={port} user=postgres dbname={database}"

    def stop_all(self) -> None:
        """Kill whatever this installation started and that still runs."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def kill(process: "subprocess.Popen[str]") -> None:
    """kill -9 a process and all its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


class Templates:
    """Migrated databases, empty or with a register, made once a session and copied for tests."""

    def __init__(self, folder: Path, *, start_postgres: Callable[[], Postgres]) -> None:
        self.folder = folder
        self._start_postgres = start_postgres
        self.made: dict[str, str] = {}

    @cached_property
    def postgres(self) -> Postgres:
        """The server, started for whoever asks first."""
        return self._start_postgres()

    def fresh(
        self,
        kind: str,
        *,
        folder: Path,
        register: Path | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[str, dict[str, str]]:
        """Return the DATABASE_URL of a new database and the environment it needs.

        It is migrated, and holds the logins of `register`, if one is given; to import them takes
        the settings in `more`.
        """
        name = f"{kind}_migrated"
        if name not in self.made:
            self._make(name, self._empty(kind, name), kind, "migrate", "--verbosity", "0")
        if register is not None:
            migrated = self.made[name]
            name = f"{kind}_{hashlib.sha256(register.read_bytes()).hexdigest()[:40]}"
            if name not in self.made:
                url = self._copy(kind, migrated, self.folder, name)
                self._make(name, url, kind, "import_logins", str(register), more=more)
        url = self._copy(kind, self.made[name], folder, f"t{uuid.uuid4().hex}")
        return url, self._environment(kind)

    def _environment(self, kind: str) -> dict[str, str]:
        if kind == "sqlite":
            return {}
        return self.postgres.environment

    def _empty(self, kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{self.folder / name}.sqlite3"
        return self.postgres.create(name)

    def _copy(self, kind: str, url: str, folder: Path, name: str) -> str:
        if kind == "sqlite":
            # The last connection has closed: nothing is left in a log beside the file.
            shutil.copy(url.removeprefix("sqlite:///"), folder / f"{name}.sqlite3")
            return f"sqlite:///{folder / name}.sqlite3"
        return self.postgres.create(name, template=url.rpartition("/")[2])

    def _make(
        self,
        name: str,
        url: str,
        kind: str,
        *command: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        place = Installation(
            self.folder,
            database_url=url,
            api_url="http://127.0.0.1:9/v3/",
            environment={**self._environment(kind), **more},
        )
        place.manage(*command)
        self.made[name] = url


def by_login(lines: Iterable[dict[str, Any]]) -> dict[str | None, list[str]]:
    """Group the endpoints of simulator log lines by login, in order of arrival."""
    found: dict[str | None, list[str]] = {}
    for line in sorted(lines, key=lambda line: line["arrived"]):
        found.setdefault(line["login_id"], []).append(line["endpoint"])
    return found
