"""`manage.py schedule_routine`: write the schedules, and set when the daily run starts."""

from argparse import ArgumentParser
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import get_default_timezone_name

from refreshops.routine import schedules


class Command(BaseCommand):
    help = "Write the schedules (safe to repeat). Without options a time already set is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--time", metavar="HH:MM", help="start the daily run at this time")
        choice.add_argument("--off", action="store_true", help="open no daily run by itself")

    def handle(self, *args: Any, **options: Any) -> None:
        schedules.ensure_schedules()
        try:
            if options["off"]:
                schedules.set_daily_time(None)
            elif options["time"]:
                schedules.set_daily_time(_read_time(options["time"]))
        except schedules.UnfitTime as unfit:
            raise CommandError(str(unfit)) from unfit
        self.stdout.write(_state())


def _read_time(text: str) -> time:
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 (a time of day)
    except ValueError as wrong:
        raise CommandError(f"--time must be HH:MM such as 10:30, not {text!r}.") from wrong


def _state() -> str:
    at = schedules.daily_time()
    if at is None:
        return "The daily run is off; heartbeat every minute, pruning at night."
    zone = get_default_timezone_name()
    return f"Daily run at {at:%H:%M} {zone}; heartbeat every minute, pruning at night."
