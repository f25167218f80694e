"""A database that goes away in mid-run, and orders that cross a run under way."""

import sqlite3
import time

import pytest

from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

pytestmark = pytest.mark.processes

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_cut_connections_are_made_anew_and_the_run_ends(simulate, install):
    simulator = simulate(scenario="calm", logins=80, limit=0, latency=0.1, body_kb=5)
    place = install("postgresql", simulator)

    run = place.start("run_routine", "--json")
    while not simulator.counts()["arrived"]:
        time.sleep(0.05)  # what is cut is a run under way, not its start
    for _ in range(4):
        time.sleep(0.7)
        place.rows(CUT)
    out, err = run.communicate(timeout=90)

    assert run.returncode == 0, err
    assert_everything_ended_once(place, planned=80)
    assert_one_to_one(place, simulator)


def test_a_database_locked_for_long_holds_the_run_up_and_loses_nothing(simulate, install):
    simulator = simulate(scenario="calm", logins=60, limit=0, latency=0.05, body_kb=5)
    place = install("sqlite", simulator)
    run = place.start("run_routine", "--json")
    while not simulator.counts()["arrived"]:
        time.sleep(0.05)

    with sqlite3.connect(place.database_url.removeprefix("sqlite:///"), timeout=20) as link:
        link.execute("BEGIN EXCLUSIVE")
        quiet_from = time.time() + 1
        time.sleep(3.5)  # longer than a lease
        link.rollback()
        quiet_to = time.time()
    out, err = run.communicate(timeout=90)

    assert run.returncode == 0, err
    sent = [line["arrived"] for line in simulator.log_lines()]
    assert not [at for at in sent if quiet_from < at < quiet_to], "sent without a row"
    assert_everything_ended_once(place, planned=60)
    assert_one_to_one(place, simulator)


def test_after_a_confirmed_switch_off_no_refresh_speaks_for_the_login(simulate, install):
    simulator = simulate(
        scenario="pending", logins=20, limit=0, pending_seconds=3, body_kb=5, latency=0.02
    )
    place = install("sqlite", simulator)
    left = [row["login_id"] for row in simulator.register_rows()[:6]]
    run = place.start("run_routine", "--json")
    while simulator.counts()["arrived"] < 60:
        time.sleep(0.05)

    place.manage("deactivate", "--login-id", *left, "--reason", "They left")
    confirmed_at = time.time()
    out, err = run.communicate(timeout=90)

    assert run.returncode == 0, err
    late = [
        line
        for line in simulator.log_lines()
        if line["login_id"] in left and line["arrived"] > confirmed_at
    ]
    assert late == []
    states = place.rows("SELECT nightly FROM logins_login WHERE status = 'inactive'")
    assert states == [("off",)] * 6
