"""Write the receipts of an order to a file or the screen: twin of the page's exports."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from refreshops import wiring
from refreshops.logins.cells import csv_chunks
from refreshops.routine import receipt_files
from refreshops.routine.models import Attempt, Run
from refreshops.routine.receipts import NoReceipt, check_is_order, receipts, totals
from refreshops.tracing.events import Action, note

EXIT_NO_RECEIPT = 2
LARGEST_RUN_NUMBER = 2**63 - 1


class Command(BaseCommand):
    help = (
        "Write the receipts of one order (switch off, switch on, forget): per login who ordered "
        "and approved it, what the provider answered, and how it was verified. "
        "Exit 2 when there is no such order."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", required=True, type=int, metavar="ID", help="the order")
        parser.add_argument(
            "--format",
            choices=("csv", "json"),
            default="csv",
            help="csv: a row for each login (default); json: with every call",
        )
        parser.add_argument("--output", type=Path, metavar="F", help="a new file; default: stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._order(options["run"])
        attempts = Attempt.objects.filter(run=run)
        counted = totals(attempts, run=run)
        rows = receipts(attempts, evidence_of=wiring.evidence_of(run.provider.name))
        if options["format"] == "csv":
            chunks: Iterable[str] = csv_chunks(receipt_files.csv_rows(rows))
        else:
            chunks = receipt_files.json_document(
                run,
                rows,
                environment=wiring.environment_label(run.provider.name),
                totals=counted,
                made_at=wiring.clock(),
            )
        with self._place(options["output"]) as write:
            number = sum(counted.values())
            details = {"what": "receipt", "as": options["format"]}
            now = wiring.clock()
            note(Action.EXPORT, by=None, at=now, number=number, run_id=run.pk, details=details)
            for text in chunks:
                write(text)

    def _order(self, number: int) -> Run:
        known = Run.objects.select_related("provider", "opened_by", "approved_by")
        run = known.filter(pk=number).first() if 0 < number <= LARGEST_RUN_NUMBER else None
        if run is None:
            raise CommandError(f"There is no run {number}.", returncode=EXIT_NO_RECEIPT)
        try:
            check_is_order(run)
        except NoReceipt as none:
            raise CommandError(str(none), returncode=EXIT_NO_RECEIPT) from none
        return run

    @contextmanager
    def _place(self, path: Path | None) -> Iterator[Callable[[str], Any]]:
        """Open where the receipts go, before anybody is told that they went there."""
        if path is None:
            yield partial(self.stdout.write, ending="")
            return
        try:
            # Customers' names stand in it: for the one who asked alone, and nothing is overwritten.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file.write
