"""Open (or join) today's runs and drive them in the foreground: the twin of the daily schedule."""

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from refreshops import wiring
from refreshops.routine import foreground, opening
from refreshops.routine.management.commands import _choosing
from refreshops.routine.models import Run


class Drive:
    """One provider's run while it is driven, and what came of it.

    Each is driven in a thread of its own: what hangs or breaks at one provider slows no other.
    """

    def __init__(self, name: str, *, board: foreground.Board, short: bool) -> None:
        self.started = time.monotonic()
        self.run, self.opened = _open(name)
        self.bar = foreground.Bar(self.run, board, short=short)
        self.found: Any = None
        self.seconds = 0.0
        self.broken: Exception | None = None

    def go(self, stop: Callable[[], bool]) -> None:
        """Drive until the run has ended, is paused, or `stop()`."""
        self.found = foreground.drive_to_the_end(
            self.run, patience=foreground.PATIENCE_OF_THE_ROUTINE, bar=self.bar, stop=stop
        )
        self.seconds = time.monotonic() - self.started

    def go_in_a_thread(self, stop: Callable[[], bool]) -> None:
        """The same, with a connection of its own; keeps what breaks for whoever waits."""
        try:
            self.go(stop)
        except Exception as broken:
            self.broken = broken
        finally:
            connection.close()


class Command(BaseCommand):
    help = (
        "Open or join today's run of every provider, or of one, and drive until all have ended "
        "(exit 0) or one is paused (3)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        _choosing.add_provider(parser, help="only this one's run (default: every one's, at once)")
        parser.add_argument(
            "--json", action="store_true", help="print one object at the end; a list of several"
        )

    def handle(self, *args: Any, provider: str | None, **options: Any) -> None:
        names = _choosing.providers(provider)
        board = foreground.Board()
        drives = [Drive(name, board=board, short=len(names) > 1) for name in names]
        try:
            _drive_at_once(drives)
        finally:
            board.end()
        whole = [drive for drive in drives if drive.broken is None]
        self._say(whole, as_json=options["json"], several=len(names) > 1)
        for drive in drives:
            if drive.broken is not None:
                raise CommandError(f"{drive.run}: {drive.broken}") from drive.broken
        sys.exit(max(foreground.exit_code(drive.run) for drive in drives))

    def _say(self, drives: list[Drive], *, as_json: bool, several: bool) -> None:
        if as_json:
            said = [
                foreground.summary(drive.run, drive.found, seconds=drive.seconds)
                for drive in drives
            ]
            self.stdout.write(json.dumps(said if several else said[0]))
            return
        for drive in drives:
            self._tell(drive)

    def _tell(self, drive: Drive) -> None:
        how, run, found = "Opened" if drive.opened else "Joined", drive.run, drive.found
        self.stdout.write(f"{how} {run}: {run.state}, {found.done} of {found.planned} asked.")
        for outcome, count in sorted(found.outcomes.items(), key=lambda pair: -pair[1]):
            self.stdout.write(f"  {outcome:<24}{count:>6}")
        if found.waits_because:
            self.stdout.write(found.waits_because)


def _open(name: str) -> tuple[Run, bool]:
    now = wiring.clock()
    return opening.open_daily(
        provider=wiring.provider_row(name),
        local_date=wiring.local_date(now),
        now=now,
        window=wiring.window(),
        opening=wiring.begins_with_a_report(name),
        by=None,
    )


def _drive_at_once(drives: list[Drive]) -> None:
    """Drive all; one alone needs no thread. Who interrupts it lets the calls in flight end."""
    if len(drives) == 1:
        drives[0].go(lambda: False)
        return
    over = threading.Event()
    threads = [
        threading.Thread(
            target=drive.go_in_a_thread, args=(over.is_set,), name=drive.run.provider.name
        )
        for drive in drives
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        over.set()
        for thread in threads:
            if thread.is_alive():
                thread.join()
