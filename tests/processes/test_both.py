"""Two providers on one morning: two runs, two limits, two pauses, and neither slows the other."""

import json
import time
from pathlib import Path

import pytest

from tests.installation import kill
from tests.processes.databases import mostly
from tests.processes.evidence import (
    assert_everything_ended_once,
    assert_one_to_one,
    fullest_window,
)
from tests.processes.sides import FLANKS, FLINKS

pytestmark = pytest.mark.processes

WORKER = str(Path(__file__).with_name("both_worker.py"))
PING = "from django_q.tasks import async_task\nasync_task('refreshops.routine.tasks.ping')\n"
PAUSE = (
    "UPDATE logins_provider SET paused_at = CURRENT_TIMESTAMP, paused_kind = 'person',"
    " paused_reason = 'Contract talks' WHERE name = ?"
)
RESUME = (
    "UPDATE logins_provider SET paused_at = NULL, paused_kind = '', paused_reason = ''"
    " WHERE name = ?"
)


@pytest.fixture
def two(simulate, install):
    """Return how a simulator of both and an installation beside it are made."""

    def make(kind, *, logins, further, settings=None, **options):
        simulator = simulate(
            scenario="calm", logins=logins, flanks_logins=further, body_kb=5, **options
        )
        place = install(kind, simulator, **FLANKS.settings(simulator), **(settings or {}))
        return simulator, place

    return make


def runs(place):
    """Return the state of today's run of each provider."""
    return dict(
        place.rows(
            "SELECT p.name, r.state FROM routine_run r"
            " JOIN logins_provider p ON p.id = r.provider_id WHERE r.origin = 'daily'"
        )
    )


def say(place, words):
    place.manage("shell", "-v0", "--command", f"from refreshops.routine import tasks\n{words}")


def hanging(place):
    return place.rows("SELECT id FROM tracing_call WHERE state = 'sent'")


def pinging(place, *, until, seconds=20):
    """Ping as the supervisor does, until it is so or time is up."""
    ends_at = time.monotonic() + seconds
    while not until() and time.monotonic() < ends_at:
        place.manage("shell", "-v0", "--command", PING)
        time.sleep(0.3)


def told(process, *, timeout=60):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return {one["provider"]: one for one in json.loads(out.splitlines()[-1])}


def test_one_command_drives_both_runs_to_their_ends(two, database):
    simulator, place = two(database, logins=30, further=20)

    found = told(place.start("run_routine", "--json"))

    assert {name: one["outcomes"] for name, one in found.items()} == {
        "flinks": {"fresh": 30},
        "flanks": {"fresh": 20},
    }
    assert_everything_ended_once(place, planned=50)
    assert_one_to_one(place, simulator)


@mostly("sqlite")
def test_each_keeps_its_own_limit_and_takes_no_slot_of_the_other(two, database):
    simulator, place = two(database, logins=24, further=12)
    for name, limit in (("flinks", 8), ("flanks", 4)):
        place.change("UPDATE logins_provider SET logins_per_minute = ? WHERE name = ?", limit, name)

    found = told(place.start("run_routine", "--json"))

    lines = simulator.log_lines()
    fullest = {
        side.name: fullest_window(side.paced(lines), window_s=1.0) for side in (FLINKS, FLANKS)
    }
    assert [one["state"] for one in found.values()] == ["closed", "closed"]
    assert fullest == {"flinks": 8, "flanks": 4}


@mostly("postgresql")
@pytest.mark.parametrize("paused", ["flinks", "flanks"])
def test_a_pause_at_one_is_no_pause_at_the_other(two, database, paused):
    _, place = two(database, logins=8, further=6)
    (other,) = {"flinks", "flanks"} - {paused}
    place.change(PAUSE, paused)

    place.manage("run_routine", expect=3)
    meanwhile = runs(place)
    place.change(RESUME, paused)
    place.manage("run_routine", expect=0)

    assert (meanwhile[paused], meanwhile[other]) == ("open", "closed")
    assert runs(place) == {"flinks": "closed", "flanks": "closed"}


@mostly("sqlite")
def test_killed_in_the_middle_of_both_the_next_one_ends_both(two, database):
    simulator, place = two(database, logins=40, further=25, latency=0.05)
    first = place.start("run_routine", "--json")
    ends_at = time.monotonic() + 20
    while len(set(place.rows("SELECT run_id FROM routine_attempt WHERE state = 'done'"))) < 2:
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    kill(first)

    found = told(place.start("run_routine", "--json"))

    assert {name: one["done"] for name, one in found.items()} == {"flinks": 40, "flanks": 25}
    assert_everything_ended_once(place, planned=65)
    assert_one_to_one(place, simulator)


@mostly("sqlite")
def test_an_order_over_logins_of_both_tells_of_each(two, database):
    simulator, place = two(database, logins=3, further=2)
    ids = [row["login_id"] for row in simulator.register_rows()]
    words = ("--login-id", *ids, "--reason", "They left", "--json")

    done = place.manage("deactivate", *words, expect=None)
    look = place.manage("check_schedule", "--provider", "flanks", "--json", expect=None)

    said = {one["provider"]: one for one in json.loads(done.stdout)}
    asked = json.loads(look.stdout)
    assert (said["flinks"]["off"], said["flinks"]["verified"]) == (3, 3)
    assert said["flanks"]["verified"] == 0
    assert place.rows("SELECT DISTINCT status FROM logins_login") == [("inactive",)]
    assert (asked["provider"], asked["looked_at"]) == ("flanks", 2)
    assert_one_to_one(place, simulator)


@mostly("sqlite")
def test_calls_that_hang_at_one_provider_take_no_worker_of_the_other(two, database):
    """The slices are a second long, so that those who wait at their end are many."""
    simulator, place = two(
        database,
        logins=30,
        further=20,
        settings={"WORKERS": "3", "CONCURRENCY": "2", "CALL_DEADLINE_SECONDS": "60"},
    )
    simulator.faults({"kind": "stall", "endpoint": "Authorize"})
    say(place, "tasks.open_today('flinks')")
    place.start(WORKER)
    # As many workers as it may have wait for its calls by then: more would have been sent for.
    pinging(place, until=lambda: len(hanging(place)) == 4)
    pinging(place, until=lambda: False, seconds=5)

    say(place, "tasks.open_today('flanks')")
    pinging(place, until=lambda: runs(place).get("flanks") == "closed", seconds=25)

    assert runs(place) == {"flinks": "open", "flanks": "closed"}
    assert len(hanging(place)) == 4
