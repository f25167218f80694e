"""A bank that is down for a whole daily run: no reconnect case is opened there, and none closed."""

import pytest

from refreshops.simulator.scenarios import BANK_DOWN

pytestmark = pytest.mark.processes

CASES = 1_000
# A fifth of the logins are at the bank that is down; a few of them have no case.
LOGINS = 5_200
OPEN = """
    INSERT INTO logins_reconnectcase
           (login_id, reason, provider_code, opened_at, closed_as, reopened, reminders)
    SELECT id, 'mfa', 'QUESTION_NOT_FOUND', '2026-01-05 06:00:00+00:00', '', 0, 0
      FROM logins_login WHERE institution = ? ORDER BY id LIMIT ?
"""
SNAPSHOT = "SELECT * FROM logins_reconnectcase ORDER BY id"


def test_a_day_of_a_bank_that_is_down_leaves_a_thousand_open_cases_as_they_were(simulate, install):
    down = BANK_DOWN["outage"]
    simulator = simulate(scenario="outage", logins=LOGINS, limit=0, body_kb=1)
    place = install("sqlite", simulator)
    # The other banks answer, and would cure: they are not what is asked about.
    place.change("UPDATE logins_login SET status = 'inactive' WHERE institution <> ?", down)
    place.change(OPEN, down, CASES)
    before = place.rows(SNAPSHOT)

    run = place.run_routine()

    asked = sum(run["outcomes"].values())
    assert run["outcomes"] == {"institution_unavailable": asked}
    assert asked > len(before) == CASES
    assert place.rows(SNAPSHOT) == before


def test_the_cases_are_closed_by_the_first_day_on_which_the_bank_answers_again(simulate, install):
    simulator = simulate(scenario="calm", logins=20, limit=0, body_kb=1)
    place = install("sqlite", simulator)
    banks = {row["institution"] for row in simulator.register_rows()}
    for bank in banks:
        place.change(OPEN, bank, CASES)

    place.run_routine()

    closed = place.rows("SELECT DISTINCT closed_as FROM logins_reconnectcase")
    assert closed == [("fresh",)]
