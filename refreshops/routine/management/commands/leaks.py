"""Print where register and provider disagree: the twin of the page "Leaks"."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.timezone import get_default_timezone

from refreshops import wiring
from refreshops.logins import leak_report, leaks
from refreshops.logins.models import Login
from refreshops.routine import reports
from refreshops.routine.models import Run
from refreshops.rules.lifecycle import Origin, RunState

EXIT_LEAKS = 4
# So many rows of a list are named one by one; --json names all.
SHOWN = 10
UNKNOWN_TITLE = "Known there, unknown here"


class Command(BaseCommand):
    help = (
        "Print where our register and the provider disagree, what it costs a month, and who drops "
        "out of the nightly refresh when. Asks nobody: it shows what was last heard "
        "(check_schedule asks). Exit 0, or with --fail-on-leaks 4 when a list is not empty."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object, with every row")
        parser.add_argument(
            "--fail-on-leaks", action="store_true", help="exit 4 when anything leaks, for monitors"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = wiring.clock()
        found = leak_report.report(
            Login.objects.all(),
            now=now,
            zone=get_default_timezone(),
            asked_today=_asked_today(),
            dropping=wiring.dropping(),
        )
        found["reports"] = reports.newest()
        if options["json"]:
            self.stdout.write(json.dumps({"at": now.isoformat()} | found))
        else:
            self._say(found)
        if options["fail_on_leaks"] and leak_report.number_of_leaks(found):
            sys.exit(EXIT_LEAKS)

    def _say(self, found: dict[str, Any]) -> None:
        for name, leak in leaks.LEAKS.items():
            self._list(leak.title, found[name], _money(found, name))
        unknown = leak_report.UNKNOWN_HERE
        self._list(UNKNOWN_TITLE, found[unknown], _money(found, unknown))
        for report in found["reports"]:
            if report["doubt"]:
                self.stdout.write(f"NOT BELIEVED ({report['provider']}): {report['doubt']}")
        if found["unconfirmed"]:
            self.stdout.write(
                f"ALARM: {found['unconfirmed']} switch-offs unconfirmed for more than a day."
            )
        self.stdout.write(found["clock"]["sentence"])
        if found["clock"]["already_out"]:
            self.stdout.write(f"{found['clock']['already_out']} have dropped out already.")

    def _provider(self, row: dict[str, Any]) -> str:
        """Return whose login it is, where there are several providers."""
        return str(row["provider"]) if len(wiring.provider_names()) > 1 else ""

    def _list(self, title: str, rows: list[dict[str, Any]], money: str) -> None:
        self.stdout.write(f"{title}: {len(rows)}{money}")
        for row in rows[:SHOWN]:
            words = (
                self._provider(row),
                row.get("customer"),
                row.get("institution"),
                row.get("manager"),
            )
            gone = "unknown to the provider" if row.get("gone_at") else ""
            told = [word for word in (*words, gone) if word]
            self.stdout.write(f"  {row['login_id']}  {', '.join(told)}".rstrip())
        if len(rows) > SHOWN:
            self.stdout.write(f"  and {len(rows) - SHOWN} more (--json names all)")


def _money(found: dict[str, Any], name: str) -> str:
    """Say what a list costs; only of those off here is it certain that money is lost."""
    costs = found["monthly_costs"].get(name, {})
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in costs.items())
    up_to = "" if name == leaks.OFF_HERE_ON_THERE else "up to "
    return f" ({up_to}{amounts} a month)" if amounts else ""


def _asked_today() -> bool:
    """Tell whether today's daily run is over where logins drop out."""
    today = wiring.local_date(wiring.clock())
    runs = Run.objects.filter(origin=Origin.DAILY.value, local_date=today)
    runs = runs.filter(provider__name__in=wiring.dropping())
    return runs.filter(state=RunState.CLOSED.value).exists()
