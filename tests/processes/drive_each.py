"""A worker's share at every provider, one after the other, until nothing is open there.

drive_each.py SECONDS    gives up after so long at each
"""

import sys
import time

# Django is set up by this import, so it comes before those that need that.
from tests.processes.switching_driver import hasty  # isort: split

from refreshops import wiring
from refreshops.routine import engine
from refreshops.routine.models import OPEN_ATTEMPT, OPEN_RUN, Attempt, Run


def drive(name: str, *, until: float) -> None:
    """Drive one provider until nothing of it is open, or it is `until` (monotonic)."""
    row = wiring.provider_row(name)
    runs = Run.objects.filter(provider=row)

    def is_over() -> bool:
        attempts = Attempt.objects.filter(run__in=runs, state__in=OPEN_ATTEMPT)
        open_ones = attempts.exists() or runs.filter(state__in=OPEN_RUN).exists()
        return time.monotonic() > until or not open_ones

    engine.drive(
        provider=wiring.provider(name),
        row_id=row.pk,
        clock=wiring.clock,
        pace=hasty(wiring.pace()),
        vault=wiring.vault(),
        stop=is_over,
    )


if __name__ == "__main__":
    for each in wiring.provider_names():
        drive(each, until=time.monotonic() + float(sys.argv[1]))
