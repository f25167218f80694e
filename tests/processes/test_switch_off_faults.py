"""Switching under faults: whatever breaks, what is shown is true by the simulator's own flags.

Every login gets a random script of faults, the orders go off and on and are called off again, the
provider goes away for a while, and the driving process is killed at every step. Seeds are printed.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.processes.databases import mostly
from tests.processes.evidence import assert_one_to_one

DRIVER = str(Path(__file__).with_name("switching_driver.py"))
POINTS = [
    "before-the-claim",
    "in-the-claim-before-the-row",
    "row-written-not-committed",
    "committed-not-sent",
    "sent-not-answered",
    "answered-not-recorded",
    "recorded-not-committed",
    "during-a-poll-wait",
    "before-the-attempt-is-done",
]
ORDER, LOOK = "SetScheduledRefresh", "Authorize"
AWAY = {"kind": "reset"}
OUTAGES = 5
DEADLINE_S = 0.2

pytestmark = pytest.mark.processes


def fault(kind, endpoint, times, **details):
    return {"kind": kind, "endpoint": endpoint, "times": times, **details}


BROKEN = {"status": 500, "code": "AGGREGATION_ERROR"}
TOO_FAST = {"status": 401, "code": "TOO_MANY_REQUESTS"}
REFUSED = {"status": 400, "code": "INVALID_REQUEST"}
SILENT = [fault("do_then_reset", ORDER, None), fault("reset", LOOK, None)]

# What may go wrong with one login: how often of a hundred, and the faults in their order.
SCRIPTS = {
    "nothing": (14, lambda n: []),
    "done-no-answer": (14, lambda n: [fault("do_then_stall", ORDER, n)]),
    "not-done-no-answer": (12, lambda n: [fault("stall", ORDER, n)]),
    "done-then-reset": (10, lambda n: [fault("do_then_reset", ORDER, n)]),
    "done-answer-cut": (6, lambda n: [fault("cut", ORDER, n)]),
    "reset": (6, lambda n: [fault("reset", None, n)]),
    "gateway-error": (6, lambda n: [fault("status", ORDER, n, status=500 + n)]),
    "provider-error": (5, lambda n: [fault("code", ORDER, n, **BROKEN)]),
    "too-fast": (2, lambda n: [fault("code", ORDER, 1, **TOO_FAST)]),
    "refused": (5, lambda n: [fault("code", ORDER, None, **REFUSED)]),
    "a-yes-that-is-none": (5, lambda n: [fault("wrong_type", ORDER, n, form="string")]),
    "a-page-for-a-yes": (2, lambda n: [fault("html_200", ORDER, n)]),
    "no-read-back": (5, lambda n: [fault("stall", LOOK, n)]),
    "read-back-of-another": (3, lambda n: [fault("wrong_login", LOOK, n)]),
    "read-back-garbled": (3, lambda n: [fault("invalid_json", LOOK, n)]),
    "never-an-answer": (2, lambda n: SILENT),
}
# A login's own trouble hides its flag from the read-back.
FATES = {"success": 76, "question_not_found": 9, "invalid_password": 8, "retry_later": 4}
DELETED_SHARE = 0.03


def dealt(options, chance, *, weight):
    return chance.choices(list(options), [weight(value) for value in options.values()])[0]


def deck(chance, *, size):
    """Return names of SCRIPTS, as often as their shares say: each is there in any world."""
    whole = sum(share for share, _ in SCRIPTS.values())
    cards = [
        name
        for name, (share, _) in SCRIPTS.items()
        for _ in range(max(1, round(size * share / whole)))
    ]
    cards = [*cards, *["nothing"] * (size - len(cards))][:size]
    chance.shuffle(cards)
    return cards


def prepare(simulator, chance):
    """Give each login its script, its fate and its flag; return the scripts' names by LoginId."""
    scripts = {}
    rows = simulator.register_rows()
    for row, name in zip(rows, deck(chance, size=len(rows)), strict=True):
        login_id = row["login_id"]
        scripts[login_id] = name
        simulator.change(
            login_id,
            faults=SCRIPTS[name][1](chance.choice((1, 1, 2, 3))),
            fate=dealt(FATES, chance, weight=lambda share: share),
            scheduled=chance.random() < 0.7,
            deleted=chance.random() < DELETED_SHARE,
        )
    return scripts


