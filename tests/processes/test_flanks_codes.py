"""A routine over all that Flanks documents ends exactly as the outcome table says.

The table below is read from the outcome document by hand, row by row: neither the code table, nor
the page made of it, nor the simulator had a part in it, and each is compared with it.
"""

from pathlib import Path

import pytest

from refreshops.providers.flanks import codes
from tests.installation import ROOT
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.sides import FLANKS

PARTIAL = ("provider_fault", "partial", "stale_usable")
FLOW = ("our_config", "flow", "none")
CREDENTIALS = ("user_action", "credentials")
FRESH = ("fresh", "", "fresh")
# (row in the simulator's register, code or status field, outcome, reason, data state)
TABLE = [
    ("01-ok", "", *FRESH),
    ("02-ok-milliseconds", "", *FRESH),
    ("03-ok-plural-transactions", "", *FRESH),
    ("04-quiet-account", "", *FRESH),
    ("05-empty-lists", "", *FRESH),
    ("06-nulls-in-data", "", *FRESH),
    ("07-nulls-in-status", "", *FRESH),
    ("08-transaction-token", "", *FRESH),
    ("09-stale", "", "stale", "", "stale_usable"),
    ("10-expired", "", "stale", "", "stale_expired"),
    ("11-timestamp-zero", "", "stale", "no_timestamp", "none"),
    ("12-timestamp-missing", "", "stale", "no_timestamp", "none"),
    ("13-timestamp-future", "", "stale", "future_timestamp", "stale_usable"),
    ("14-blocked", "blocked", *CREDENTIALS, "stale_usable"),
    ("15-blocked-without-token", "blocked", *CREDENTIALS, "stale_usable"),
    ("16-sca-needed", "sca_token", "user_action", "mfa", "stale_usable"),
    ("17-reset-forced", "reset_token", *CREDENTIALS, "fresh"),
    ("18-credentials-error", "50002", *CREDENTIALS, "none"),
    ("19-sca-required", "50003", "user_action", "mfa", "none"),
    # Polled until they are there.
    ("20-initial-pending", "", *FRESH),
    ("21-not-created-auth", "", *FRESH),
    ("22-not-created-account", "", *FRESH),
    ("23-not-created-card", "", *FRESH),
    ("24-not-created-portfolio", "", *FRESH),
    ("25-not-created-investment", "", *FRESH),
    ("26-not-created-liability", "", *FRESH),
    ("27-not-created-holders", "", *FRESH),
    ("28-pending-too-long", "pending", "provider_fault", "too_long", "none"),
    ("29-processing", "", *FRESH),
    ("30-processing-everything", "", *FRESH),
    # A check of Flanks's own that takes a day or two: never a matter for the customer.
    ("31-security-checks", "20003", "pending", "", "none"),
    ("32-token-delayed", "20003", "pending", "", "none"),
    # Identity and holders are not fetched: what is fetched stays as fresh as it is.
    ("33-errored-auth", "errored", "provider_fault", "partial", "fresh"),
    ("34-errored-account", "errored", *PARTIAL),
    ("35-errored-card", "errored", *PARTIAL),
    ("36-errored-portfolio", "errored", *PARTIAL),
    ("37-errored-investment", "errored", *PARTIAL),
    ("38-errored-liability", "errored", *PARTIAL),
    ("39-errored-holders", "errored", "provider_fault", "partial", "fresh"),
    ("40-errored-transaction-account", "errored", *PARTIAL),
    ("41-errored-transaction-card", "errored", *PARTIAL),
    ("42-errored-transaction-investment", "errored", *PARTIAL),
    ("43-errored-transaction-liability", "errored", *PARTIAL),
    ("44-errored-everything", "errored", *PARTIAL),
    ("45-incomplete", "20001", *PARTIAL),
    ("46-incomplete-without-data", "20001", *PARTIAL),
    ("47-does-not-exist", "40001", "login_gone", "unknown_login", "none"),
    ("48-missing-fields", "40001", *FLOW),
    ("49-invalid-parameter", "40001", *FLOW),
    ("50-already-exists", "40001", *FLOW),
    ("51-bank-error", "50001", "institution_unavailable", "", "none"),
    ("52-bank-error-500", "50001", "institution_unavailable", "", "none"),
    ("53-method-not-allowed", "", *FLOW),
    ("54-unsupported-media", "", *FLOW),
    ("55-internal-error", "", "provider_fault", "", "none"),
    ("56-invented-code", "60001", "unknown", "", "none"),
]
BY_ROW = {f"es-row-{row}": told for row, *told in TABLE}
# Answers without a code, by their HTTP status.
CODELESS = {
    200: "fresh",
    202: "pending",
    403: "our_config",
    405: "our_config",
    409: "our_config",
    415: "our_config",
    429: "throttled",
    500: "provider_fault",
}
# Waited for: the code itself is in the trace.
PASSING_CODES = {"20002"}
# What the run made of an answer, not the answer itself.
BY_ITS_AGE = {"too_long"}
# A wait for hours is one for moments here.
QUICKLY = {"WAIT_SCALE": "0.0001"}

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def page():
    return Path(ROOT / "docs" / "provider-answers.md").read_text(encoding="utf-8").splitlines()


