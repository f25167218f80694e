"""Orders logins off and on in waves while the process that drives them dies again and again.

switching_driver.py PLAN.json    a Plan; prints how often the driving process died, and where

The parent orders and kills, a forked child drives. The last child lives to the end.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

# Django is set up by this import, so it comes before those that need that.
from tests.processes.dying_driver import Countdown, arm  # isort: split

from django.db import connections

from refreshops import wiring
from refreshops.logins.models import Login, Provider
from refreshops.routine import engine, lanes, services
from refreshops.routine.desk import Pace
from refreshops.routine.models import OPEN_ATTEMPT, OPEN_RUN, Attempt, Run

# A day of waits in two seconds; minutes of pause, which no setting scales, in a moment.
MORE_HASTE = 0.25
NETWORK_PAUSE = timedelta(seconds=0.1)


@dataclass(frozen=True)
class Plan:
    """Waves of `{"on", "login_ids", "cancel"}`; durations in seconds.

    A child dies at one of `points` or at a random time; with `surely` at the first point alone.
    """

    seed: int
    kills: int
    waves: list[dict[str, Any]]
    longest_life: float
    give_up_after: float
    points: list[str]
    surely: bool = False


def drive(*, until: float) -> None:
    """Drive whatever is open until nothing is, or it is `until` (monotonic)."""
    lanes.NETWORK_PAUSE = NETWORK_PAUSE
    engine.drive(
        provider=wiring.provider("flinks"),
        row_id=Provider.objects.get(name="flinks").pk,
        clock=wiring.clock,
        pace=hasty(wiring.pace()),
        vault=wiring.vault(),
        stop=lambda: time.monotonic() > until or not _something_is_open(),
    )


def hasty(pace: Pace) -> Pace:
    waits = tuple(wait * MORE_HASTE for wait in pace.policy.confirm_waits)
    return replace(pace, policy=replace(pace.policy, confirm_waits=waits))


def _something_is_open() -> bool:
    attempts = Attempt.objects.filter(state__in=OPEN_ATTEMPT).exists()
    return attempts or Run.objects.filter(state__in=OPEN_RUN).exists()


def fork(point: str, count: int, *, until: float) -> int:
    """Start a child that drives, and dies at `point`; return its process id."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        if point:
            arm(point, Countdown(count))
        drive(until=until)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def order(wave: dict[str, Any], *, number: int, chance: random.Random) -> None:
    """Order one wave, and cancel it again a moment later when it says so."""
    now = wiring.clock()
    try:
        opened = services.switch(
            logins=Login.objects.filter(login_id__in=wave["login_ids"]),
            on=wave["on"],
            by=None,
            reason=f"wave {number}",
            now=now,
            local_date=wiring.local_date(now),
            window=wiring.window(),
        )
        if wave["cancel"]:
            time.sleep(chance.uniform(0.05, 0.5))
            services.cancel_run(
                opened[0].run, by="the test", why="changed our mind", now=wiring.clock()
            )
    except services.Refused as refused:
        print(f"wave {number}: {refused}", file=sys.stderr)


def fared(child: int, *, dies_within: float) -> str:
    """Kill a child when its time is over; return how it ended."""
    ends_at = time.monotonic() + dies_within
    while time.monotonic() < ends_at:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return "at the point" if os.WIFSIGNALED(status) else f"by itself: {status}"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "at random"


def run(plan: Plan) -> Counter[str]:
    """Order every wave under fire, then let the last child finish; count how children ended."""
    chance = random.Random(plan.seed)
    ends: Counter[str] = Counter()
    waves = iter(enumerate(plan.waves))
    begun = time.monotonic()
    until = begun + plan.give_up_after
    if plan.surely:
        # A driver that is to die at a point must find something to do.
        for index, wave in waves:
            order(wave, number=index, chance=chance)
    for number in range(plan.kills):
        point = plan.points[0] if plan.surely else chance.choice((*plan.points, "", ""))
        child = fork(point, chance.randint(1, 8 if plan.surely else 30), until=until)
        # Every wave is ordered while somebody drives.
        if number * len(plan.waves) // plan.kills != (number - 1) * len(plan.waves) // plan.kills:
            for index, wave in islice(waves, 1):
                order(wave, number=index, chance=chance)
        shortest = plan.longest_life if plan.surely else 0.1
        dies_within = chance.uniform(shortest, plan.longest_life)
        ends[f"{point} {fared(child, dies_within=dies_within)}"] += 1
    for index, wave in waves:
        order(wave, number=index, chance=chance)
    print(f"{plan.kills} killed in {time.monotonic() - begun:.1f} s", file=sys.stderr)
    last = fork("", 0, until=until)
    _, status = os.waitpid(last, 0)
    print(f"all ended after {time.monotonic() - begun:.1f} s", file=sys.stderr)
    assert status == 0, f"the last driver ended with {status}"
    return ends


if __name__ == "__main__":
    found = run(Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    print(json.dumps(found))
