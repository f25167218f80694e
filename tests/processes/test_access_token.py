"""The shared access token at the fake provider: fetched once for all workers, whatever strikes it.

Two processes of four threads, or eight of one, drive one run; tokens are counted at the simulator.
"""

import time

import pytest
import requests

from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.sides import FLANKS, FLINKS, printed
from tests.simulation import FLANKS_CLIENT_ID, FLANKS_CLIENT_SECRET

WORKERS = [
    pytest.param(2, 4, "postgresql", id="2-processes-of-4"),
    pytest.param(8, 1, "sqlite", id="8-processes-of-1"),
]
LOGINS = 48
# Slow enough that something can happen in the middle of a run.
PACE = {"LOGINS_PER_MINUTE": "24", "THROTTLE_WINDOW_SECONDS": "1", "LEASE_SECONDS": "2"}

pytestmark = pytest.mark.processes


class Morning:
    """A simulator, an installation, and processes that drive one run at Flanks."""

    def __init__(self, simulate, install, *, database="sqlite", environment=None, **options):
        options = {"scenario": "calm", "limit": 0, "body_kb": 5, "latency": 0.01} | options
        self.simulator = simulate(**({"logins": 0, "flanks_logins": LOGINS} | options))
        settings = PACE | FLANKS.settings(self.simulator) | (environment or {})
        self.place = install(database, self.simulator, **settings)
        self.workers = []

    def begin(self, processes, threads):
        self.workers = [
            self.place.start(*FLANKS.command(), CONCURRENCY=str(threads)) for _ in range(processes)
        ]

    def wait_until_answered(self, count):
        """Return once so many logins have said how they stand."""
        while len(FLANKS.paced(self.simulator.log_lines(settle_seconds=0))) < count:
            time.sleep(0.02)

    def end(self, *, expect=0):
        for worker in self.workers:
            out, err = worker.communicate(timeout=120)
            assert worker.returncode == expect, f"{out}\n{err}"

    def tokens(self):
        """Return when the tokens were asked for."""
        lines = self.simulator.log_lines()
        return sorted(line["arrived"] for line in lines if line["endpoint"] == "token")

    def assert_went_well(self):
        assert_everything_ended_once(self.place, planned=LOGINS)
        assert self.place.rows("SELECT DISTINCT outcome FROM routine_attempt") == [("fresh",)]
        assert_one_to_one(self.place, self.simulator)


@pytest.fixture
def morning(simulate, install):
    def make(**options):
        return Morning(simulate, install, **options)

    return make


@pytest.mark.parametrize(("processes", "threads", "database"), WORKERS)
def test_one_that_ends_in_the_middle_of_a_run_is_renewed_once(
    processes, threads, database, morning
):
    today = morning(database=database)
    today.begin(processes, threads)
    today.wait_until_answered(24)

    # Sooner than told, as nobody could know; those that follow live long again.
    today.simulator.flanks.token(live_seconds=0)
    today.simulator.flanks.token(live_seconds=3600)
    today.end()

    today.assert_went_well()
    counts = today.simulator.flanks.counts()
    assert counts["tokens_minted"] == 2
    assert 1 <= counts["bearers_refused"] <= 8
    unauthorized = "SELECT count(*) FROM tracing_call WHERE http_status_code = 401"
    assert today.place.rows(unauthorized) == [(counts["bearers_refused"],)]


@pytest.mark.parametrize(
    ("processes", "threads", "database"),
    [pytest.param(2, 4, "sqlite"), pytest.param(8, 1, "postgresql", marks=pytest.mark.soak)],
)
def test_one_that_ends_as_told_is_renewed_in_time(processes, threads, database, morning):
    lives_s = 4.0
    slowly = {"THROTTLE_WINDOW_SECONDS": "3"}
    today = morning(database=database, flanks_token_seconds=lives_s, environment=slowly)
    today.begin(processes, threads)

    today.end()

    today.assert_went_well()
    asked = today.tokens()
    assert len(asked) >= 2
    # So short a life is used up to its half.
    assert min(b - a for a, b in zip(asked, asked[1:], strict=False)) >= lives_s / 2 - 0.05
    assert today.simulator.flanks.counts()["bearers_refused"] == 0