def test_everything_documented_ends_as_the_table_says(simulate, install):
    simulator = simulate(scenario="codes", limit=0, body_kb=5, logins=0, flanks_logins=1)
    place = install("sqlite", simulator, **QUICKLY, **FLANKS.settings(simulator))

    FLANKS.run(place)

    found = place.rows(
        "SELECT customer.reference, attempt.provider_code, attempt.outcome, "
        "attempt.outcome_reason, attempt.data_state "
        "FROM routine_attempt attempt JOIN logins_login login ON login.id = attempt.login_id "
        "JOIN logins_customer customer ON customer.id = login.customer_id "
        "WHERE login.login_id IN (SELECT login_id FROM tracing_call WHERE provider = 'flanks') "
        "ORDER BY customer.reference"
    )
    assert found == [(f"es-row-{row}", *told) for row, *told in TABLE]
    assert_one_to_one(place, simulator)
    traced = {code for (code,) in place.rows("SELECT DISTINCT provider_code FROM tracing_call")}
    answers = {told[0] for told in BY_ROW.values() if told[0].isdigit()}
    assert PASSING_CODES | answers <= traced
    for login in simulator.flanks.logins():
        assert (login["code"], login["outcome"]) == tuple(BY_ROW[login["customer"]][:2]), login
    assert_the_code_table_says_the_same(place)
    assert_what_is_missing_is_named(place)
    assert_no_partial_answer_lost_the_rest(place)


def assert_the_code_table_says_the_same(place):
    """Each last answer, explained as a person who reads the trace sees it explained."""
    rows = place.rows(
        "SELECT customer.reference, call.provider_code, call.message, call.http_status_code, "
        "call.endpoint FROM tracing_call call "
        "JOIN logins_login login ON login.login_id = call.login_id "
        "JOIN logins_customer customer ON customer.id = login.customer_id "
        "WHERE call.provider = 'flanks' ORDER BY call.id"
    )
    last = {row[0]: row[1:] for row in rows}
    judged = 0
    for row, (field, outcome, reason, _) in BY_ROW.items():
        code, message, status, endpoint = last[row]
        if reason in BY_ITS_AGE or status == 200:
            continue
        means = codes.explain(code=code, message=message, http_status=status, endpoint=endpoint)
        assert means.outcome.value == outcome, (row, last[row])
        assert field in ("", code)
        judged += 1
    assert judged >= 14


