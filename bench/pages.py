"""How long pages take with a million calls, beside the same pages where there are a hundred.

Every page is asked for in a process of its own database; the small and the large one take turns.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.runs_planned import Scale
from tests.installation import ROOT, Templates

SMALL, MIDDLE = Scale(200, 100, 100), Scale(10_000, 1_000, 100)
LARGE = {False: Scale(1_000_000, 100_000, 400), True: Scale(20_000, 5_000, 60)}
# Rounds, and how often a page is asked for in each.
TURNS = {False: (5, 4), True: (3, 2)}
PEOPLE = ("ops", "manager-01")


@dataclass
class Timed:
    """One page of one person: milliseconds there, and by rounds where there are a hundred rows."""

    name: str
    who: str
    kind: str
    floor: str
    ms: list[float] = field(default_factory=list)
    rounds: list[tuple[list[float], list[float]]] = field(default_factory=list)
    queries: int = 0
    db_ms: float = 0.0
    slowest: str = ""
    error: str = ""


@dataclass
class Measured:
    """What one database gave: the pages, and the comparisons."""

    kind: str
    quick: bool
    pages: list[Timed] = field(default_factory=list)
    stock: dict[str, list[float]] = field(default_factory=dict)
    middle: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    mails: dict[str, float] = field(default_factory=dict)
    retention: dict[str, float] = field(default_factory=dict)


class Guest:
    """A process that visits the pages of one world."""

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.visitor", "--database", url],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear()

    def ask(self, do: str, **what: Any) -> Any:
        """Say what to do and return the answer; raises RuntimeError when it went wrong."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        answer = self._hear()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def leave(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The visitor has gone.")
        return json.loads(line)


def measured(
    kinds: Iterable[str], *, quick: bool, templates: Templates, folder: Path
) -> Iterator[Measured]:
    """Measure each database in turn."""
    for kind in kinds:
        worlds = {}
        for name, scale in {"small": SMALL, "middle": MIDDLE, "large": LARGE[quick]}.items():
            worlds[name] = templates.fresh(kind, folder=folder)
            sizes = ("--calls", scale.calls, "--logins", scale.logins, "--runs", scale.runs)
            _run("bench.history", *worlds[name], *map(str, sizes))
        with _guests(worlds) as guests:
            found = _of_worlds(kind, guests, quick=quick)
        found.mails = json.loads(_run("bench.mail_times", *worlds["large"]).splitlines()[-1])
        found.retention = json.loads(_run("bench.prune_times", *worlds["large"]).splitlines()[-1])
        yield found


@contextmanager
def _guests(worlds: dict[str, tuple[str, dict[str, str]]]) -> Iterator[dict[str, Guest]]:
    with ExitStack() as stack:
        guests = {}
        for name, (url, environment) in worlds.items():
            guests[name] = Guest(url, environment)
            stack.callback(guests[name].leave)
        yield guests


def _run(module: str, url: str, environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--database", url, *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _of_worlds(kind: str, worlds: dict[str, Guest], *, quick: bool) -> Measured:
    found = Measured(kind, quick)
    for who in PEOPLE:
        worlds["small"].ask("pages", who=who)
        worlds["middle"].ask("pages", who=who)
        for page in worlds["large"].ask("pages", who=who):
            timed = Timed(page["name"], who, page["kind"], page["floor"])
            found.pages.append(timed)
            _take_turns(timed, worlds, quick=quick)
    _grow(found, worlds, quick=quick)
    _beside_stock(found, worlds["large"], quick=quick)
    return found


def _take_turns(page: Timed, worlds: dict[str, Guest], *, quick: bool) -> None:
    rounds, times = TURNS[quick]
    try:
        worlds["large"].ask("visit", who=page.who, name=page.name, times=1)
        for _ in range(rounds):
            floor = worlds["small"].ask("visit", who=page.who, name=page.floor, times=times)
            here = worlds["large"].ask("visit", who=page.who, name=page.name, times=times)
            page.rounds.append((floor["ms"], here["ms"]))
            page.ms += here["ms"]
        looked = worlds["large"].ask("look", who=page.who, name=page.name)
    except RuntimeError as error:
        page.error = str(error)
        return
    page.queries, page.db_ms = looked["queries"], looked["db_ms"]
    page.slowest = f"{looked['slowest_ms']:.1f} ms: {looked['slowest']}"


def _grow(found: Measured, worlds: dict[str, Guest], *, quick: bool) -> None:
    """Let the first page of calls take turns between ten thousand calls and all of them."""
    rounds, times = TURNS[quick]
    for _ in range(2 * rounds):
        asked: dict[str, Any] = {"who": "ops", "name": "calls", "times": times}
        found.middle += worlds["middle"].ask("visit", **asked)["ms"]
        found.large += worlds["large"].ask("visit", **asked)["ms"]


def _beside_stock(found: Measured, large: Guest, *, quick: bool) -> None:
    """Measure the stock admin's first page and its search for a LoginId."""
    search = large.ask("address", who="ops", name="calls search LoginId")["path"]
    queries = {"calls": "", "calls search LoginId": "?" + search.partition("?")[2]}
    for name, query in queries.items():
        times = 2 if quick else 3
        found.stock[name] = large.ask("stock", who="ops", query=query, times=times)["ms"]
