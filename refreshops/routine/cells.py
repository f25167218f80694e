"""What the matrix of an ended run shows, kept from its end on: 80 000 attempts are counted once.

A number must equal the rows behind its link. These are attempts, by the bank that their login has
*now*. So the cells of a run are forgotten when one of its logins gets another bank's name, and are
drawn only while all its attempts are kept; else a page counts what is there. `count_again` makes up
for those forgotten, and for runs that ended before there were cells, once a night.
"""

from datetime import datetime

from django.db import transaction

from refreshops.routine.models import Attempt, Run, RunCells
from refreshops.routine.tallies import Cell, Tally, tally_closely, tally_of_totals

# So many runs a night are made up for.
MOST_COUNTED = 1_000


def keep(run_id: int, cells: list[Cell], *, whole: bool = True) -> None:
    """Keep what was counted of a run, in the caller's transaction."""
    RunCells.objects.update_or_create(run_id=run_id, defaults={"cells": cells, "whole": whole})


def kept(run: Run) -> Tally | None:
    """Return the tally of an ended run with its cells; None when it has to be counted."""
    totals = run.totals
    if run.closed_at is None or not totals or totals.get("due") or totals.get("calling"):
        return None
    cells = RunCells.objects.filter(run=run, whole=True).values_list("cells", flat=True).first()
    if cells is None:
        return None
    tally = tally_of_totals(totals)
    tally.cells = [(bank, code, outcome, number) for bank, code, outcome, number in cells]
    return tally


def forget(*, login_id: int | None = None) -> None:
    """Forget the cells of all runs that asked a login, or of all: a bank has another name now."""
    rows = RunCells.objects.all()
    if login_id is not None:
        rows = rows.filter(run__in=Attempt.objects.filter(login=login_id).values("run"))
    with transaction.atomic():
        # In one order: others may forget the same ones.
        held = rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)
        if keys := list(held):
            RunCells.objects.filter(pk__in=keys).delete()


def attempts_go(*, before: datetime) -> None:
    """Draw nothing any more from the cells of runs of which attempts that old may be deleted."""
    RunCells.objects.filter(run__opened_at__lt=before, whole=True).update(whole=False)


def count_again() -> int:
    """Count the ended runs that have no cells, the newest first; return how many."""
    ended = Run.objects.filter(closed_at__isnull=False, kept_cells__isnull=True).exclude(totals={})
    runs = list(ended.order_by("-opened_at", "-pk")[:MOST_COUNTED])
    for run in runs:
        # One at a time: nobody waits long for the only writer there may be.
        with transaction.atomic():
            counted = tally_closely(Attempt.objects.all(), run=run.pk)
            meant = tally_of_totals(run.totals)
            keep(run.pk, counted.cells, whole=counted.logins == meant.logins)
    return len(runs)
