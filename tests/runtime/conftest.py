"""Databases and workers for the tests of running processes."""

import shutil

import pytest

from tests.runtime.workshop import Workshop, manage


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory):
    """An empty database with every table, made once by the real migrations."""
    path = tmp_path_factory.mktemp("migrated") / "empty.sqlite3"
    manage(path, "migrate", "-v0")
    return path


@pytest.fixture
def database(migrated_database, tmp_path):
    path = tmp_path / "refreshops.sqlite3"
    shutil.copy(migrated_database, path)
    return path


@pytest.fixture
def workshop(database, tmp_path):
    workshop = Workshop(database, tmp_path / "worker.log")
    yield workshop
    workshop.close()
