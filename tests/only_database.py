"""A pytest plugin that leaves out tests without a database: they are the same on every one."""

import pytest

FIXTURES = {"db", "transactional_db"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what asks for a database, by mark or by fixture."""
    kept = [item for item in items if _asks(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _asks(item)])
    items[:] = kept


def _asks(item: pytest.Item) -> bool:
    asked = set(getattr(item, "fixturenames", ()))
    return bool(FIXTURES & asked) or item.get_closest_marker("django_db") is not None
