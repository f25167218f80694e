"""The tests that use a database, once more on PostgreSQL: what SQLite forgives, it does not."""

import os
import subprocess
import sys

import pytest

from tests.installation import ROOT

FOLDERS = [
    "routine",
    "bankdata",
    "tracing",
    "logins",
    "connect",
    pytest.param("console", marks=pytest.mark.soak),
]

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_holds_on_postgresql(folder, templates):
    postgres = templates.postgres
    name = f"suite_{folder}"
    url = postgres.create(name)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", f"tests/{folder}", "-q", "-p", "no:cacheprovider"),
            *("-p", "tests.only_database", "-k", "not hundred_thousand and not many_rows"),
            *("-m", "not soak and not processes and not browser", "-n", "0"),
        ],
        cwd=ROOT,
        env=os.environ | postgres.environment | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:]
