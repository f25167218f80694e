"""Simulators shared by the tests of this folder, one process for each scenario."""

from collections.abc import Callable, Iterator

import pytest

from tests.simulation import Simulator, running_simulator
from tests.simulator.client import Client
from tests.simulator.flanks_client import FlanksClient
from tests.simulator.receiver import Receiver, running_receiver


@pytest.fixture(scope="session")
def calm() -> Iterator[Simulator]:
    with running_simulator(
        scenario="calm", logins=400, body_kb=8, card_busy_seconds=0.3, stall_seconds=5
    ) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def codes() -> Iterator[Simulator]:
    with running_simulator(scenario="codes", logins=1, body_kb=8) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def flanks_codes() -> Iterator[Simulator]:
    """One credential for each fate; nobody meddles with it."""
    with running_simulator(scenario="codes", logins=1, flanks_logins=1) as simulator:
        yield simulator


@pytest.fixture
def flanks(flanks_codes: Simulator) -> Iterator[FlanksClient]:
    """A connection to the fake Flanks of `flanks_codes`."""
    client = FlanksClient(flanks_codes.port)
    yield client
    client.close()


@pytest.fixture(scope="session")
def _unused(calm: Simulator) -> Iterator[str]:
    return iter([row["login_id"] for row in calm.register_rows()])


@pytest.fixture
def login_id(_unused: Iterator[str]) -> str:
    """A login of the calm simulator that no other test speaks of."""
    return next(_unused)


@pytest.fixture
def connect() -> Iterator[Callable[[Simulator], Client]]:
    """Open connections that end with the test."""
    opened: list[Client] = []

    def open_one(simulator: Simulator, *, timeout: float = 10) -> Client:
        opened.append(Client(simulator.port, timeout=timeout))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(calm: Simulator, connect: Callable[[Simulator], Client]) -> Client:
    """A connection to the calm simulator."""
    return connect(calm)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody webhooks are delivered to."""
    with running_receiver() as listening:
        yield listening
