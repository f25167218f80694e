"""Delete old calls from the trace: the twin of the nightly schedule."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from refreshops.tracing import retention
from refreshops.tracing.events import Action, note

LONGEST = 36_500


class Command(BaseCommand):
    help = "Delete calls older than N days, in batches."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, required=True)

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if not 1 <= days <= LONGEST:
            raise CommandError(
                f"--days must be at least 1 (today's evidence stays), {LONGEST} at most."
            )
        now = timezone.now()
        deleted = retention.prune(before=now - timedelta(days=days))
        if deleted:
            note(Action.PRUNE, by=None, at=now, number=deleted, details={"calls": deleted})
        self.stdout.write(f"{deleted} calls older than {days} days deleted.")
