"""Start a simulator for a test: a process of its own, spoken to over real HTTP."""

import csv
import http.client
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CUSTOMER_ID = "43387ca6-0391-4c82-857d-70d95f087ecb"
SECRET_KEY = "simulator-secret-key"
X_API_KEY = "simulator-x-api-key"
BEARER = "simulator-bearer"
WEBHOOK_KEY = "simulator-webhook-key"
FLANKS_CLIENT_ID = "simulator-client-id"
FLANKS_CLIENT_SECRET = "simulator-client-secret"
FILES = ("plant", "keys", "faults")


class Simulator:
    """A running simulator. `url` reaches up to and including `/v3/`; `connect_url` to `/v2/`.

    `flanks_url` is the API host of the fake Flanks, with its last slash; `flanks` its control.
    """

    def __init__(self, process: subprocess.Popen[str], *, url: str, folder: Path) -> None:
        self.process = process
        self.url = url
        self.port = int(url.split(":")[2].split("/")[0])
        self.register = folder / "register.csv"
        self.connect_url = url.replace("/v3/", "/v2/")
        self.flanks_url = f"http://127.0.0.1:{self.port}/"
        self.flanks = Flanks(self)
        self.log = folder / "requests.jsonl"

    def register_rows(self, *, provider: str | None = None) -> list[dict[str, str]]:
        """Return the rows of the import CSV it wrote, all or those of one provider."""
        with self.register.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [row for row in rows if provider in (None, row["provider"])]

    def log_lines(self, *, settle_seconds: float = 2.0) -> list[dict[str, Any]]:
        """Return the request log, once every request that arrived has its line (or time is up)."""
        ends_at = time.monotonic() + settle_seconds
        while self.process.poll() is None and time.monotonic() < ends_at:
            counts = self.counts()
            if counts["arrived"] == counts["logged"]:
                break
            time.sleep(0.01)
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def state(self) -> dict[str, Any]:
        """Return every login and the counts, as the simulator sees them now."""
        return self.control("GET", "state")

    def counts(self) -> dict[str, Any]:
        """Return the counts alone."""
        return self.control("GET", "counts")

    def logins(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the logins whose described fields equal `wanted`, e.g. `fate="success"`."""
        return [
            login
            for login in self.state()["logins"]
            if all(login[name] == value for name, value in wanted.items())
        ]

    def login(self, login_id: str) -> dict[str, Any]:
        """Return one login."""
        return self.control("GET", f"login/{login_id}")

    def change(self, login_id: str, **fields: Any) -> dict[str, Any]:
        """Change a login behind everybody's back: fate, scheduled, last_refresh, faults, ..."""
        return self.control("POST", f"login/{login_id}", fields)

    def add_login(self, **fields: Any) -> dict[str, Any]:
        """Add a login that nobody registered, and return it.

        `fields` are `institution` and those of `change`. As it comes the nightly status lists it:
        scheduled, with a password that is wrong since a few days.
        """
        return self.control("POST", "logins", fields)

    def faults(self, *faults: dict[str, Any]) -> dict[str, Any]:
        """Let these faults strike every call, instead of those before; none ends them."""
        return self.control("POST", "faults", {"faults": list(faults)})

    def night(self) -> int:
        """Run a nightly refresh now; return how many logins it refreshed."""
        return int(self.control("POST", "night", {})["refreshed"])

    def limit(self, limit: int | None = None, *, window_seconds: float | None = None) -> None:
        """Set another throttle."""
        self.control("POST", "limit", {"limit": limit, "window_seconds": window_seconds})

    def person(self, login_id: str) -> dict[str, Any]:
        """Return how its owner signs in at Flinks Connect: username, password, answers, ..."""
        return self.control("GET", f"person/{login_id}")

    def deliver(self, login_id: str, **order: Any) -> list[int | None]:
        """Post webhooks about a login now; return the HTTP status each got, None for no answer.

        `order` is any of kind ("GetAccountsDetail" or "KYC"), times, delay_seconds, signature
        ("good", "bad" or "none"), last_refresh_hours_ago, request_id, url and key. Without a url
        they go where `webhook_url` said at the start.
        """
        fields = {"login_id": login_id, **order}
        return self.control("POST", "webhook", fields, timeout=60)["statuses"]

    def deliveries(self, *, settle_seconds: float = 0.0) -> dict[str, Any]:
        """Return {"waiting": n, "attempts": [...]} once nothing waits any more, or time is up."""
        ends_at = time.monotonic() + settle_seconds
        while True:
            told: dict[str, Any] = self.control("GET", "webhooks")
            if not told["waiting"] or time.monotonic() >= ends_at:
                return told
            time.sleep(0.02)

    def control(self, method: str, what: str, fields: Any = None, *, timeout: float = 10) -> Any:
        """Make one control call; raises AssertionError when it is refused."""
        body = None if fields is None else json.dumps(fields)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(
                method, f"/_simulator/{what}", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, text
        return json.loads(text)

    def stop(self) -> int:
        """End it with SIGTERM; return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=10)

    def kill(self) -> None:
        """End it with SIGKILL.

        Lines of answers that have just left, or were under way, are lost with it: call
        `log_lines()` first where each of them counts.
        """
        self.process.kill()
        self.process.wait(timeout=10)


class Flanks:
    """The fake Flanks of a running simulator, behind its back. Start it with `flanks_logins`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def state(self) -> dict[str, Any]:
        """Return every credential and the counts, as the simulator sees them now."""
        return self._control("GET", "state")

    def counts(self) -> dict[str, Any]:
        """Return the counts: tokens_minted, bearers_refused, most_in_a_window, fates, ..."""
        return self._control("GET", "counts")

    def logins(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the credentials whose described fields equal `wanted`, e.g. `fate="blocked"`."""
        return [
            login
            for login in self.state()["logins"]
            if all(login[name] == value for name, value in wanted.items())
        ]

    def login(self, login_id: str) -> dict[str, Any]:
        """Return one credential."""
        return self._control("GET", f"login/{login_id}")

    def change(self, login_id: str, **fields: Any) -> dict[str, Any]:
        """Change a credential: fate, deleted, updated_hours_ago, pending_polls, overrides, ...

        `overrides` is laid over its status object; "absent" as a value leaves a key out.
        """
        return self._control("POST", f"login/{login_id}", fields)

    def add_login(self, **fields: Any) -> dict[str, Any]:
        """Add a credential that nobody registered; `institution` and the fields of `change`."""
        return self._control("POST", "logins", fields)

    def token(self, **fields: Any) -> dict[str, Any]:
        """Meddle with the access token: revoke, live_seconds, client_secret, refused.

        `live_seconds` is how long the current one and later ones live, `told_seconds` what is said
        of later ones; without it they end sooner than told.
        """
        return self._control("POST", "token", fields)

    def night(self) -> int:
        """Extract from every bank now; return how many went well."""
        return int(self._control("POST", "night", {})["refreshed"])

    def limit(self, limit: int | None = None, *, window_seconds: float | None = None) -> None:
        """Set another throttle."""
        self._control("POST", "limit", {"limit": limit, "window_seconds": window_seconds})

    def sessions(self) -> list[dict[str, Any]]:
        """Return the Connect sessions made so far, oldest first."""
        return self._control("GET", "sessions")

    def _control(self, method: str, what: str, fields: Any = None) -> Any:
        return self._simulator.control(method, f"flanks/{what}", fields)


@contextmanager
def running_simulator(
    *, ready_seconds: float = 20.0, folder: Path | None = None, **options: Any
) -> Iterator[Simulator]:
    """Yield a running simulator; `options` are those of its command line.

    Names take underscores; True is a switch; `plant`, `keys` and `faults` are given as values and
    written to files. Without `limit` the throttle is off, unlike on the command line. With
    `webhook_url` (of this machine) refreshes and nights are told there, signed with WEBHOOK_KEY.
    The fake Flanks has no logins unless `flanks_logins` says how many (`codes`: at least one).
    """
    with tempfile.TemporaryDirectory(prefix="simulator-") as temporary:
        place = folder or Path(temporary)
        process = subprocess.Popen(
            [sys.executable, "-m", "refreshops.simulator", *_arguments(options, place=place)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = _ready_line(process, seconds=ready_seconds).rsplit(" ", 1)[-1]
            yield Simulator(process, url=url, folder=place)
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _ready_line(process: subprocess.Popen[str], *, seconds: float) -> str:
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(
        target=lambda out: lines.put(out.readline()), args=(process.stdout,), daemon=True
    ).start()
    try:
        line = lines.get(timeout=seconds).strip()
    except queue.Empty:
        line = ""
    assert line, "the simulator did not start"
    return line


def _arguments(options: dict[str, Any], *, place: Path) -> list[str]:
    chosen = {
        "limit": 0,
        "register": place / "register.csv",
        "log": place / "requests.jsonl",
        **options,
    }
    arguments = []
    for name, value in chosen.items():
        if name in FILES and not isinstance(value, str | Path):
            path = place / f"{name}.json"
            path.write_text(json.dumps(value), encoding="utf-8")
            value = path
        if value is False or value is None:
            continue
        arguments.append(f"--{name.replace('_', '-')}")
        if value is not True:
            arguments.append(str(value))
    return arguments
