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
from playwright.sync_api import Page

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
    process: "subprocess.Popen[str]" = field(init=False)
    said: list[str] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def both_providers() -> dict[str, str]:
    """Return the settings of a site whose simulator serves both providers, on a free port."""
    host = f"http://127.0.0.1:{free_port()}/"
    return {
        "FLINKS_API_URL": f"{host}v3/",
        "FLANKS_API_URL": host,
        "FLANKS_CLIENT_ID": "client-of-the-test",
        "FLANKS_CLIENT_SECRET": "client-secret-of-the-test",
    }


@pytest.fixture
def devserver(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start `manage.py devserver`; SIGTERM must end it and all its children."""
    yield from _devservers(tmp_path)


@pytest.fixture(scope="module")
def shared_devserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """The same for all tests of a file: a start takes longer than many of them."""
    yield from _devservers(tmp_path_factory.mktemp("site"))


def _devservers(folder: Path) -> Iterator[Callable[..., Site]]:
    started: list[Site] = []

    def start(*, logins: int, scenario: str = "morning", **environment: str) -> Site:
        site = _site(folder, environment)
        site.process = _devserver(site, "--logins", str(logins), "--scenario", scenario)
        started.append(site)
        assert site.process.stdout is not None
        for line in site.process.stdout:
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


def _site(folder: Path, environment: dict[str, str]) -> Site:
    place = Installation(
        folder,
        database_url=f"sqlite:///{folder / 'site.sqlite3'}",
        api_url=f"http://127.0.0.1:{free_port()}/v3/",
        environment={"DEMO_PASSWORD": PASSWORD, "POLL_SECONDS": "1"} | environment,
    )
    return Site(f"http://127.0.0.1:{free_port()}/", place)


def _devserver(site: Site, *words: str) -> "subprocess.Popen[str]":
    port = site.address.rsplit(":", 1)[1].strip("/")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "devserver", "--port", port, *words],
        env=site.place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="session")
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
def pictures() -> Callable[..., None]:
    """Take a picture of a page when SCREENSHOTS names a folder for them."""
    folder = os.environ.get("SCREENSHOTS", "")

    def take(page: Page, name: str, *, full_page: bool = False) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=full_page)

    return take
