"""Chromium and a whole development server, as a visitor meets them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.installation import ROOT, Installation

PASSWORD = "demo-password-of-the-test"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Site:
    """A running development server and the database behind it."""

    address: str
    place: Installation
    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def devserver(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start `manage.py devserver`; SIGTERM must end it and all its children."""
    started: list[Site] = []

    def start(*, logins: int, scenario: str = "morning", **environment: str) -> Site:
        port = free_port()
        place = Installation(
            tmp_path,
            database_url=f"sqlite:///{tmp_path / 'site.sqlite3'}",
            api_url=f"http://127.0.0.1:{free_port()}/v3/",
            environment={"DEMO_PASSWORD": PASSWORD, "POLL_SECONDS": "1"} | environment,
        )
        process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "manage.py"),
                "devserver",
                *("--port", str(port), "--logins", str(logins), "--scenario", scenario),
            ],
            env=place.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        site = Site(f"http://127.0.0.1:{port}/", place, process)
        started.append(site)
        assert process.stdout is not None
        for line in process.stdout:
            site.said.append(line)
            if "Ctrl-C" in line:
                return site
        raise AssertionError("".join(site.said))

    yield start
    for site in started:
        if site.process.poll() is None:
            site.process.send_signal(signal.SIGTERM)
        rest, _ = site.process.communicate(timeout=30)
        assert "Everything has stopped." in rest
        assert site.process.returncode == 0


@pytest.fixture
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    assert chromium, "Chromium is not here: apt-get install chromium"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: SCREENSHOTS names a folder when they are wanted for the README."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
