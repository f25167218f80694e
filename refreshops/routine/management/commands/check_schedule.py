"""Look at the nightly flag of some logins: the twin of "Look again" on the page "Leaks"."""

import random
import sys
import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from refreshops import wiring
from refreshops.logins import leaks
from refreshops.logins.models import Login, LoginQuerySet
from refreshops.routine import checking, foreground, services
from refreshops.routine.management.commands import _choosing
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.rules.lifecycle import Purpose

USUAL_SAMPLE = 50
MOST_IN_QUESTION = 200
REASON = "A look at the nightly schedule, from the command line"
# What a look can find; each is a list of the page.
FINDINGS = (
    leaks.OFF_HERE_ON_THERE,
    leaks.ON_HERE_OFF_THERE,
    leaks.UNKNOWN_THERE,
    leaks.NEVER_VERIFIED,
)


class Command(BaseCommand):
    help = (
        "Ask the provider for its report of unknown logins, and for the nightly flag of some "
        "logins; nothing is changed there. Without a choice: what leaks or was never verified "
        f"(at most {MOST_IN_QUESTION}), and a sample of {USUAL_SAMPLE} others. This is no daily "
        "thing: every look keeps an inactive login alive there. Exit 0 done, 3 still waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        _choosing.add_choices(which)
        which.add_argument(
            "--leaks", action="store_true", help="only what leaks or was never verified"
        )
        which.add_argument(
            "--sample",
            type=_number,
            metavar="N",
            help="N logins: inactive ones first, those never verified or longest not seen",
        )
        _choosing.add_provider(parser, help="ask only this one, and only about its logins")
        parser.add_argument("--reason", default=REASON, metavar="TEXT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        names = _choosing.providers(options["provider"])
        logins = _chosen(options, Login.objects.filter(provider__name__in=names))
        looks = [self._look(name, logins, options) for name in self._asked(names, logins, options)]
        if not looks:
            raise CommandError("No login was chosen, and no provider offers a report.")
        refused = [said for said in looks if isinstance(said, services.Refused)]
        ends = [end for end in looks if not isinstance(end, services.Refused)]
        if options["json"] and ends:
            self.stdout.write(foreground.one_or_several([said for _, said in ends]))
        if refused:
            raise CommandError("\n".join(map(str, refused))) from refused[0]
        sys.exit(max(code for code, _ in ends))

    def _asked(self, names: list[str], logins: LoginQuerySet, options: dict[str, Any]) -> list[str]:
        """Return who has something to be asked; who names logins means their providers alone."""
        theirs = set(logins.order_by().values_list("provider__name", flat=True).distinct())
        named = options["login_id"] or options["customer"] or options["file"]
        if named and theirs:
            return [name for name in names if name in theirs]
        return [name for name in names if name in theirs or wiring.begins_with_a_report(name)]

    def _look(
        self, name: str, logins: LoginQuerySet, options: dict[str, Any]
    ) -> tuple[int, dict[str, Any]] | services.Refused:
        """Look at one provider's logins; what it refuses keeps no other from being asked."""
        provider = wiring.provider_row(name)
        keys = list(logins.filter(provider=provider).values_list("pk", flat=True))
        with_report = wiring.begins_with_a_report(name)
        now = wiring.clock()
        try:
            opened = checking.check_schedule(
                provider=provider,
                logins=Login.objects.filter(pk__in=keys),
                by=None,
                reason=options["reason"],
                now=now,
                local_date=wiring.local_date(now),
                window=wiring.window(),
                with_report=with_report,
            )
        except services.Refused as refused:
            return refused
        return self._drive(opened, keys, as_json=options["json"])

    def _drive(
        self, order: services.Opened, keys: list[int], *, as_json: bool
    ) -> tuple[int, dict[str, Any]]:
        started = time.monotonic()
        open_looks = Attempt.objects.filter(
            login_id__in=keys, purpose=Purpose.CHECK_SCHEDULE.value, state__in=OPEN_ATTEMPT
        )
        progress = foreground.drive_to_the_end(order.run, also=open_looks)
        found = _found(keys)
        unknown = leaks.unknown_here().filter(provider=order.run.provider)
        said: dict[str, Any] = {
            **foreground.summary(order.run, progress, seconds=time.monotonic() - started),
            "looked_at": len(keys),
            **found,
            "unknown_here": [row.login_id for row in unknown],
            "report": _reported(order.run),
        }
        if not as_json:
            self._say(order, found, unknown.count(), looked_at=len(keys))
            if progress.waits_because:
                self.stdout.write(f"{progress.waits_because} The worker goes on with it.")
        waiting = open_looks.exists()
        return (foreground.EXIT_PAUSED if waiting else foreground.exit_code(order.run)), said

    def _say(
        self, order: services.Opened, found: dict[str, list[str]], unknown: int, *, looked_at: int
    ) -> None:
        self.stdout.write(f"{order.run}: looked at {looked_at} logins.")
        for name, ids in found.items():
            self.stdout.write(f"  {leaks.LEAKS[name].title}: {len(ids)}")
            for login_id in ids:
                self.stdout.write(f"    {login_id}")
        self.stdout.write(f"  Known there, unknown here: {unknown}")
        if words := _reported(order.run):
            self.stdout.write(f"  {words}")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of logins, at least 1")
    return int(text)


def _chosen(options: dict[str, Any], everything: LoginQuerySet) -> LoginQuerySet:
    chance = random.SystemRandom()
    if options["login_id"] or options["customer"] or options["file"]:
        return _choosing.chosen(options)
    if options["sample"]:
        return checking.sample(
            everything, number=options["sample"], chance=chance, also_active=True
        )
    doubtful = checking.in_question(everything, at_most=MOST_IN_QUESTION)
    if options["leaks"]:
        return doubtful
    others = everything.exclude(pk__in=list(doubtful.values_list("pk", flat=True)))
    return doubtful | checking.sample(others, number=USUAL_SAMPLE, chance=chance, also_active=True)


def _reported(run: Run) -> str:
    """Return in words what the provider's own report told, if the run asked for it."""
    told = run.attempts.filter(login__isnull=True).values_list("message", flat=True)
    return told.first() or ""


def _found(keys: list[int]) -> dict[str, list[str]]:
    """Return what disagrees now among the logins looked at: list to ids."""
    looked_at = Login.objects.filter(pk__in=keys)
    return {
        name: list(leaks.leaking(looked_at, name).order_by("pk").values_list("login_id", flat=True))
        for name in FINDINGS
    }
