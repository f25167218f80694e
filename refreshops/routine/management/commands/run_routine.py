"""Open (or join) today's run and drive it in the foreground: the twin of the daily schedule."""

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from refreshops import wiring
from refreshops.routine import foreground, opening


class Command(BaseCommand):
    help = "Open or join today's run and drive it until it has ended (exit 0) or is paused (3)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", default="flinks", metavar="NAME")
        parser.add_argument("--json", action="store_true", help="print one object at the end")

    def handle(self, *args: Any, provider: str, **options: Any) -> None:
        try:
            row = wiring.provider_row(provider)
        except LookupError as unknown:
            raise CommandError(str(unknown)) from unknown
        started = time.monotonic()
        now = wiring.clock()
        run, opened = opening.open_daily(
            provider=row,
            local_date=wiring.local_date(now),
            now=now,
            window=wiring.window(),
            opening=wiring.begins_with_a_report(provider),
            by=None,
        )
        found = foreground.drive_to_the_end(run, patience=foreground.PATIENCE_OF_THE_ROUTINE)
        seconds = time.monotonic() - started
        self._say(run, found, opened=opened, as_json=options["json"], seconds=seconds)
        sys.exit(foreground.exit_code(run))

    def _say(self, run: Any, found: Any, *, opened: bool, as_json: bool, seconds: float) -> None:
        if as_json:
            self.stdout.write(json.dumps(foreground.summary(run, found, seconds=seconds)))
            return
        how = "Opened" if opened else "Joined"
        self.stdout.write(f"{how} {run}: {run.state}, {found.done} of {found.planned} asked.")
        for outcome, count in sorted(found.outcomes.items(), key=lambda pair: -pair[1]):
            self.stdout.write(f"  {outcome:<24}{count:>6}")
        if found.waits_because:
            self.stdout.write(found.waits_because)
