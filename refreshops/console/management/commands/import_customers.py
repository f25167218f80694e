"""Bring customers in line with a CSV or XLSX file: all of it, or nothing."""

import json
from argparse import ArgumentParser
from datetime import tzinfo
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from refreshops import wiring
from refreshops.console.import_journal import tell_import
from refreshops.logins import customer_import, register_file
from refreshops.logins.customer_import import Report
from refreshops.logins.customer_resource import Scope
from refreshops.logins.customer_rows import COLUMNS
from refreshops.logins.models import Customer
from refreshops.logins.register_file import Unreadable
from refreshops.routine.roles import ACCOUNT_MANAGERS


class Command(BaseCommand):
    help = (
        f"Import customers from CSV or XLSX. Header: {','.join(COLUMNS)} (reference is required). "
        "Safe to repeat; an empty cell changes nothing. With one bad row nothing is written (exit "
        "1)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="say what would be written")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        scope = Scope(customers=Customer.objects.all(), managers_group=ACCOUNT_MANAGERS)
        zone = timezone.get_current_timezone()
        try:
            content = _content(file)
            customer_import.look_at_name(file.name, content=content)
            report = _carry_out(content, dry_run=dry_run, scope=scope, zone=zone)
        except Unreadable as refused:
            raise CommandError(f"{refused} Nothing was written.") from refused
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, dry_run=dry_run)))
        if report.faults.count:
            raise CommandError(_listed(report))
        if not options["json"]:
            self._say(report, dry_run=dry_run)

    def _say(self, report: Report, *, dry_run: bool) -> None:
        self.stdout.write(
            f"Customers: {report.new} new, {report.changed} changed, {report.unchanged} unchanged."
        )
        if not report.changes:
            self.stdout.write("The register holds all of this already; nothing was written.")
        elif dry_run:
            self.stdout.write("Only tried: nothing was written.")
        for person, count in report.elsewhere.most_common():
            self.stdout.write(f"{person} is not in {ACCOUNT_MANAGERS}, and gets {count} customers.")
        if report.moved_back:
            self.stdout.write(f"Earlier last activity than known: {report.moved_back}.")


def _carry_out(content: bytes, *, dry_run: bool, scope: Scope, zone: tzinfo) -> Report:
    """Check the file, or write it; what was written is told in the same transaction."""
    now = wiring.clock()
    if dry_run:
        return customer_import.check(content, scope=scope, now=now, zone=zone)
    with transaction.atomic():
        report = customer_import.write(content, scope=scope, now=now, zone=zone)
        if not report.faults.count:
            tell_import(report, by=None, now=now)
    return report


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Unreadable(f"{path} is no file.")
        if path.stat().st_size > register_file.SIZE_CAP:
            raise Unreadable(f"The file has more than {register_file.SIZE_CAP / 1e6:.0f} MB.")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error


def _as_json(report: Report, *, dry_run: bool) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "written": bool(report.changes) and not (dry_run or report.faults.count),
        "bad_rows": report.faults.count,
        "faults": [{"line": fault.line, "why": fault.why} for fault in report.faults.first()],
    }


def _listed(report: Report) -> str:
    shown = report.faults.first()
    left = report.faults.count - len(shown)
    head = f"Bad rows: {report.faults.count}. Nothing was written."
    return "\n".join(
        [head, *(f"  {fault}" for fault in shown), *([f"  and {left} more"] * (left > 0))]
    )
