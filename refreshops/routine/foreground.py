"""Driving a run in the foreground: for the commands that are the twins of what screens order."""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TextIO

from django.db.models import QuerySet

from refreshops import wiring
from refreshops.routine import engine
from refreshops.routine.models import Attempt, Run
from refreshops.routine.progress import Progress, progress_of
from refreshops.rules.lifecycle import RunState

EXIT_CLOSED = 0
EXIT_PAUSED = 3
PATIENCE = timedelta(seconds=60)
# The routine sits out what an open session at the provider takes; only a pause ends it early.
PATIENCE_OF_THE_ROUTINE = timedelta(minutes=35)
BAR_WIDTH = 30
SHORT_BAR_WIDTH = 16


@dataclass
class Board:
    """One line of a terminal for the bars of all runs that are driven; silent everywhere else."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    drawn: str = ""
    _parts: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, name: str, text: str) -> None:
        """Put `text` in the place of `name`, and draw the line anew if it changed."""
        with self._lock:
            self._parts[name] = text
            parts = self._parts.items()
            alone = len(self._parts) == 1
            line = text if alone else "  ".join(f"{one} {part}" for one, part in parts)
            if line != self.drawn:
                self.drawn = line
                self.out.write(f"\r\x1b[2K{line[:110]}")
                self.out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self.drawn:
            self.out.write("\n")
            self.drawn = ""


@dataclass
class Bar:
    """A run's progress bar on a board; with others beside it, a short one."""

    run: Run
    board: Board
    short: bool = False

    def draw(self) -> None:
        """Draw the bar anew if anything moved."""
        if not self.board.out.isatty():
            return
        found = progress_of(self.run, now=wiring.clock(), window=wiring.window())
        width = SHORT_BAR_WIDTH if self.short else BAR_WIDTH
        filled = width * found.percent // 100
        line = f"[{'#' * filled}{'.' * (width - filled)}] {found.ended} of {found.planned}"
        more = "" if self.short else f", {found.limit} a minute. {found.waits_because}"
        self.board.draw(self.run.provider.name, line + more)


def drive_to_the_end(
    run: Run,
    *,
    also: QuerySet[Attempt] | None = None,
    patience: timedelta = PATIENCE,
    bar: Bar | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Progress:
    """Drive until `run` has ended, its provider is paused, or what is left waits for long.

    "Long" is longer than `patience` and two windows of the throttle. `also` are attempts of other
    runs that this order brought forward: they end with it. `stop` ends the drive early; a `bar`
    that is given is left to the giver's board.
    """
    own = bar is None
    bar = bar or Bar(run, Board())

    def ended() -> bool:
        if stop():
            return True
        run.refresh_from_db()
        if run.state == RunState.PAUSED:
            return True
        return run.closed_at is not None and not (also is not None and also.exists())

    try:
        engine.drive(
            provider=wiring.provider(run.provider.name),
            row_id=run.provider_id,
            clock=wiring.clock,
            pace=wiring.pace(),
            vault=wiring.vault(),
            stop=ended,
            until_idle=True,
            patience=max(patience, 2 * wiring.window()),
            on_tick=bar.draw,
        )
        run.refresh_from_db()
        bar.draw()
    finally:
        if own:
            bar.board.end()
    return progress_of(run, now=wiring.clock(), window=wiring.window())


def summary(run: Run, found: Progress, *, seconds: float) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    return {
        "provider": run.provider.name,
        "run": run.pk,
        "purpose": run.purpose,
        "state": run.state,
        "planned": run.planned,
        "done": found.done,
        "cancelled": found.cancelled,
        "outcomes": found.outcomes,
        "data_states": found.data_states,
        "calls": found.calls,
        "seconds": round(seconds, 2),
        "forecast_seconds": round(run.forecast_seconds, 2),
        "waits_because": found.waits_because,
    }


def one_or_several(said: list[dict[str, Any]]) -> str:
    """Return what `--json` prints: an object, or a list of them where several providers spoke."""
    return json.dumps(said[0] if len(said) == 1 else said)


def exit_code(run: Run) -> int:
    """0 when the run has ended, 3 when it is paused or waits for long."""
    return EXIT_CLOSED if run.closed_at is not None else EXIT_PAUSED
