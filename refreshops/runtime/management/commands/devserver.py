"""`manage.py devserver`: web, worker and simulator in one terminal, for `make run`."""

import signal
import socket
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from json import dumps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

import refreshops
from refreshops import wiring
from refreshops.connect.letter_words import NAMELESS
from refreshops.runtime import demo, demo_register, processes
from refreshops.runtime.dotenv import surroundings
from refreshops.runtime.household import Household
from refreshops.wiring.demo import Demo
from refreshops.wiring.demo import demo as wishes_of_the_settings

HOST = "127.0.0.1"
ROOT = Path(refreshops.__file__).resolve().parent.parent
START_SECONDS = 60.0
REGISTER, CUSTOMERS = "register.csv", "customers.csv"
# Known to the provider and to nobody here: its report tells of them.
STRANGERS = 2
# How many logins each further provider has, with LOGINS at the first.
FURTHER_LOGINS = 40
# Who asks the customers, where LENDER_NAME does not say.
LENDER = "Maple Lending"
FOR_EVER = float("inf")
# A little longer than the worker's own patience.
WORKER_GRACE_SECONDS = 5.0
GRACE_SECONDS = 8.0


class _AskedToStop(Exception):
    """Ctrl-C or SIGTERM: the ordinary end."""


class Command(BaseCommand):
    help = "Start web, worker and simulator with a demo register; one Ctrl-C or SIGTERM stops all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web pages (8000)")
        parser.add_argument(
            "--simulator-port", type=int, help="default: the port in FLINKS_API_URL"
        )
        parser.add_argument("--logins", type=int, default=120, help="how many it serves (120)")
        parser.add_argument(
            "--further-logins",
            type=int,
            default=FURTHER_LOGINS,
            help=f"how many at each further provider ({FURTHER_LOGINS})",
        )
        parser.add_argument("--scenario", default="morning", help="of the simulator (morning)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.signals = 0
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)
        wishes = wishes_of_the_settings()
        _check_settings(wishes, simulator_port=options["simulator_port"])
        _check_free(options["port"], what="web pages", way="make run PORT=8001")
        _check_free(wishes.simulator_port, what="simulator", way="FLINKS_API_URL in .env")
        processes.adopt_orphans()
        home = Household(folder=ROOT)
        try:
            with tempfile.TemporaryDirectory(prefix="refreshops-demo-") as folder:
                self._run(home, wishes, options, folder=Path(folder))
        except _AskedToStop:
            self.stdout.write("Stopping …")
        finally:
            home.end(grace_seconds=GRACE_SECONDS, hurry=lambda: self.signals > 1)
        self.stdout.write("Everything has stopped.")

    def _signalled(self, *_: object) -> None:
        self.signals += 1

    def _run(self, home: Household, wishes: Demo, options: dict[str, Any], *, folder: Path) -> None:
        self.stdout.write("Preparing the database and the demo register …")
        demo.prepare_database()
        password = demo.make_people(password=wishes.password)
        home.start("simulator", _simulator(wishes, options, folder=folder))
        self._wait(home, lambda: _answers(wishes.simulator_port, "/"), what="simulator")
        logins = demo_register.prepare_register(
            logins=folder / REGISTER, customers=folder / CUSTOMERS
        )
        demo.open_first_run()
        connections.close_all()
        ours = surroundings(_unsaid(wishes, port=options["port"]))
        worker = _manage("worker", f"--grace-seconds={WORKER_GRACE_SECONDS}")
        home.start("worker", worker, environment=ours)
        home.start("web", _gunicorn(options["port"]), environment=ours)
        self._wait(home, lambda: _answers(options["port"], "/healthz"), what="web")
        self._greet(wishes, port=options["port"], password=password, logins=logins)
        self._wait(home, lambda: False, what="", seconds=FOR_EVER)

    def _wait(
        self, home: Household, true: Any, *, what: str, seconds: float = START_SECONDS
    ) -> None:
        """Go on when `true`; raise when signalled, or a program ends, or it takes too long."""
        ended = home.wait_until(lambda: bool(self.signals) or true(), seconds=seconds)
        if self.signals:
            raise _AskedToStop
        if ended is None:
            raise CommandError(f"The {what} did not answer within {seconds:.0f} s; stopping.")
        if ended:
            raise CommandError(
                f"The {ended} ended by itself (its last lines are above); stopping the others."
            )

    def _greet(self, wishes: Demo, *, port: int, password: str, logins: Mapping[str, int]) -> None:
        people = [name for name, *_ in demo.PEOPLE]
        mails = _shown(wishes.mail_folder) if wishes.mails_are_printed else "as EMAIL_URL says"
        several = len(logins) > 1
        runs = [
            f"{f'{name.capitalize()}: ' if several else ''}"
            f"{demo.first_run_in_words(name, logins=number)}"
            for name, number in logins.items()
        ]
        lines = (
            "",
            f"  RefreshOps    http://{HOST}:{port}/",
            f"  Sign in as    {', '.join(people[:-1])} or {people[-1]}",
            f"  Password      {password}",
            f"  Today's run{'s' if several else ' '}  {runs[0]}",
            *(f"                {run}" for run in runs[1:]),
            f"  Mails         {mails}",
            "  Stop          Ctrl-C",
            "",
        )
        connections.close_all()
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _unsaid(wishes: Demo, *, port: int) -> dict[str, str]:
    """Return the settings by which customers can connect on this machine, where none are given.

    Mails that would be lost among the lines of the worker go to files.
    """
    added = {}
    if not wishes.public_url:
        added["PUBLIC_URL"] = f"http://{HOST}:{port}"
    if wishes.lender == NAMELESS:
        added["LENDER_NAME"] = LENDER
    if wishes.mails_are_printed:
        added["EMAIL_URL"] = f"filemail:///{quote(str(wishes.mail_folder))}"
    return added


