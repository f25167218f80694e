"""Which database a test runs on each day, where the other one's turn is in the soak."""

import pytest

DATABASES = ("sqlite", "postgresql")


def mostly(daily: str) -> pytest.MarkDecorator:
    """Run a test that asks for `database` on `daily` each time, and on the other in the soak."""
    turns = [
        pytest.param(kind, marks=[] if kind == daily else pytest.mark.soak) for kind in DATABASES
    ]
    return pytest.mark.parametrize("database", turns, indirect=True)