def test_one_that_another_process_ended_by_taking_its_own_is_fetched_anew(morning):
    today = morning()
    today.begin(2, 4)
    today.wait_until_answered(24)

    theirs = requests.post(
        f"{today.simulator.flanks_url}v0/token",
        json={
            "client_id": FLANKS_CLIENT_ID,
            "client_secret": FLANKS_CLIENT_SECRET,
            "grant_type": "client_credentials",
        },
        timeout=10,
    )
    today.end()

    assert theirs.status_code == 200
    assert_everything_ended_once(today.place, planned=LOGINS)
    assert today.place.rows("SELECT DISTINCT outcome FROM routine_attempt") == [("fresh",)]
    assert today.simulator.flanks.counts()["tokens_minted"] == 3
    asked = today.place.rows("SELECT count(*) FROM tracing_call WHERE endpoint = 'token'")
    assert asked == [(2,)]
    assert today.place.rows("SELECT paused_kind FROM logins_provider") == [("",)]


def test_a_wrong_secret_pauses_only_its_provider(simulate, install):
    simulator = simulate(scenario="calm", logins=20, flanks_logins=20, limit=0, latency=0.01)
    settings = FLANKS.settings(simulator) | {"FLANKS_CLIENT_SECRET": "canary-wrong-secret"}
    place = install("sqlite", simulator, CONCURRENCY="4", **settings)

    here = [place.start(*FLANKS.command()) for _ in range(2)]
    there = place.start(*FLINKS.command())
    told = [worker.communicate(timeout=60) for worker in (*here, there)]

    assert [worker.returncode for worker in (*here, there)] == [3, 3, 0]
    assert printed(told[-1][0])["outcomes"] == {"fresh": 20}
    assert place.rows("SELECT name, paused_kind FROM logins_provider ORDER BY name") == [
        ("flanks", "keys"),
        ("flinks", ""),
    ]
    assert simulator.flanks.counts()["tokens_denied"] == 1
    states = place.rows(
        "SELECT attempt.state, count(*) FROM routine_attempt attempt "
        "JOIN routine_run run ON run.id = attempt.run_id "
        "JOIN logins_provider provider ON provider.id = run.provider_id "
        "WHERE provider.name = 'flanks' AND attempt.state <> 'done' GROUP BY attempt.state"
    )
    assert states[0][0] == "due"
    assert states[0][1] >= 20
    assert len(states) == 1
    assert "canary-wrong-secret" not in str(place.rows("SELECT * FROM tracing_call"))
    assert "canary-wrong-secret" not in "".join(out + err for out, err in told)


def test_after_the_secret_is_put_right_the_same_run_ends(morning):
    today = morning(flanks_logins=6)
    FLANKS.run(today.place, expect=3, FLANKS_CLIENT_SECRET="not-the-secret")
    today.place.change(
        "UPDATE logins_provider SET paused_at = NULL, paused_kind = '', paused_reason = ''"
    )

    found = FLANKS.run(today.place)

    assert found["outcomes"] == {"fresh": 6}
    assert today.place.rows("SELECT count(*) FROM routine_run") == [(1,)]
    assert_one_to_one(today.place, today.simulator)


def test_tokens_that_are_refused_as_soon_as_they_are_given_pause_and_burn_no_login(morning):
    today = morning(flanks_token_seconds=0.0001)

    FLANKS.run(today.place, expect=3)

    (pause,) = today.place.rows("SELECT paused_kind FROM logins_provider")
    assert pause[0] in ("keys", "token")
    assert today.place.rows("SELECT count(*) FROM routine_attempt WHERE outcome <> ''") == [(0,)]


def test_where_no_token_is_given_the_provider_is_paused_after_three_tries(morning):
    down = [{"kind": "status", "status": 503, "endpoint": "token"}]
    today = morning(faults=down)
    today.begin(2, 4)

    today.end(expect=3)

    assert len(today.tokens()) == 3
    ((kind, reason),) = today.place.rows("SELECT paused_kind, paused_reason FROM logins_provider")
    assert kind == "token"
    assert "three times" in reason
    assert today.place.rows("SELECT count(*) FROM routine_attempt WHERE outcome <> ''") == [(0,)]
    assert_one_to_one(today.place, today.simulator)

    today.simulator.faults()
    today.place.change("UPDATE logins_provider SET resume_at = paused_at, paused_kind = 'token'")
    today.begin(2, 4)
    today.end()

    today.assert_went_well()
