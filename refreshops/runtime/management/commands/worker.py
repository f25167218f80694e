"""`manage.py worker`: run the queue's cluster under the supervisor."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django_q.conf import Conf

from refreshops.runtime.supervisor import Patience, Supervisor

NEEDED_TABLES = {"django_q_ormq", "routine_beat"}


class Command(BaseCommand):
    help = "Work off the queue until SIGTERM; a cluster that froze or died is started anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ping-seconds", type=_seconds, default=5.0, help="default 5")
        parser.add_argument(
            "--limit-seconds",
            type=_seconds,
            default=15.0,
            help="how long a ping may stay while a worker is free (default 15)",
        )
        parser.add_argument(
            "--grace-seconds",
            type=_seconds,
            default=60.0,
            help="how long calls in flight may take at the end (default 60)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        missing = NEEDED_TABLES - set(connection.introspection.table_names())
        if missing:
            raise CommandError("The database has no tables yet: run `manage.py migrate` first.")
        patience = Patience(
            ping_seconds=options["ping_seconds"],
            limit_seconds=options["limit_seconds"],
            grace_seconds=options["grace_seconds"],
            longest_task_seconds=Conf.TIMEOUT,
            workers=Conf.WORKERS,
        )
        Supervisor(patience).run()


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError as wrong:
        raise ArgumentTypeError(f"not a number of seconds: {text!r}") from wrong
    if not 0.1 <= value <= 3600:
        raise ArgumentTypeError(f"must be from 0.1 to 3600 seconds, not {text}")
    return value