def assert_what_is_missing_is_named(place):
    rows = dict(
        place.rows(
            "SELECT customer.reference, attempt.message FROM routine_attempt attempt "
            "JOIN logins_login login ON login.id = attempt.login_id "
            "JOIN logins_customer customer ON customer.id = login.customer_id "
            "WHERE attempt.outcome_reason = 'partial'"
        )
    )
    assert rows["es-row-37-errored-investment"].startswith("Not everything came: investments (")
    assert "portfolios" in rows["es-row-36-errored-portfolio"]
    assert len(rows) == sum(told[2] == "partial" for told in BY_ROW.values())


def assert_no_partial_answer_lost_the_rest(place):
    """All logins with data hold one snapshot, and what came in part is among them."""
    held = {
        reference
        for (reference,) in place.rows(
            "SELECT DISTINCT customer.reference FROM bankdata_snapshot snapshot "
            "JOIN logins_login login ON login.id = snapshot.login_id "
            "JOIN logins_customer customer ON customer.id = login.customer_id"
        )
    }
    fetched = {row for row, told in BY_ROW.items() if told[3] != "none"}
    # Without a believable date the data is kept, and counts as none.
    undated = {row for row, told in BY_ROW.items() if told[2] == "no_timestamp"}
    assert fetched <= held <= fetched | undated
    assert place.rows("SELECT count(*) FROM bankdata_piece") == [(0,)]


@pytest.mark.parametrize("code", sorted({told[0] for told in BY_ROW.values()} - {"", "60001"}))
def test_the_generated_page_names_every_code_and_field_with_its_outcome(page, code):
    outcomes = {told[1] for told in BY_ROW.values() if told[0] == code and told[2] != "too_long"}

    lines = [line for line in page if f"| `{code}` |" in line]

    for outcome in outcomes or {"pending"}:
        assert any(f"`{outcome}`" in line for line in lines), f"{code} as {outcome}"


@pytest.mark.parametrize("status", sorted(set(CODELESS) - {409, 500}))
def test_the_generated_page_names_every_status_without_a_code(page, status):
    lines = [line for line in page if line.startswith(f"| {status} | – |")]

    assert any(f"`{CODELESS[status]}`" in line for line in lines)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        pytest.param(401, "Invalid credentials", "keys", id="401-invalid-credentials"),
        pytest.param(401, "Not authenticated", "keys", id="401-not-authenticated"),
        pytest.param(403, "access_denied", "keys", id="403-access-denied"),
    ],
)
def test_what_is_about_our_keys_pauses_the_provider_and_burns_no_login(
    status, message, kind, simulate, install
):
    simulator = simulate(scenario="calm", limit=0, logins=0, flanks_logins=5)
    place = install("sqlite", simulator, **FLANKS.settings(simulator))
    always = {"kind": "code", "status": status, "message": message}
    simulator.faults(always | {"endpoint": "credentials/status"})

    FLANKS.run(place, expect=3)

    assert place.rows("SELECT paused_kind FROM logins_provider WHERE name = 'flanks'") == [(kind,)]
    burnt = "SELECT count(*) FROM routine_attempt WHERE outcome <> '' AND login_id IS NOT NULL"
    assert place.rows(burnt) == [(0,)]
    told = place.rows("SELECT count(*) FROM tracing_call WHERE http_status_code = ?", status)
    # An access token is renewed once before we give in, for whoever was under way.
    assert 1 <= told[0][0] <= 8
    assert_one_to_one(place, simulator)


def test_too_many_requests_slow_everybody_down_and_burn_nobody(simulate, install):
    simulator = simulate(scenario="calm", limit=0, logins=0, flanks_logins=5)
    place = install("sqlite", simulator, **FLANKS.settings(simulator))
    once = {"kind": "code", "status": 429, "message": "Too many requests", "times": 1}
    simulator.faults(once | {"endpoint": "credentials/status"})

    found = FLANKS.run(place)

    assert found["outcomes"] == {"fresh": 5}
    told = place.rows("SELECT count(*) FROM tracing_call WHERE http_status_code = 429")
    assert told == [(1,)]
    assert_everything_ended_once(place, planned=5)
