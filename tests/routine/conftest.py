"""A desk over a scripted provider and a clock that moves when told."""

from datetime import timedelta
from typing import Any

import pytest

from refreshops.bankdata.vault import Vault
from refreshops.logins.models import Login
from refreshops.providers.contract import Policy
from refreshops.routine import engine
from refreshops.routine.desk import Desk, Pace
from refreshops.routine.models import Run
from refreshops.routine.opening import Opened, open_daily, open_run
from refreshops.rules.lifecycle import Purpose
from tests.builders import FakeClock, ScriptedProvider, make_provider

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
WINDOW = timedelta(seconds=60)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_desk(clock: FakeClock):
    def make(provider: ScriptedProvider | None = None, *, limit: int = 20, **pace: Any) -> Desk:
        row = make_provider()
        row.logins_per_minute = limit
        row.save()
        usual: dict[str, Any] = {
            "window": WINDOW,
            "lease": timedelta(seconds=10),
            "concurrency": 1,
            "policy": Policy(),
        }
        return engine.open_desk(
            provider=provider or ScriptedProvider(),
            row_id=row.pk,
            clock=clock,
            pace=Pace(**(usual | pace)),
            vault=Vault([KEY]),
        )

    return make


@pytest.fixture
def open_today(clock: FakeClock):
    def make(**fields: Any) -> Run:
        run, _ = open_daily(
            provider=make_provider(),
            local_date=clock().date(),
            now=clock(),
            window=WINDOW,
            **fields,
        )
        return run

    return make


@pytest.fixture
def order(clock: FakeClock):
    """A person's order over some logins, or over all."""

    def make(purpose: Purpose = Purpose.REFRESH, logins: Any = None) -> Opened:
        return open_run(
            provider=make_provider(),
            purpose=purpose,
            logins=Login.objects.all() if logins is None else logins,
            by=None,
            reason="a test",
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
        )

    return make


def drain(desk: Desk, *, limit: int = 1000) -> int:
    """Speak until nothing more can be said at this moment; return how many attempts spoke."""
    for spoken in range(limit):
        if not engine.speak_once(desk):
            return spoken
    raise AssertionError("the engine does not come to rest")
