"""How long a large order takes to be accepted, beside putting as many single tasks in the queue."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.figures import table
from tests.installation import ROOT, Templates

# Logins of the register and of the order; shorter for a quick look.
SIZES = {False: (100_000, 10_000), True: (20_000, 2_000)}
HEAD = ["order", "logins", "calm", "rush hour", "for later", "begun", "single tasks", "x tasks"]
METHOD = """\
Seconds until the order stands, all in one transaction: nothing is called yet. In the rush hour
today's run waits with every active login, so that the order has as much to call off as to plan.
"x tasks" is that beside one task a login, queued one by one."""


@dataclass(frozen=True)
class Accepted:
    """The seconds of one database."""

    kind: str
    size: int
    seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """An order at once, as a part of queueing single tasks."""
        return self.seconds["switch_off"] / self.seconds["enqueue_singly"]


def accepted(
    kinds: Iterable[str], *, quick: bool, templates: Templates, folder: Path
) -> list[Accepted]:
    """Measure each database in turn."""
    logins, size = SIZES[quick]
    return [_measured(kind, logins, size, templates=templates, folder=folder) for kind in kinds]


def _measured(kind: str, logins: int, size: int, *, templates: Templates, folder: Path) -> Accepted:
    url, needed = templates.fresh(kind, folder=folder)
    _run("bench.register", "--database", url, "--logins", str(logins), environment=needed)
    said = _run("bench.order_times", "--database", url, "--size", str(size), environment=needed)
    return Accepted(kind, size, json.loads(said.splitlines()[-1]))


def _run(module: str, *words: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def orders_table(found: list[Accepted]) -> str:
    """Return one row for each database."""
    names = ("calm", "switch_off", "switch_off_later", "begin", "enqueue_singly")
    rows = [
        [
            one.kind,
            str(one.size),
            *[f"{one.seconds[name]:.2f}" for name in names],
            f"{one.ratio:.3f}",
        ]
        for one in found
    ]
    return table(HEAD, rows)
