"""The tests that use a database, once more on PostgreSQL: what SQLite forgives, it does not."""

import os
import subprocess
import sys

import pytest

from tests.installation import ROOT

# What only takes long there: the same questions are asked by the cases that stay.
IN_THE_SOAK = (
    "hundred_thousand",
    "many_rows",
    "a-day-and-more",
    "TestClockChanges",
)
DAILY = " and ".join(f"not {words}" for words in IN_THE_SOAK)
WHOLE = "not hundred_thousand and not many_rows"

RUNS = [
    pytest.param(["routine"], DAILY, id="routine"),
    pytest.param(["bankdata", "connect", "logins", "tracing"], DAILY, id="others"),
    pytest.param(["routine", "logins"], WHOLE, id="whole", marks=pytest.mark.soak),
    pytest.param(["console"], WHOLE, id="console", marks=pytest.mark.soak),
]

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("folders", "chosen"), RUNS)
def test_it_holds_on_postgresql(folders, chosen, templates):
    postgres = templates.postgres
    url = postgres.create(f"suite_{'_'.join(folders)}_{len(chosen)}")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *(f"tests/{folder}" for folder in folders)),
            *("-q", "-p", "no:cacheprovider", "-p", "tests.only_database", "-k", chosen),
            *("-m", "not soak and not processes and not browser", "-n", "0"),
        ],
        cwd=ROOT,
        env=os.environ | postgres.environment | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:]
