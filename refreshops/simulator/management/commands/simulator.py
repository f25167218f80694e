"""`manage.py simulator`: the same as `python -m refreshops.simulator`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from refreshops.simulator import cli


class Command(BaseCommand):
    help = "Serve a fake Flinks on its own port, until it is told to stop."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        cli.serve(cli.options_from(options))
