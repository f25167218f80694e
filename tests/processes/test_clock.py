"""The seven-day clock against the provider's own list of who dropped out."""

import http.client
import json
from datetime import UTC, datetime

import pytest

from tests.simulation import BEARER, CUSTOMER_ID

pytestmark = pytest.mark.processes

OUT_HERE = (
    "SELECT login_id FROM logins_login WHERE drops_out_at <= ? "
    "AND gone_at IS NULL AND status = 'active' AND nightly <> 'off'"
)
WITH_A_CLOCK = (
    "SELECT login_id FROM logins_login WHERE drops_out_at IS NOT NULL AND gone_at IS NULL"
)


def moment_of_now():
    """Return this moment as SQLite keeps moments.

    Its CURRENT_TIMESTAMP has no parts of a second: it lies before what the last second brought.
    """
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def out_there(simulator):
    """Ask the simulator's GetNightlyRefreshStatus who dropped out."""
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    try:
        connection.request(
            "GET",
            f"/v3/{CUSTOMER_ID}/BankingServices/GetNightlyRefreshStatus",
            headers={"Authorization": f"Bearer {BEARER}"},
        )
        body = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return {card["LoginId"] for card in body["IneligibleCards"]}


def failed_at_its_data(simulator, login_id):
    """Tell whether a login's code came from a data call, which is no word about its refresh."""
    return simulator.login(login_id)["fate"] in ("no_transaction", "method_not_available")


@pytest.mark.parametrize("scenario", ["codes", "morning"])
def test_who_is_out_here_is_who_is_out_there(simulate, install, scenario):
    simulator = simulate(scenario=scenario, logins=120, limit=0, body_kb=5)
    place = install("sqlite", simulator, WAIT_SCALE="0.002")

    place.run_routine(expect=None)

    ours = {row[0] for row in place.rows(OUT_HERE, moment_of_now())}
    told = {row[0] for row in place.rows(WITH_A_CLOCK)}
    theirs = {one for one in out_there(simulator) if not failed_at_its_data(simulator, one)}
    assert ours == theirs & told
    assert len(ours) > 10
    assert not told & {row["login_id"] for row in simulator.logins(fate="invalid_request")}
