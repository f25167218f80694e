"""What differs between the providers where a test asks the same of the engine for each."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation
from tests.simulation import FLANKS_CLIENT_ID, FLANKS_CLIENT_SECRET, Simulator

FLANKS_KEYS = {
    "FLANKS_CLIENT_ID": FLANKS_CLIENT_ID,
    "FLANKS_CLIENT_SECRET": FLANKS_CLIENT_SECRET,
}
# The address that stands in a template, where nothing is asked.
NOWHERE = {"FLANKS_API_URL": "http://127.0.0.1:9/", **FLANKS_KEYS}


@dataclass(frozen=True)
class Side:
    """One provider: how many logins it has in the simulator, and the names of its calls.

    `first` begins a login's turn and takes a slot, `data` are fetched behind it, once each.
    """

    name: str
    first: str
    data: tuple[str, ...]

    def options(self, logins: int) -> dict[str, int]:
        """Return the simulator's options for so many logins here, and none at the other."""
        if self.name == "flanks":
            return {"logins": 0, "flanks_logins": logins}
        return {"logins": logins}

    def settings(self, simulator: Simulator) -> dict[str, str]:
        """Return what the environment needs besides the usual."""
        if self.name == "flanks":
            return {"FLANKS_API_URL": simulator.flanks_url, **FLANKS_KEYS}
        return {}

    def command(self) -> tuple[str, ...]:
        """Return the words that drive today's run of this provider alone."""
        return ("run_routine", "--provider", self.name, "--json")

    def run(self, place: Installation, *, expect: int | None = 0, **more: str) -> dict[str, Any]:
        """Drive today's run; return what it printed."""
        done = place.manage(*self.command(), expect=expect, **more)
        return printed(done.stdout)

    def change(self, simulator: Simulator, login_id: str, **fields: Any) -> None:
        """Change a login behind everybody's back."""
        behind = simulator.flanks if self.name == "flanks" else simulator
        behind.change(login_id, **fields)

    def paced(self, lines: list[dict[str, Any]]) -> list[float]:
        """Return when the calls arrived that take a slot, in a world where nothing is polled."""
        paced = {"Authorize", "SetScheduledRefresh", "DeleteCard"}
        paced |= {"credentials/status", "credentials/force", "credentials"}
        mine = [line for line in lines if line["provider"] == self.name]
        return sorted(line["arrived"] for line in mine if line["endpoint"] in paced)

    def begun(self, lines: list[dict[str, Any]]) -> list[float]:
        """Return when each login was first asked about."""
        firsts: dict[str, float] = {}
        for line in sorted(lines, key=lambda line: line["arrived"]):
            if line["endpoint"] == self.first and line["login_id"]:
                firsts.setdefault(line["login_id"], line["arrived"])
        return sorted(firsts.values())

    def repeats(self, simulator: Simulator, *, polled: bool = False) -> int:
        """Count the calls beyond the first of each kind and login; of `polled` data alone."""
        counted = self.data if polled and self.name == "flanks" else (self.first, *self.data)
        calls = Counter(
            (line["login_id"], line["endpoint"])
            for line in simulator.log_lines()
            if line["provider"] == self.name and line["endpoint"] in counted
        )
        return sum(count - 1 for count in calls.values())


FLINKS = Side("flinks", "Authorize", ("GetAccountsDetail",))
FLANKS = Side(
    "flanks",
    "credentials/status",
    ("account", "portfolio", "investment", "card", "liability"),
)
BOTH = [pytest.param(side, id=side.name) for side in (FLINKS, FLANKS)]


def printed(stdout: str) -> dict[str, Any]:
    """Return the object that a command printed last."""
    found = json.loads(stdout.splitlines()[-1])
    return dict(found[0] if isinstance(found, list) else found)


def needs_flanks(register: Path | None) -> bool:
    """Tell whether a register names logins at Flanks."""
    return register is not None and "flanks" in register.read_text(encoding="utf-8")
