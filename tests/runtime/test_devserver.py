"""`make run` as a visitor meets it: real processes, real HTTP, real signals."""

import http.cookiejar
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from refreshops.runtime import processes
from tests.runtime.workshop import ROOT, alive, environment, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.alone]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo:
    """One `manage.py devserver`; its ports and what it printed."""

    def __init__(self, database, log, **settings: str) -> None:
        self.database, self.log = database, log
        self.port, self.simulator_port = free_port(), free_port()
        self.environment = environment(database) | {
            "FLINKS_API_URL": f"http://127.0.0.1:{self.simulator_port}/v3/",
            "FLANKS_API_URL": f"http://127.0.0.1:{self.simulator_port}/",
            "LOGINS_PER_MINUTE": "30",
            "PUBLIC_URL": "",
            "EMAIL_URL": "",
            "FLINKS_WEBHOOK_KEY": "simulator-webhook-key",
            **settings,
        }
        self._seen: set[int] = set()

    def start(self, *arguments: str) -> "Demo":
        with self.log.open("w") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "devserver", f"--port={self.port}", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def greeted(self) -> "Demo":
        wait_for(
            lambda: "Ctrl-C" in self.said() or self.process.poll() is not None,
            seconds=30,
            what="the greeting was printed",
        )
        assert self.process.poll() is None, self.said()
        self._seen.update(processes.below(self.process.pid))
        return self

    def said(self) -> str:
        return self.log.read_text()

    def told(self, setting: str) -> dict[str, str]:
        """Return what web and worker were told of a setting, by program."""
        found = {}
        for pid in processes.below(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            settings = Path(f"/proc/{pid}/environ").read_text().split("\0")
            told = [one.partition("=")[2] for one in settings if one.startswith(f"{setting}=")]
            for name in ("worker", "refreshops.wsgi"):
                if name in words:
                    found[name] = told[0]
        return found

    def password(self) -> str:
        return re.search(r"Password\s+(\S+)", self.said())[1]

    def end(self, number: int, *, seconds: float = 15) -> int:
        self._seen.update(processes.below(self.process.pid))
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def survivors(self) -> list[int]:
        return [pid for pid in self._seen if alive(pid)]

    def counts(self) -> dict[str, int]:
        tables = ("auth_user", "logins_login", "routine_run", "django_q_schedule")
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for name in tables
            }
        finally:
            connection.close()

    def done(self) -> set[str]:
        """Return the providers of whose runs a login is done."""
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            rows = connection.execute(
                "SELECT DISTINCT p.name FROM routine_attempt a"
                " JOIN routine_run r ON r.id = a.run_id"
                " JOIN logins_provider p ON p.id = r.provider_id"
                " WHERE a.state = 'done' AND a.login_id NOT NULL AND r.origin = 'daily'"
            )
            return {name for (name,) in rows}
        finally:
            connection.close()


