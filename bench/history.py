"""`python -m bench.history --database URL`: a register with years of runs, to measure pages on.

By default a million calls, 100 000 logins and 400 runs, the newest of them open. The database must
be new and empty: rows are found by their numbers.
"""

import os
import time
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from bench.register import WITH_A_SECOND, set_up

QUICK = {"calls": 20_000, "logins": 5_000, "runs": 60}


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    parser.add_argument("--calls", type=int, default=1_000_000, help="at least (1000000)")
    parser.add_argument("--logins", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--runs", type=int, default=400, help="how many (400)")
    parser.add_argument("--second", type=int, default=0, help="%% at a second provider (0)")
    parser.add_argument("--quick", action="store_true", help="20 000 calls of 5 000 logins")
    given = parser.parse_args()
    if given.quick:
        vars(given).update(QUICK)
    return given


def main() -> None:
    given = arguments()
    if given.second:
        os.environ.update(WITH_A_SECOND)
    set_up(given.database)
    from bench.past import fill_history
    from bench.runs_planned import Scale

    begun = time.monotonic()
    scale = Scale(given.calls, given.logins, given.runs, given.second)
    counted = fill_history(scale, now=datetime.now(UTC))
    words = ", ".join(f"{number} {name}" for name, number in counted.items())
    print(f"{words} in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
