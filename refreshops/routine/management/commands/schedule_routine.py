"""`manage.py schedule_routine`: write the schedules, and set when the daily runs start."""

from argparse import ArgumentParser
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.timezone import get_default_timezone_name

from refreshops import wiring
from refreshops.routine import schedules
from refreshops.routine.management.commands import _choosing

REST = "heartbeat every minute, pruning at night."


class Command(BaseCommand):
    help = "Write the schedules (safe to repeat). Without options a time already set is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--time", metavar="HH:MM", help="start the daily run at this time")
        choice.add_argument("--off", action="store_true", help="open no daily run by itself")
        _choosing.add_provider(parser, help="only this one's daily run (default: every one's)")

    def handle(self, *args: Any, **options: Any) -> None:
        names = _choosing.providers(options["provider"])
        schedules.ensure_schedules(wiring.provider_names())
        wanted = _read_time(options["time"]) if options["time"] else None
        if wanted is not None or options["off"]:
            _set(wanted, names)
        self.stdout.write(_state())


def _set(wanted: time | None, names: list[str]) -> None:
    """Set it for all of them, or for none."""
    try:
        with transaction.atomic():
            for name in names:
                schedules.set_daily_time(wanted, provider=name)
    except schedules.UnfitTime as unfit:
        raise CommandError(str(unfit)) from unfit


def _read_time(text: str) -> time:
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 (a time of day)
    except ValueError as wrong:
        raise CommandError(f"--time must be HH:MM such as 10:30, not {text!r}.") from wrong


def _state() -> str:
    """Say when each provider's daily run starts; with one provider there is no need to name it."""
    times = {name: schedules.daily_time(name) for name in wiring.provider_names()}
    if len(times) == 1:
        (at,) = times.values()
        return f"Daily run at {_moment(at)}; {REST}" if at else f"The daily run is off; {REST}"
    told = ", ".join(f"{name} {f'at {_moment(at)}' if at else 'off'}" for name, at in times.items())
    return f"Daily runs: {told}; {REST}"


def _moment(at: time) -> str:
    return f"{at:%H:%M} {get_default_timezone_name()}"
