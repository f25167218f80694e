"""The pages of an installation, served as in production, while a test lasts."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.installation import Installation

SERVER = str(Path(__file__).with_name("web_server.py"))


@contextmanager
def served(place: Installation, *, log: list[str] | None = None) -> Iterator[str]:
    """Serve the pages; yield where webhooks go. What is logged meanwhile ends up in `log`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = place.start(SERVER, str(port))
    ends_at = time.monotonic() + 30
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).raise_for_status()
            break
        except requests.ConnectionError:
            assert time.monotonic() < ends_at, "the web server did not start"
            time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}/webhooks/flinks/"
    finally:
        web.terminate()
        said = web.communicate(timeout=30)
        if log is not None:
            log.extend(said)