def waves_over(login_ids, chance, *, count):
    """Return orders: all logins off first, then random parts off and on, some called off again."""
    waves = [{"on": False, "login_ids": login_ids, "cancel": False}]
    for _ in range(count):
        part = chance.sample(login_ids, len(login_ids) // 4)
        on, cancel = chance.random() < 0.45, chance.random() < 0.2
        waves.append({"on": on, "login_ids": part, "cancel": cancel})
    return waves


def go_away_now_and_then(simulator, chance, *, over):
    """Let the whole provider be away for moments that are hours at this scale."""
    for _ in range(OUTAGES):
        over.wait(chance.uniform(0.8, 2.5))
        simulator.faults(AWAY)
        over.wait(chance.uniform(0.2, 0.8))
        simulator.faults()


def under_fire(place, simulator, *, seed, kills, waves, seconds):
    """Order and kill until everything has ended; return the scripts and how children died."""
    chance = random.Random(seed)
    scripts = prepare(simulator, chance)
    plan = {
        "seed": seed,
        "kills": kills,
        "waves": waves_over(list(scripts), chance, count=waves),
        "points": POINTS,
        "longest_life": 0.8,
        "give_up_after": seconds,
    }
    over = threading.Event()
    outage = threading.Thread(
        target=go_away_now_and_then, args=(simulator, random.Random(seed)), kwargs={"over": over}
    )
    outage.start()
    try:
        return scripts, driven(place, plan)
    finally:
        over.set()
        outage.join()


def driven(place, plan):
    """Carry a plan out; return how its children died."""
    file = place.folder / "plan.json"
    file.write_text(json.dumps(plan), encoding="utf-8")
    done = place.manage(DRIVER, str(file), timeout=plan["give_up_after"] + 60)
    print(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


LAST_ORDERS = """
    SELECT l.login_id, l.status, l.nightly,
           l.nightly_verified_at IS NOT NULL, l.gone_at IS NOT NULL,
           a.purpose, a.state, a.outcome, a.outcome_reason, a.verified
      FROM logins_login l LEFT JOIN routine_attempt a
        ON a.id = (SELECT max(id) FROM routine_attempt WHERE login_id = l.id)
"""


class Shown:
    """What our tables say of a login and of the last order for it."""

    def __init__(self, row):
        self.login_id, self.status, self.nightly, self.verified, self.gone = row[:5]
        self.purpose, self.state, self.outcome, self.reason, self.read_back = row[5:]

    @property
    def ended(self):
        if self.state == "cancelled":
            return "called off"
        if self.outcome == "fresh":
            return "verified" if self.read_back else "accepted"
        if self.outcome == "login_gone":
            return "gone"
        return self.reason if self.reason in ("refused", "unconfirmed", "crashed") else self.outcome

    def __repr__(self):
        return str(vars(self))


def lies(shown, flags):
    """Return rows that show the flag otherwise than the provider has it."""
    wrong = {"off": True, "on": False}
    return [row for row in shown if flags[row.login_id]["scheduled"] is wrong.get(row.nightly)]


def contradictions(shown):
    """Return rows whose last order ended otherwise than the login shows."""
    wanted = {"switch_off": ("inactive", "off"), "switch_on": ("active", "on")}
    found = []
    for row in shown:
        status, nightly = wanted[row.purpose]
        fits = {
            "verified": (row.status, row.nightly) == (status, nightly) and row.verified,
            "accepted": (row.status, row.nightly) == (status, nightly) and not row.verified,
            "gone": row.gone and row.nightly != nightly,
            "called off": True,
        }
        if not fits.get(row.ended, row.nightly != nightly and not row.verified):
            found.append(row)
    return found


def story(place, row):
    """Return the orders and calls of a login, for whoever reads a failure."""
    orders = place.rows(
        "SELECT id, purpose, state, outcome, outcome_reason, verified, starts, message "
        "FROM routine_attempt WHERE login_id = (SELECT id FROM logins_login WHERE login_id = ?) "
        "ORDER BY id",
        row.login_id,
    )
    calls = place.rows(
        "SELECT attempt_id, sent_at, endpoint, state, http_status_code, provider_code, message, "
        "error FROM tracing_call WHERE login_id = ? ORDER BY id",
        row.login_id,
    )
    return [*orders, *calls]


def assert_nothing_is_stuck(place):
    stuck = place.rows(
        "SELECT state, waits_for, count(*) FROM routine_attempt "
        "WHERE state IN ('due', 'calling') GROUP BY state, waits_for"
    )
    paused = "SELECT paused_kind, paused_reason, resume_at FROM logins_provider"
    assert stuck == [], place.rows(paused)
    open_runs = "SELECT count(*) FROM routine_run WHERE state NOT IN ('closed', 'cancelled')"
    assert place.rows(open_runs) == [(0,)]


def last_receipts(place):
    """Return the receipt of the last order of each login, by LoginId."""
    runs = [run for (run,) in place.rows("SELECT id FROM routine_run ORDER BY id")]
    writers = [place.start("receipts", "--run", str(run), "--format", "json") for run in runs]
    documents = [json.loads(writer.communicate(timeout=60)[0]) for writer in writers]
    return {row["login_id"]: row for document in documents for row in document["logins"]}


STANDINGS = {
    "verified": {"verified"},
    "accepted": {"unconfirmed"},
    "unconfirmed": {"unconfirmed"},
    "crashed": {"unconfirmed"},
    "refused": {"refused"},
    "gone": {"unknown_there"},
    "called off": {"called_off", "unconfirmed"},
}


def receipts_that_differ(shown, receipts):
    """Return rows whose receipt says otherwise than the attempt, or proves nothing."""
    found = []
    for row in shown:
        receipt = receipts[row.login_id]
        fits = receipt["standing"] in STANDINGS[row.ended] and receipt["purpose"] == row.purpose
        proven = {call["call"] for call in receipt["calls"] if call["http_status_code"] == 200}
        if row.ended == "verified":
            fits = fits and receipt["verified_call"] in proven
        if row.ended == "accepted":
            fits = fits and receipt["accepted_call"] in proven and not receipt["verified_at"]
        if not fits:
            found.append((row, receipt))
    return found


def assert_true(place, simulator, scripts):
    """Compare the tables with the simulator's own flags; return how the orders ended."""
    flags = {login["login_id"]: login for login in simulator.state()["logins"]}
    shown = [Shown(row) for row in place.rows(LAST_ORDERS)]
    wrong = [*lies(shown, flags), *contradictions(shown)]
    for row in wrong:
        print(scripts[row.login_id], flags[row.login_id], row, *story(place, row), sep="\n    ")
    assert not wrong, f"{len(wrong)} rows are not true"
    assert len(shown) == len(scripts)
    assert receipts_that_differ(shown, last_receipts(place)) == []
    assert_nothing_is_stuck(place)
    assert_one_to_one(place, simulator)
    return Counter(row.ended for row in shown)


def start(simulate, install, database, *, logins):
    simulator = simulate(
        scenario="calm", logins=logins, limit=0, body_kb=4, stall_seconds=1.0, latency=0.005
    )
    place = install(
        database,
        simulator,
        CONCURRENCY="8",
        WAIT_SCALE="0.0001",
        LEASE_SECONDS="0.5",
        CALL_DEADLINE_SECONDS=str(DEADLINE_S),
        LOG_LEVEL="ERROR",
    )
    return simulator, place


@mostly("postgresql")
def test_logins_under_fire_end_as_the_provider_has_them(database, simulate, install):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")
    simulator, place = start(simulate, install, database, logins=140)
    begun = time.monotonic()

    scripts, deaths = under_fire(place, simulator, seed=seed, kills=12, waves=5, seconds=60)
    ends = assert_true(place, simulator, scripts)

    print(f"{time.monotonic() - begun:.1f} s, {dict(ends)}, {deaths}")
    assert sum(deaths.values()) == 12
    assert ends["verified"] > 30
    assert {"accepted", "refused"} < set(ends)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step_an_order_ends_as_the_provider_has_it(point, simulate, install):
    simulator, place = start(simulate, install, "sqlite", logins=30)
    ids = [row["login_id"] for row in simulator.register_rows()]
    plan = {
        "seed": 1,
        "kills": 3,
        "waves": [{"on": False, "login_ids": ids, "cancel": False}],
        "longest_life": 10,
        "give_up_after": 30,
        "points": [point],
        "surely": True,
    }

    deaths = driven(place, plan)
    ends = assert_true(place, simulator, dict.fromkeys(ids, "nothing"))

    assert deaths == {f"{point} at the point": 3}
    assert ends["verified"] + ends["crashed"] == 30
    assert ends["crashed"] <= 1


@pytest.mark.soak
@pytest.mark.parametrize("number", range(3))
def test_many_hundred_logins_under_longer_fire(number, database, simulate, install):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")
    simulator, place = start(simulate, install, database, logins=500)

    scripts, deaths = under_fire(place, simulator, seed=seed, kills=80, waves=25, seconds=240)
    ends = assert_true(place, simulator, scripts)

    print(f"{dict(ends)}, {deaths}")
    assert ends["verified"] > 100
