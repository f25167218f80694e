"""Webhooks and the routine at the same logins: one truth, nothing lost, whoever is killed when."""

import random
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.installation import Installation, kill
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.serving import served
from tests.simulation import WEBHOOK_KEY, Simulator

APPLIER = str(Path(__file__).with_name("delivery_driver.py"))
DRIVER = str(Path(__file__).with_name("dying_driver.py"))
LOGINS = 8
NEWER, OLDER, SAME = 0.05, 48.0, None
POINTS = ["begun-not-held", "stored-not-taught", "taught-not-committed", "committed"]

pytestmark = pytest.mark.processes


@pytest.fixture
def site(simulate, install, database):
    """A simulator, and an installation on one of the two databases."""
    simulator = simulate(scenario="calm", logins=LOGINS, limit=0, latency=0.05, body_kb=5)
    place = install(database, simulator, FLINKS_WEBHOOK_KEY=WEBHOOK_KEY, CONCURRENCY="3")
    return simulator, place


def deliver_all(simulator: Simulator, url: str, hours_ago: float | None, **order: object) -> None:
    """Send a webhook about every login; it is taken within a second, on a machine with time."""
    took_s = []
    order |= {} if hours_ago is None else {"last_refresh_hours_ago": hours_ago}
    for row in simulator.register_rows():
        begun_s = time.monotonic()
        assert simulator.deliver(row["login_id"], url=url, **order) == [200]
        took_s.append(time.monotonic() - begun_s)
    assert min(took_s) < 1.0


def moment(value: object) -> datetime:
    """Return a time as either database or the simulator gives it."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value)[:26])
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def assert_one_truth(place: Installation, simulator: Simulator, *, newest: float | None) -> None:
    """Every login stands as its newest refresh says, with the data of that one, and all is traced.

    `newest` is how many hours ago a webhook said it was; None where the simulator's own is newest.
    """
    found = place.rows(
        "SELECT login_id, outcome, last_refresh_at, data_as_of, data_state, id FROM logins_login"
    )
    assert len(found) == LOGINS
    for login_id, outcome, refreshed_at, as_of, data_state, key in found:
        assert (outcome, data_state) == ("fresh", "fresh"), login_id
        assert refreshed_at == as_of, login_id
        own = moment(simulator.login(login_id)["last_refresh"])
        if newest is None:
            assert abs(moment(as_of) - own) < timedelta(milliseconds=1), login_id
        else:
            assert moment(as_of) > own, login_id
        kept = place.rows(
            "SELECT data_as_of, attempt_id FROM bankdata_snapshot WHERE login_id = ? ORDER BY id",
            key,
        )
        assert kept[-1][0] == as_of, login_id
        # An attempt keeps what it fetched, known or not.
        assert len(set(kept)) == len(kept), "a webhook or an attempt was kept twice"
    assert place.rows("SELECT id FROM tracing_delivery WHERE state = 'stored'") == []
    assert place.rows("SELECT id FROM tracing_delivery WHERE sealed IS NOT NULL") == []
    assert place.rows("SELECT id FROM logins_reconnectcase") == []


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_while_it_applies_loses_nothing(point, site):
    simulator, place = site
    with served(place) as url:
        deliver_all(simulator, url, NEWER)

    dead = place.manage(APPLIER, "at", point, "4", expect=None)
    place.manage(APPLIER, "sweep")
    found = place.run_routine()

    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert found["outcomes"] == {"fresh": LOGINS}
    assert_one_truth(place, simulator, newest=NEWER)
    assert_one_to_one(place, simulator)


@pytest.mark.parametrize("hours_ago", [NEWER, OLDER, SAME], ids=["newer", "older", "the-same"])
def test_webhooks_between_a_killed_routine_and_its_second_start(hours_ago, site):
    simulator, place = site

    dead = place.manage(DRIVER, "at", "recorded-not-committed", "6", expect=None)
    with served(place) as url:
        deliver_all(simulator, url, hours_ago)
    place.manage(APPLIER, "sweep")
    found = place.run_routine()

    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert found["outcomes"] == {"fresh": LOGINS}
    assert_one_truth(place, simulator, newest=NEWER if hours_ago == NEWER else None)
    assert_everything_ended_once(place, planned=LOGINS)
    assert_one_to_one(place, simulator)


@pytest.mark.parametrize("hours_ago", [NEWER, OLDER], ids=["newer", "older"])
def test_both_at_once_with_kills_of_either(hours_ago, site):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    simulator, place = site
    with served(place) as url:
        routine = place.start("run_routine", "--json")
        applier = place.start(APPLIER, "loop")
        ends_at = time.monotonic() + 60
        while not place.rows("SELECT id FROM tracing_call WHERE state = 'answered'"):
            assert time.monotonic() < ends_at
            time.sleep(0.02)
        deliver_all(simulator, url, hours_ago)
        time.sleep(chance.uniform(0, 0.3))
        for process in chance.sample([routine, applier], k=2):
            kill(process)
            time.sleep(chance.uniform(0, 0.2))
    appliers = [place.start(APPLIER, "loop") for _ in range(2)]
    found = place.run_routine()
    for process in appliers:
        kill(process)
    place.manage(APPLIER, "sweep")

    assert found["outcomes"] == {"fresh": LOGINS}
    assert_one_truth(place, simulator, newest=NEWER if hours_ago == NEWER else None)
    assert_everything_ended_once(place, planned=LOGINS)
    assert_one_to_one(place, simulator)


def test_signatures_duplicates_and_what_nobody_knows(site):
    simulator, place = site
    ours, foreign = [row["login_id"] for row in simulator.register_rows()[:2]]
    # Nothing else speaks of it yet.
    place.change("DELETE FROM logins_login WHERE login_id = ?", foreign)
    with served(place) as url:
        refused = [
            simulator.deliver(ours, url=url, signature=signature)[0]
            for signature in ("bad", "none")
        ]
        kept = place.rows("SELECT id FROM tracing_delivery")
        request_id = "11111111-2222-4333-8444-555555555555"
        taken = simulator.deliver(ours, url=url, times=5, request_id=request_id)
        taken += simulator.deliver(ours, url=url, kind="KYC")
        taken += simulator.deliver(foreign, url=url)
    place.manage(APPLIER, "sweep")
    states = dict(place.rows("SELECT login_id || kind, state FROM tracing_delivery"))
    place.import_register(simulator.register)
    place.manage(APPLIER, "sweep")

    assert (refused, kept, set(taken)) == ([401, 401], [], {200})
    assert states == {
        f"{ours}GetAccountsDetail": "applied",
        f"{ours}KYC": "ignored",
        f"{foreign}GetAccountsDetail": "unknown_login",
    }
    assert place.rows("SELECT count(*) FROM bankdata_snapshot")[0] == (2,)
    assert place.rows("SELECT outcome FROM logins_login WHERE login_id = ?", foreign) == [
        ("fresh",)
    ]
