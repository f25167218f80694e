"""The invented world: its logins are dealt evenly to two providers, or are all at one."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.runs_planned import Scale, planned
from tests.builders import NOON
from tests.simulation import ROOT

PER_PROVIDER = """
    SELECT p.name, COUNT(DISTINCT l.id), COUNT(DISTINCT r.id), COUNT(DISTINCT a.id),
           COUNT(DISTINCT CASE WHEN r.provider_id <> l.provider_id THEN a.id END)
      FROM logins_provider p
      JOIN logins_login l ON l.provider_id = p.id
      LEFT JOIN routine_attempt a ON a.login_id = l.id
      LEFT JOIN routine_run r ON r.id = a.run_id
     GROUP BY p.name ORDER BY p.name
"""


@pytest.mark.parametrize(
    ("second", "wanted"),
    [(0, {"flinks": 100}), (50, {"flanks": 50, "flinks": 50}), (20, {"flanks": 20, "flinks": 80})],
)
def test_a_world_has_so_many_of_its_logins_at_a_second_provider(tmp_path, second, wanted):
    found = _history(tmp_path / "world.sqlite3", "--second", str(second))

    assert {name: logins for name, logins, *_ in found} == wanted
    assert {name: runs for name, _, runs, *_ in found} == dict.fromkeys(wanted, 12)
    assert all(elsewhere == 0 for *_, elsewhere in found)


def test_a_part_of_a_run_is_a_run_of_the_same_day():
    whole = planned(Scale(1_000, 100, 4), now=NOON)[-1]

    part = whole.part(25)

    assert (part.attempts, part.done) == (whole.attempts // 4, whole.done // 4)
    assert (part.days_back, part.is_open) == (whole.days_back, whole.is_open)


def _history(file: Path, *words: str) -> list[tuple[str, int, int, int, int]]:
    """Fill a small world; return provider, logins, runs, attempts, attempts of another's run."""
    sizes = ("--calls", "2000", "--logins", "100", "--runs", "12")
    subprocess.run(
        [sys.executable, "-m", "bench.history", "--database", f"sqlite:///{file}", *sizes, *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with closing(sqlite3.connect(file)) as link:
        return link.execute(PER_PROVIDER).fetchall()
