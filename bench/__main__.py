"""The command: `python -m bench [orders|pages] [--quick]`. Prints tables; `--json` keeps them."""

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench import orders, page_report, report
from bench.contestants import Arena, PlainLoop, Routine
from bench.explore import explored
from bench.figures import Figures
from bench.pages import Measured
from bench.pages import measured as measured_pages
from bench.throttle import Quota, quotas
from tests.installation import Templates
from tests.postgres import running_postgres
from tests.simulation import running_simulator

KINDS = ("sqlite", "postgresql")
PROCESSES = (1, 4)
QUICK = {"logins": 100, "rounds": 1}
THROTTLED = {False: 160, True: 61}
METHOD = """\
Both make the same two calls for each login, to one simulator, in interleaved rounds: Authorize and
GetAccountsDetail. Time runs from the first arrival to the last answer in the simulator's log:
every process is up before the start signal, so start-up is left out and shown apart. The routine
also traces each call before it is sent, leases, throttles, encrypts and stores the data; a race
that loses or doubles one call ends this command. Numbers: median [least-most] of the rounds. x loop
compares with the loop in one process of the same round; the loop in four shows what the simulator
can give. Peak RSS is one process's. CPU is that of the contestant alone, after the start signal."""


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=["all", "orders", "pages"],
        default="all",
        help="only large orders, only pages, or all",
    )
    parser.add_argument("--logins", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--body-kb", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="under a minute, less exact")
    parser.add_argument("--explore", action="store_true", help="also try CONCURRENCY 1 to 8")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here")
    given = parser.parse_args()
    if given.quick:
        vars(given).update(QUICK)
    return given


def say(text: str) -> None:
    print(text, flush=True)


def contestants(
    arena: Arena, *, templates: Templates, folder: Path
) -> dict[report.Entry, Callable[[], Figures]]:
    """Return what to run for each line of the table; the first is the reference."""
    loop = PlainLoop(arena, folder=folder)
    with ThreadPoolExecutor() as pool:
        routines = pool.map(
            lambda kind: Routine(kind, arena, templates=templates, folder=folder), KINDS
        )
        runners = {"plain loop": loop.race}
        for kind, routine in zip(KINDS, routines, strict=True):
            runners[f"routine, {kind}"] = routine.race
    return {
        (name, processes): partial(race, processes=processes)
        for name, race in runners.items()
        for processes in PROCESSES
    }


def raced(given: Namespace, *, templates: Templates, folder: Path) -> report.Races:
    """Run the rounds, every second one backwards."""
    options: dict[str, Any] = {"scenario": "calm", "logins": given.logins, "body_kb": given.body_kb}
    with running_simulator(**options) as simulator:
        runners = contestants(Arena(simulator), templates=templates, folder=folder)
        # The simulator makes each login's accounts once: not on anybody's time.
        runners[report.REFERENCE]()
        races: report.Races = {entry: [] for entry in runners}
        for number in range(given.rounds):
            entries = list(runners)[:: -1 if number % 2 else 1]
            for entry in entries:
                races[entry].append(runners[entry]())
            say(f"round {number + 1} of {given.rounds} done")
    return races


def measured(
    given: Namespace, templates: Templates, folder: Path
) -> tuple[report.Races, list[Quota]]:
    """Run everything that was asked for and print it as it comes."""
    races = raced(given, templates=templates, folder=folder)
    say(f"\n{report.races_table(races)}\n\n{METHOD}\n")
    quota = quotas(KINDS, logins=THROTTLED[given.quick], templates=templates, folder=folder)
    say("Throttle: limit 30, window 6 s, four processes")
    say(report.quota_lines(quota))
    if given.explore:
        found = explored(KINDS, body_kb=given.body_kb, templates=templates, folder=folder)
        say(f"\nOne process, CONCURRENCY threads\n{report.explored_table(found)}")
    ordered(given, templates, folder)
    visited(given, templates, folder)
    return races, quota


def ordered(given: Namespace, templates: Templates, folder: Path) -> list[orders.Accepted]:
    """Measure large orders and print the figures."""
    found = orders.accepted(KINDS, quick=given.quick, templates=templates, folder=folder)
    say(f"\n{orders.orders_table(found)}\n\n{orders.METHOD}")
    return found


def visited(given: Namespace, templates: Templates, folder: Path) -> list[Measured]:
    """Measure the pages of the console and print the figures of each database as they come."""
    all_found = []
    for found in measured_pages(KINDS, quick=given.quick, templates=templates, folder=folder):
        say(f"\n{page_report.text(found)}")
        all_found.append(found)
    say(f"\n{page_report.METHOD}")
    return all_found


def main() -> None:
    given = arguments()
    begun = time.monotonic()
    say(
        f"{given.logins} logins, answers of {given.body_kb} KB, {given.rounds} rounds; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {sys.version.split()[0]}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as place, running_postgres() as postgres:
        templates = Templates(Path(place), start_postgres=lambda: postgres)
        if given.part == "orders":
            found = ordered(given, templates, Path(place))
            figures: Any = {"orders": [vars(one) for one in found]}
        elif given.part == "pages":
            figures = {
                "pages": [
                    page_report.as_json(one) for one in visited(given, templates, Path(place))
                ]
            }
        else:
            figures = report.as_json(*measured(given, templates, Path(place)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(f"\n{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
