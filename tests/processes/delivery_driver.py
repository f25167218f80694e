"""Applies webhooks as a worker does, and may die of its own kill -9 in the middle.

delivery_driver.py sweep              apply all that waits, as the heartbeat does
delivery_driver.py loop               do that again and again, until somebody ends it
delivery_driver.py at POINT COUNT     die when POINT is reached for the COUNTth time
"""

import sys
import time

from tests.processes.dying_driver import Countdown, after, before  # isort: split

from refreshops import wiring
from refreshops.routine import deliveries, teaching
from refreshops.routine.desk import Desk


def sweep() -> int:
    desk = Desk(
        provider=wiring.provider("flinks"),
        row=wiring.provider_row("flinks"),
        clock=wiring.clock,
        pace=wiring.pace(),
        vault=wiring.vault(),
    )
    return deliveries.apply_waiting(desk, left_over=True, stop=lambda: False)


def arm(point: str, countdown: Countdown) -> None:
    """Put the deadly step at `point`."""
    match point:
        case "begun-not-held":
            before(deliveries.turn, "hold_login", lambda *a, **k: countdown())
        case "stored-not-taught":
            before(teaching, "by_delivery", lambda *a, **k: countdown())
        case "taught-not-committed":
            after(teaching, "by_delivery", lambda found: countdown())
        case "committed":
            after(deliveries, "apply", lambda found: countdown())
        case _:
            raise SystemExit(f"no point is called {point}")


if __name__ == "__main__":
    if sys.argv[1] == "at":
        arm(sys.argv[2], Countdown(int(sys.argv[3])))
    while True:
        sweep()
        if sys.argv[1] != "loop":
            break
        time.sleep(0.02)
