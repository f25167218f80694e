"""A driving process that dies by its own kill -9, at a named point or again and again at random.

dying_driver.py at POINT COUNT [PROVIDER]      die when POINT is reached for the COUNTth time
dying_driver.py often KILLS SEED [PROVIDER]    fork a driver, kill it at a random time, KILLS times
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from refreshops import wiring  # noqa: E402
from refreshops.routine import claims, engine, recording  # noqa: E402
from refreshops.tracing import recorder  # noqa: E402


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies the COUNTth time it is reached."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.lock = threading.Lock()

    def __call__(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left <= 0:
                die()


def before(owner: Any, name: str, act: Callable[..., None]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        act(*args, **kwargs)
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str, act: Callable[[Any], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        act(found)
        return found

    setattr(owner, name, wrapped)


def arm(point: str, countdown: Countdown, *, name: str = "flinks") -> None:
    """Put the deadly step at `point`."""
    provider = type(wiring.provider(name))
    match point:
        case "before-the-claim":
            before(engine.claims, "claim", lambda *a, **k: countdown())
        case "in-the-claim-before-the-row":
            before(claims, "write_down", lambda *a, **k: countdown())
        case "row-written-not-committed":
            after(recorder, "write_down", lambda found: countdown())
        case "committed-not-sent":
            before(provider, "send", lambda *a, **k: countdown())
        case "sent-not-answered":
            before(provider, "send", lambda *a, **k: threading.Timer(0.1, countdown).start())
        case "answered-not-recorded":
            after(provider, "send", lambda found: countdown())
        case "recorded-not-committed":
            after(recording, "_apply", lambda found: countdown())
        case "before-the-data-call":
            after(engine, "record", lambda work: _if_data(work, countdown))
        case "a-piece-kept-not-committed":
            after(recording.pieces, "keep", lambda found: countdown())
        case "during-a-poll-wait":
            after(engine, "record", lambda work: countdown() if work is None else None)
        case "before-the-attempt-is-done":
            before(recording.learning, "finish", lambda *a, **k: countdown())
        case _:
            raise SystemExit(f"no point is called {point}")


def _if_data(work: Any, countdown: Countdown) -> None:
    if work is not None and work.call.endpoint in ("GetAccountsDetail", "account", "card"):
        countdown()


def drive(name: str) -> None:
    call_command("run_routine", "--provider", name, "--json")


def die_often(name: str, kills: int, seed: int) -> None:
    """Fork a driver, kill it at a random time, again and again."""
    chance = random.Random(seed)
    for _ in range(kills):
        connections.close_all()
        child = os.fork()
        if child == 0:
            drive(name)
            os._exit(0)
        time.sleep(chance.uniform(0.05, 0.6))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    what, first, second, *named = sys.argv[1:]
    of = named[0] if named else "flinks"
    if what == "at":
        arm(first, Countdown(int(second)), name=of)
        drive(of)
    else:
        die_often(of, int(first), int(second))
