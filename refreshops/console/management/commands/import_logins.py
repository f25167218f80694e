"""Bring the register in line with a CSV file: all of it, or nothing."""

from argparse import ArgumentParser
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from refreshops import wiring
from refreshops.logins import register
from refreshops.logins.register_file import Unreadable, opened
from refreshops.logins.register_rows import COLUMNS, Entry, Faults, check_header, judge
from refreshops.routine import cells
from refreshops.tracing.events import Action, note


class Command(BaseCommand):
    help = (
        f"Import logins. Header: {','.join(COLUMNS)} (login_id and customer are required). "
        "Safe to repeat. With one bad row nothing is written (exit 1)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--dry-run", action="store_true", help="say what would be written")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            entries, faults = _read(file)
        except Unreadable as refused:
            raise CommandError(f"{refused} Nothing was written.") from refused
        plan = register.compare(entries)
        faults += plan.faults
        if faults.count:
            raise CommandError(_listed(faults))
        if not entries:
            raise CommandError("The file has a header and no rows. Nothing was written.")
        if not dry_run:
            self._write(plan)
        self._say(plan, dry_run=dry_run)

    def _write(self, plan: register.Plan) -> None:
        now = wiring.clock()
        try:
            with transaction.atomic():
                register.write(plan, provider_row=wiring.provider_row, now=now)
                if plan.changed:
                    cells.forget()
                _tell(plan, now=now)
        except IntegrityError as raced:
            raise CommandError(
                "Somebody else changed the register meanwhile. Nothing was written; try again."
            ) from raced

    def _say(self, plan: register.Plan, *, dry_run: bool) -> None:
        self.stdout.write(
            f"Logins: {len(plan.new)} new, {len(plan.changed)} changed, "
            f"{plan.unchanged} unchanged. Customers: {len(plan.customers_new)} new, "
            f"{len(plan.customers_changed)} changed, {plan.customers_unchanged} unchanged."
        )
        if plan.changes_nothing:
            self.stdout.write("The register holds all of this already; nothing was written.")
        elif dry_run:
            self.stdout.write("Only tried: nothing was written.")
        if plan.new_inactive:
            self.stdout.write(
                f"New but inactive here: {plan.new_inactive}. The provider was not told: "
                "order that with `manage.py deactivate`."
            )
        self._note(plan.notes)

    def _note(self, notes: Faults) -> None:
        if not notes.count:
            return
        self.stdout.write(
            f"Another status here than in the file: {notes.count}. They keep it: switching is an "
            "order to the provider (`manage.py deactivate`, or the actions on the logins page)."
        )
        self.stdout.write("\n".join(_lines(notes)))


def _read(path: Path) -> tuple[list[Entry], Faults]:
    with opened(path) as sheet:
        return judge(
            sheet.records,
            columns=check_header(sheet.header),
            canonical={
                name: partial(wiring.canonical_login_id, name) for name in wiring.provider_names()
            },
            default_provider=wiring.provider_names()[0],
        )


def _tell(plan: register.Plan, *, now: datetime) -> None:
    if plan.changes_nothing:
        return
    new, changed = len(plan.new), len(plan.changed)
    counts = {
        "new": new,
        "changed": changed,
        "customers_new": len(plan.customers_new),
        "customers_changed": len(plan.customers_changed),
    }
    details = {"what": "logins", **counts}
    note(Action.IMPORT, by=None, at=now, number=new + changed, details=details)


def _listed(faults: Faults) -> str:
    head = f"Bad rows: {faults.count}. Nothing was written."
    return "\n".join([head, *_lines(faults)])


def _lines(faults: Faults) -> list[str]:
    shown = [f"  {fault}" for fault in faults.first()]
    left = faults.count - len(shown)
    return [*shown, f"  and {left} more"] if left else shown