def _shown(folder: Path) -> str:
    return f"{folder.relative_to(ROOT)}/" if folder.is_relative_to(ROOT) else f"{folder}/"


def _check_settings(wishes: Demo, *, simulator_port: int | None) -> None:
    label = wiring.environment_label("flinks")
    if label != "simulator":
        raise CommandError(
            "devserver speaks with the built-in simulator only, but FLINKS_API_URL names another "
            "host. For real work start gunicorn and `manage.py worker` (see deploy/)."
        )
    if wishes.elsewhere:
        raise CommandError(
            f"devserver speaks with the built-in simulator only, but {wishes.elsewhere[0].upper()}"
            "_API_URL names another host or port than FLINKS_API_URL."
        )
    if simulator_port is not None and simulator_port != wishes.simulator_port:
        raise CommandError(
            f"--simulator-port is {simulator_port}, but FLINKS_API_URL in .env says "
            f"{wishes.simulator_port}: change one of them."
        )
    if wishes.https_only:
        raise CommandError("devserver serves plain http: set HTTPS_ONLY=false in .env.")
    if HOST not in wishes.hosts:
        raise CommandError(f"devserver listens on {HOST}: add it to ALLOWED_HOSTS in .env.")


def _check_free(port: int, *, what: str, way: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} for the {what} is taken ({error.strerror}): "
                f"end what listens there, or choose another with {way}."
            ) from error


def _simulator(wishes: Demo, options: dict[str, Any], *, folder: Path) -> list[str]:
    # In a file, because a command line is readable to everybody on the machine.
    keys = folder / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(dumps(wishes.keys))
    return [
        *(sys.executable, "-m", "refreshops.simulator"),
        *("--port", str(wishes.simulator_port)),
        *("--window", str(wiring.window().total_seconds())),
        *_webhooks(wishes, port=options["port"]),
        "--with-managers",
        *("--scenario", options["scenario"]),
        *("--logins", str(options["logins"])),
        *("--strangers", str(STRANGERS)),
        *_further(wishes, logins=options["further_logins"]),
        *("--register", str(folder / REGISTER)),
        *("--customers", str(folder / CUSTOMERS)),
        *("--keys", str(keys)),
    ]


def _further(wishes: Demo, *, logins: int) -> list[str]:
    """Let the simulator serve the providers beside the first, too."""
    return [
        word
        for name in wishes.simulated[1:]
        for word in (f"--{name}-logins={logins}", f"--{name}-strangers={STRANGERS}")
    ]


def _webhooks(wishes: Demo, *, port: int) -> list[str]:
    """Let the simulator tell of refreshes by itself, if we could believe it."""
    if "webhook_key" not in wishes.keys:
        return []
    return ["--webhook-url", f"http://{HOST}:{port}/webhooks/flinks/"]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _gunicorn(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "refreshops.wsgi"),
        *("--bind", f"{HOST}:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"),
    ]


def _answers(port: int, path: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status > 0
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
