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
from refreshops.logins.models import Customer, Login, LoginStatus, Nightly
from refreshops.routine import foreground, services
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import Purpose

LARGEST_FILE = 64 << 20
# So many unconfirmed logins are named one by one.
SHOWN = 20


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
        if not options["reason"].strip():
            raise CommandError("Say why: the reason stands on the receipt.")
        if not logins.exists():
            raise CommandError("No login was chosen.")
        proven = Q(
            status=LoginStatus.INACTIVE, nightly=Nightly.OFF, nightly_verified_at__isnull=False
        )
        if options["dry_run"]:
            self._preview(logins, as_json=options["json"])
            return
        now = wiring.clock()
        keys = list(logins.values_list("pk", flat=True))
        # Verified once is enough: a further look would only keep the login alive there.
        logins = logins.exclude(proven)
        if not logins.exists():
            self.stdout.write(
                json.dumps({"state": "closed", "already_off": len(keys)})
                if options["json"]
                else f"All {len(keys)} logins are off at the provider already, verified."
            )
            return
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
        sys.exit(max(self._drive(order, keys, as_json=options["json"]) for order in opened))

    def _drive(self, order: services.Opened, keys: list[int], *, as_json: bool) -> int:
        """Drive one provider's order to its end, or until what is left waits for long."""
        started = time.monotonic()
        open_orders = Attempt.objects.filter(
            login_id__in=keys, purpose=Purpose.SWITCH_OFF.value, state__in=OPEN_ATTEMPT
        )
        found = foreground.drive_to_the_end(order.run, also=open_orders)
        logins = Login.objects.filter(pk__in=keys, provider=order.run.provider)
        off = logins.filter(nightly=Nightly.OFF)
        proof = {
            "off": off.count(),
            "verified": off.filter(nightly_verified_at__isnull=False).count(),
            "unconfirmed": logins.filter(nightly_verified_at__isnull=True).count(),
            "brought_forward": order.brought_forward,
        }
        if as_json:
            seconds = time.monotonic() - started
            summary = foreground.summary(order.run, found, seconds=seconds)
            self.stdout.write(json.dumps(summary | proof))
        else:
            self._say(order, logins, proof, waits_because=found.waits_because)
        waiting = open_orders.filter(login__provider=order.run.provider).exists()
        return foreground.EXIT_PAUSED if waiting else foreground.EXIT_CLOSED

    def _say(
        self,
        order: services.Opened,
        logins: QuerySet[Login],
        proof: dict[str, int],
        *,
        waits_because: str,
    ) -> None:
        self.stdout.write(
            f"{order.run}: {proof['off']} of {logins.count()} off at the provider, "
            f"{proof['verified']} verified by read-back, {proof['unconfirmed']} not confirmed."
        )
        for login in logins.filter(nightly_verified_at__isnull=True).order_by("pk")[:SHOWN]:
            last = login.attempts.filter(purpose=Purpose.SWITCH_OFF.value).order_by("-pk").first()
            why = (last.message or last.waits_for or last.outcome) if last else ""
            self.stdout.write(f"  not confirmed: {login.login_id} {why}".rstrip())
        if waits_because:
            self.stdout.write(f"{waits_because} The worker goes on with it.")

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
        if not path.is_file():
            raise CommandError(f"{path} is no file.")
        if path.stat().st_size > LARGEST_FILE:
            raise CommandError(f"{path} is too large for a list of logins.")
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
