"""What `deactivate` and `activate` share: giving an order and driving it."""

import json
import sys
import time
from argparse import ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet
from django.utils.timezone import get_default_timezone

from refreshops import wiring
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.routine import foreground, services
from refreshops.routine.management.commands import _choosing
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.rules.lifecycle import Purpose

# So many unconfirmed logins are named one by one.
SHOWN = 20


class OrderCommand(BaseCommand):
    """Switch the nightly refresh of the logins named, one way or the other.

    `wanted` is what the provider shall say at the end; `done` are the logins that need no order.
    """

    purpose: Purpose
    wanted: Nightly
    status: LoginStatus
    done: Q
    done_words: str

    def add_arguments(self, parser: CommandParser) -> None:
        _choosing.add_choices(parser.add_mutually_exclusive_group(required=True))
        _choosing.add_provider(parser)
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument(
            "--starts",
            type=_day,
            metavar="YYYY-MM-DD",
            help="begin on this day, not at once; until then the order can be withdrawn",
        )
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        logins = _choosing.chosen(options)
        if not options["reason"].strip():
            raise CommandError("Say why: the reason stands on the receipt.")
        if not logins.exists():
            raise CommandError("No login was chosen.")
        if options["dry_run"]:
            self._preview(logins, as_json=options["json"])
            return
        keys = list(logins.values_list("pk", flat=True))
        chosen, logins = logins, logins.exclude(self.done | self._done_here())
        if not logins.exists():
            self._say_that_all_is_done(chosen, as_json=options["json"])
            return
        orders = self._order(logins, options)
        if any(order.waits for order in orders):
            self._say_that_it_waits(orders, as_json=options["json"])
            sys.exit(foreground.EXIT_PAUSED)
        ends = [self._drive(order, keys, as_json=options["json"]) for order in orders]
        if options["json"]:
            self.stdout.write(foreground.one_or_several([said for _, said in ends]))
        sys.exit(max(code for code, _ in ends))

    def _done_here(self) -> Q:
        """Return the logins that stand as wanted where the provider has no switch to be told of."""
        names = [name for name in wiring.provider_names() if wiring.here_only(name, self.purpose)]
        return Q(provider__name__in=names, status=self.status)

    def _say_that_all_is_done(self, logins: QuerySet[Login], *, as_json: bool) -> None:
        """Say what the provider said itself apart from what we only stopped, or began, asking."""
        there = logins.filter(self.done).count()
        here = logins.exclude(self.done).count()
        if as_json:
            found = {"state": "closed", f"already_{self.wanted}": there}
            self.stdout.write(
                json.dumps(found | ({f"already_{self.status}": here} if here else {}))
            )
            return
        if there:
            self.stdout.write(f"{'' if here else 'All '}{there} logins are {self.done_words}.")
        if here:
            self.stdout.write(
                f"{'' if there else 'All '}{here} logins are {self.status} here already, and their "
                "provider has no switch."
            )

    def _order(self, logins: QuerySet[Login], options: dict[str, Any]) -> list[services.Opened]:
        """Give the order; one that was given before is gone on with."""
        now = wiring.clock()
        try:
            return services.switch(
                logins=logins,
                on=self.purpose is Purpose.SWITCH_ON,
                by=None,
                reason=options["reason"],
                now=now,
                local_date=wiring.local_date(now),
                window=wiring.window(),
                starts_at=options["starts"],
            )
        except services.AlreadyOrdered as already:
            number = logins.count()
            runs = Run.objects.filter(pk__in=already.runs).order_by("pk")
            return [services.Opened(run, 0, brought_forward=number) for run in runs]
        except services.Refused as refused:
            raise CommandError(str(refused)) from refused

    def _say_that_it_waits(self, orders: list[services.Opened], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(foreground.one_or_several([_waiting(order) for order in orders]))
            return
        for order in orders:
            self.stdout.write(f"{order.run}: {order.run.planned} logins. {order.waits}")

    def _drive(
        self, order: services.Opened, keys: list[int], *, as_json: bool
    ) -> tuple[int, dict[str, Any]]:
        """Drive one provider's order to its end, or until what is left waits for long.

        Returns the exit code, and what --json prints of it.
        """
        started = time.monotonic()
        open_orders = Attempt.objects.filter(
            login_id__in=keys, purpose=self.purpose.value, state__in=OPEN_ATTEMPT
        )
        found = foreground.drive_to_the_end(order.run, also=open_orders)
        logins = Login.objects.filter(pk__in=keys, provider=order.run.provider)
        there = logins.filter(nightly=self.wanted)
        proof = {
            str(self.wanted): there.count(),
            "verified": there.filter(nightly_verified_at__isnull=False).count(),
            "unconfirmed": logins.filter(nightly_verified_at__isnull=True).count(),
            "brought_forward": order.brought_forward,
        }
        summary = foreground.summary(order.run, found, seconds=time.monotonic() - started)
        if not as_json:
            self._say(order, logins, proof, waits_because=found.waits_because)
        waiting = open_orders.filter(login__provider=order.run.provider).exists()
        return (foreground.EXIT_PAUSED if waiting else foreground.EXIT_CLOSED), summary | proof

    def _say(
        self,
        order: services.Opened,
        logins: QuerySet[Login],
        proof: dict[str, int],
        *,
        waits_because: str,
    ) -> None:
        self.stdout.write(
            f"{order.run}: {proof[str(self.wanted)]} of {logins.count()} {self.wanted} at the "
            f"provider, {proof['verified']} verified by read-back, "
            f"{proof['unconfirmed']} not confirmed."
        )
        for login in logins.filter(nightly_verified_at__isnull=True).order_by("pk")[:SHOWN]:
            last = login.attempts.filter(purpose=self.purpose.value).order_by("-pk").first()
            why = (last.message or last.waits_for or last.outcome) if last else ""
            self.stdout.write(f"  not confirmed: {login.login_id} {why}".rstrip())
        if waits_because:
            self.stdout.write(f"{waits_because} The worker goes on with it.")

    def _preview(self, logins: QuerySet[Login], *, as_json: bool) -> None:
        already = logins.filter(status=self.status).count()
        chosen = logins.count()
        if as_json:
            self.stdout.write(json.dumps({"chosen": chosen, f"already_{self.status}": already}))
        elif chosen == 1:
            here = f"{self.status} here already" if already else f"not {self.status} here yet"
            self.stdout.write(f"Would switch {self.wanted} 1 login ({here}). Nothing was changed.")
        else:
            self.stdout.write(
                f"Would switch {self.wanted} {chosen} logins ({already} of them are {self.status} "
                "here already). Nothing was changed."
            )


def _waiting(order: services.Opened) -> dict[str, Any]:
    return {
        "provider": order.run.provider.name,
        "run": order.run.pk,
        "state": order.run.state,
        "planned": order.run.planned,
        "left_out": order.left_out,
        "waits_because": order.waits,
    }


def _day(text: str) -> datetime:
    """Read a day; it begins at midnight by our clock."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day, as in 2026-11-20") from error
    return datetime.combine(day, datetime.min.time(), get_default_timezone())
