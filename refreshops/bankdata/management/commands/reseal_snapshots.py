"""Bring bank data at rest under the newest key, so that an older one can be taken away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from refreshops import wiring
from refreshops.bankdata import retention
from refreshops.bankdata.vault import Sealed


class Command(BaseCommand):
    help = "Encrypt every snapshot anew with the first key of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = retention.reseal(wiring.vault())
        except Sealed as sealed:
            raise CommandError(str(sealed)) from sealed
        self.stdout.write(f"{done} snapshots are under the newest key; older keys may go.")
