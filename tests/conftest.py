"""What holds for every test: random examples are the same ones each time, and take their time."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is slow at times; that says nothing about the rule under test.
settings.register_profile(
    "sure",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sure")


# Each of its tests takes a minute: begun last, they would keep one core busy and the others idle.
LONGEST = "tests/processes/test_on_postgresql.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Look for garbage more rarely, and never among what was there before the first test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def _measures_memory(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look for garbage as often as a running program does where a module measures memory."""
    if not hasattr(request.module, "tracemalloc"):
        yield
        return
    raised = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*raised)
