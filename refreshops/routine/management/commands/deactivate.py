"""Switch the nightly refresh off at the provider: the twin of the action on the logins page."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet

from refreshops import wiring
from refreshops.logins.models import Customer, Login, LoginStatus
from refreshops.routine import foreground, services


class Command(BaseCommand):
    help = (
        "Order the nightly refresh off for logins or whole customers, and drive the order. "
        "Nothing shows as off before the provider said so. Exit 0 confirmed, 3 still waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--login-id", nargs="+", metavar="ID")
        which.add_argument("--customer", nargs="+", metavar="REF")
        which.add_argument("--file", type=Path, metavar="F", help="one LoginId or reference a line")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        logins = self._chosen(options)
        if options["dry_run"]:
            self._preview(logins, as_json=options["json"])
            return
        started = time.monotonic()
        now = wiring.clock()
        try:
            opened = services.switch(
                logins=logins,
                on=False,
                by=None,
                reason=options["reason"],
                now=now,
                local_date=wiring.local_date(now),
                window=wiring.window(),
            )
        except services.Refused as refused:
            raise CommandError(str(refused)) from refused
        codes = [self._drive(order, started=started, as_json=options["json"]) for order in opened]
        sys.exit(max(codes))

    def _drive(self, order: services.Opened, *, started: float, as_json: bool) -> int:
        found = foreground.drive_to_the_end(order.run)
        run, seconds = order.run, time.monotonic() - started
        if as_json:
            self.stdout.write(json.dumps(foreground.summary(run, found, seconds=seconds)))
        else:
            verified = run.attempts.filter(verified=True).count()
            self.stdout.write(
                f"{run}: {run.state}. {found.done} of {found.planned} answered, "
                f"{verified} verified off by read-back. {found.waits_because}".rstrip()
            )
        return foreground.exit_code(run)

    def _preview(self, logins: QuerySet[Login], *, as_json: bool) -> None:
        off = logins.filter(status=LoginStatus.INACTIVE).count()
        chosen = logins.count()
        if as_json:
            self.stdout.write(json.dumps({"chosen": chosen, "already_inactive": off}))
        else:
            self.stdout.write(
                f"Would switch off {chosen} logins ({off} of them are inactive here already). "
                "Nothing was changed."
            )

    def _chosen(self, options: dict[str, Any]) -> QuerySet[Login]:
        if options["login_id"]:
            return self._logins(options["login_id"], by_login=True)
        if options["customer"]:
            return self._logins(options["customer"], by_login=False)
        path: Path = options["file"]
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read as UTF-8 text: {error}") from error
        words = [line.strip() for line in lines if line.strip()]
        return self._logins(words, by_login=None)

    def _logins(self, words: list[str], *, by_login: bool | None) -> QuerySet[Login]:
        """Find the logins named; refuse the whole order when any word names nothing."""
        ids: set[str] = set()
        references: set[str] = set()
        for word in words:
            as_id = None if by_login is False else _login_id(word)
            if as_id is not None:
                ids.add(as_id)
            else:
                references.add(word)
        found = Login.objects.filter(Q(login_id__in=ids) | Q(customer__reference__in=references))
        unknown = ids - set(found.values_list("login_id", flat=True))
        known = Customer.objects.filter(reference__in=references)
        unknown |= references - set(known.values_list("reference", flat=True))
        if unknown:
            raise CommandError(
                f"Not in the register, nothing was changed: {', '.join(sorted(unknown)[:20])}"
            )
        return found


def _login_id(word: str) -> str | None:
    for name in wiring.PROVIDER_NAMES:
        with suppress(ValueError):
            return wiring.canonical_login_id(name, word)
    return None
