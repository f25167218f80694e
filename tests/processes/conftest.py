"""Installations on SQLite and PostgreSQL beside a running simulator."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation, Templates
from tests.postgres import running_postgres
from tests.processes.forked import ForkedInstallation, Forks, running_forks
from tests.processes.sides import NOWHERE, needs_flanks
from tests.simulation import Simulator, running_simulator


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    with ExitStack() as stack:
        yield Templates(
            tmp_path_factory.mktemp("templates"),
            start_postgres=lambda: stack.enter_context(running_postgres(durable=False)),
        )


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    # A socket's name must be short.
    with tempfile.TemporaryDirectory(prefix="forks-") as folder, running_forks(Path(folder)) as all:
        yield all


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    open_ones = []

    def start(**options: Any) -> Simulator:
        manager = running_simulator(**options)
        open_ones.append(manager)
        return manager.__enter__()

    yield start
    for manager in open_ones:
        manager.__exit__(None, None, None)


@pytest.fixture
def install(
    templates: Templates, forks: Forks, tmp_path: Path
) -> Iterator[Callable[..., Installation]]:
    made = []

    def start(kind: str, simulator: Simulator | None = None, **environment: str) -> Installation:
        register = simulator.register if simulator else None
        more = NOWHERE if needs_flanks(register) else {}
        url, needed = templates.fresh(kind, folder=tmp_path, register=register, more=more)
        api_url = environment.pop("FLINKS_API_URL", None)
        place = ForkedInstallation(
            tmp_path,
            forks=forks,
            database_url=url,
            api_url=api_url or (simulator.url if simulator else "http://127.0.0.1:9/v3/"),
            environment=needed | environment,
        )
        made.append(place)
        if simulator is not None:
            limit = int(place.environment["LOGINS_PER_MINUTE"])
            place.change("UPDATE logins_provider SET logins_per_minute = ?", limit)
        return place

    yield start
    for place in made:
        place.stop_all()
