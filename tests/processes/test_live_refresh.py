"""A refresh at the bank itself, ordered on a login's page: it helps, or ends at the customer."""

import json
from pathlib import Path

import pytest

HANDS = str(Path(__file__).with_name("hands.py"))
REASON = {"fill": {"reason": "The customer needs a balance of today"}}

pytestmark = pytest.mark.processes


def ordered_live(place, login_id):
    """Order it by hand on the login's page, and let it be driven; return what the steps came to."""
    key = place.rows("SELECT id FROM logins_login WHERE login_id = ?", login_id)[0][0]
    steps = [
        {"open": f"/logins/login/{key}/change/"},
        {"press": "Refresh live"},
        {"press": "Refresh live", **REASON},
        {"drive": 10},
        {"open": f"/logins/login/{key}/change/"},
    ]
    done = place.manage(HANDS, "boss", json.dumps(steps))
    return [json.loads(line) for line in done.stdout.splitlines()]


def ended(place, login_id):
    return place.rows(
        "SELECT outcome, outcome_reason FROM logins_login WHERE login_id = ?", login_id
    )[0]


def test_it_contacts_the_bank_once_and_stops_where_the_bank_asks_for_a_code(simulate, install):
    simulator = simulate(scenario="calm", logins=2, limit=0, body_kb=5)
    helped, asked_for_code = [row["login_id"] for row in simulator.register_rows()]
    for login_id in (helped, asked_for_code):
        simulator.change(login_id, fate="stale")
    place = install("sqlite", simulator, POLL_SECONDS="0.1")
    place.run_routine()
    simulator.change(asked_for_code, fate="question_not_found")
    before = len(simulator.log_lines())

    steps = ordered_live(place, helped) + ordered_live(place, asked_for_code)

    assert {step["status"] for step in steps if "status" in step} == {200}
    assert ended(place, helped) == ("fresh", "")
    assert ended(place, asked_for_code) == ("user_action", "mfa")
    opened = place.rows(
        "SELECT login.login_id, reason FROM logins_reconnectcase AS one"
        " JOIN logins_login AS login ON login.id = one.login_id WHERE closed_at IS NULL"
    )
    assert opened == [(asked_for_code, "mfa")]
    live = [line for line in simulator.log_lines()[before:] if line["endpoint"] == "Authorize"]
    assert [line["login_id"] for line in live] == [helped, asked_for_code]
    with pytest.raises(AssertionError, match="has no button 'Refresh live'"):
        ordered_live(place, asked_for_code)