def sign_in(demo: Demo, username: str) -> str:
    """Sign in as a browser does; returns the address one lands on."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://127.0.0.1:{demo.port}/login/?next=/"
    opener.open(address, timeout=10).close()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = {"username": username, "password": demo.password(), "csrfmiddlewaretoken": token}
    with opener.open(address, urllib.parse.urlencode(form).encode(), timeout=10) as page:
        return page.geturl()


@pytest.fixture
def demos(database, tmp_path):
    made = []

    def make(**settings: str) -> Demo:
        made.append(Demo(database, tmp_path / f"demo-{len(made)}.log", **settings))
        return made[-1]

    yield make
    for demo in made:
        if demo.process.poll() is None:
            demo.end(signal.SIGKILL)
        for pid in demo.survivors():
            processes.send(pid, signal.SIGKILL)


def test_it_greets_with_a_moving_run_stops_on_one_signal_and_starts_again(demos):
    first = demos().start("--logins=6", "--further-logins=3").greeted()

    with urllib.request.urlopen(f"http://127.0.0.1:{first.port}/healthz", timeout=5) as answer:
        health = json.load(answer)
    landings = [sign_in(first, name) for name in ("ops", "manager", "auditor", "admin")]
    wait_for(lambda: len(first.done()) == 2, seconds=60, what="both runs had a login done")
    given, lenders = first.told("PUBLIC_URL"), first.told("LENDER_NAME")
    status = first.end(signal.SIGTERM)

    assert health["database"] == "ok"
    assert landings == [f"http://127.0.0.1:{first.port}/"] * 4
    assert set(given.values()) == {f"http://127.0.0.1:{first.port}"}
    assert set(lenders.values()) == {"Maple Lending"}
    assert given.keys() >= {"worker", "refreshops.wsgi"}
    assert "Today's runs  Flinks: 6 logins at 30 a minute, about 1 min in all" in first.said()
    assert "              Flanks: 3 logins at 30 a minute, about 1 min in all" in first.said()
    assert f"Mails         {first.database.parent}/mail/" in first.said()
    assert status == 0
    assert not first.survivors()
    assert "Traceback" not in first.said()

    before = first.counts()
    again = demos(DEMO_PASSWORD="the-same-every-time")
    second = again.start("--logins=6", "--further-logins=3").greeted()

    assert second.password() == "the-same-every-time"
    assert second.counts() == before
    assert second.end(signal.SIGINT) == 0
    assert not second.survivors()


def test_with_one_provider_in_the_settings_nobody_speaks_of_another(demos):
    demo = demos(FLANKS_API_URL="").start("--logins=2").greeted()

    assert "Today's run   2 logins at 30 a minute" in demo.said()
    assert "lanks" not in demo.said()


def test_when_one_program_dies_it_says_which_and_stops_the_others(demos):
    demo = demos().start("--logins=2").greeted()
    simulator = next(
        pid
        for pid in processes.below(demo.process.pid)
        if b"refreshops.simulator" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )

    os.kill(simulator, signal.SIGKILL)

    assert demo.process.wait(timeout=15) == 1
    assert "The simulator ended by itself" in demo.said().splitlines()[-1]
    assert not demo.survivors()


def test_killed_outright_it_leaves_no_process_behind(demos):
    demo = demos().start("--logins=2").greeted()

    demo.end(signal.SIGKILL)

    wait_for(lambda: not demo.survivors(), seconds=15, what="every process ended")


def test_a_taken_port_is_said_in_one_sentence(demos):
    demo = demos()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.port))
        taken.listen()
        status = demo.start().process.wait(timeout=15)

    assert status == 1
    assert re.fullmatch(
        rf"CommandError: Port {demo.port} for the web pages is taken.*\n", demo.said()
    )


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        pytest.param(
            {"FLINKS_API_URL": "https://lender-api.private.fin.ag/v3/"},
            [],
            "built-in simulator only",
            id="a-real-provider",
        ),
        pytest.param(
            {"FLANKS_API_URL": "http://127.0.0.1:9/"},
            [],
            "FLANKS_API_URL names another host or port",
            id="another-provider-elsewhere",
        ),
        pytest.param({}, ["--simulator-port=1"], "FLINKS_API_URL in .env says", id="two-ports"),
        pytest.param({"HTTPS_ONLY": "true"}, [], "HTTPS_ONLY=false", id="https-only"),
        pytest.param({"ALLOWED_HOSTS": "localhost"}, [], "add it to ALLOWED_HOSTS", id="host"),
    ],
)
def test_settings_that_do_not_fit_a_demo_are_refused(demos, settings, arguments, sentence):
    demo = demos(**settings).start(*arguments)

    assert demo.process.wait(timeout=15) == 1
    assert sentence in demo.said()
    assert demo.said().count("\n") == 1


def test_a_signal_while_it_prepares_stops_it_too(demos):
    demo = demos().start("--logins=2")
    wait_for(lambda: "Preparing" in demo.said(), seconds=10, what="it began to prepare")
    began = time.monotonic()

    status = demo.end(signal.SIGTERM)

    assert status == 0
    assert time.monotonic() - began < 12
    assert "Password" not in demo.said()
