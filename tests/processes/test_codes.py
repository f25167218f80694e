"""A routine over every documented code ends exactly as the outcome table says.

The table below is read from the outcome document by hand, row by row; neither the code table nor
the simulator had a part in it. The generated page must name each code with the same outcome.
"""

import re
from pathlib import Path

import pytest

from tests.installation import ROOT

# Rows 1 to 21 of the provider's error table (one code may stand in two rows), then the extras.
# (row in the simulator's register, code, outcome, reason, data state)
TABLE = [
    ("row-01-success", "", "fresh", "", "fresh"),
    ("row-02-operation-pending", "", "fresh", "", "fresh"),
    ("row-03-operation-pending-at-authorize", "", "fresh", "", "fresh"),
    ("row-04-operation-dispatched", "", "fresh", "", "fresh"),
    ("row-05-invalid-login-id", "INVALID_LOGIN", "login_gone", "unknown_login", "none"),
    ("row-06-invalid-login-credentials", "INVALID_LOGIN", "user_action", "credentials", "none"),
    ("row-07-invalid-request", "INVALID_REQUEST", "our_config", "flow", "none"),
    ("row-08-session-nonexistent-once", "", "fresh", "", "fresh"),
    (
        "row-09-session-nonexistent-at-data",
        "SESSION_NONEXISTENT",
        "our_config",
        "session_over",
        "none",
    ),
    ("row-10-session-nonexistent", "SESSION_NONEXISTENT", "provider_fault", "session_over", "none"),
    ("row-11-card-in-use", "CARD_IN_USE", "throttled", "busy", "none"),
    ("row-12-invalid-username", "INVALID_USERNAME", "user_action", "credentials", "none"),
    ("row-13-invalid-password", "INVALID_PASSWORD", "user_action", "credentials", "none"),
    ("row-14-invalid-security-response", "INVALID_SECURITY_RESPONSE", "user_action", "mfa", "none"),
    ("row-15-question-not-found", "QUESTION_NOT_FOUND", "user_action", "mfa", "stale_usable"),
    ("row-16-retry-later", "RETRY_LATER", "institution_unavailable", "", "none"),
    ("row-17-unknown-challenge-key", "UNKNOWN_CHALLENGE_KEY", "user_action", "mfa", "none"),
    ("row-18-concurrent-session", "CONCURRENT_SESSION", "throttled", "busy", "none"),
    ("row-19-unauthorized", "UNAUTHORIZED", "institution_unavailable", "", "none"),
    ("row-20-unauthorized-at-data", "UNAUTHORIZED", "our_config", "flow", "none"),
    ("row-21-disabled-login", "DISABLED_LOGIN", "login_gone", "disabled", "none"),
    ("row-22-new-account", "NEW_ACCOUNT", "user_action", "bank_site", "none"),
    ("row-23-session-expired", "SESSION_EXPIRED", "provider_fault", "session_over", "none"),
    ("row-24-session-expired-once", "", "fresh", "", "fresh"),
    ("row-25-already-authorized", "", "fresh", "", "fresh"),
    (
        "row-26-securityresponses-incomplete",
        "SECURITYRESPONSES_INCOMPLETE",
        "user_action",
        "mfa",
        "none",
    ),
    ("row-27-ok", "", "fresh", "", "fresh"),
    ("row-28-created", "", "fresh", "", "fresh"),
    ("row-29-invalid-login-id-401", "INVALID_LOGIN", "login_gone", "unknown_login", "none"),
    ("row-30-invalid-login-credentials-401", "INVALID_LOGIN", "user_action", "credentials", "none"),
    (
        "row-31-invalid-login-without-message",
        "INVALID_LOGIN",
        "login_gone",
        "unknown_login",
        "none",
    ),
    ("row-32-invalid-request-401", "INVALID_REQUEST", "our_config", "flow", "none"),
    ("row-33-session-expired-400", "SESSION_EXPIRED", "provider_fault", "session_over", "none"),
    (
        "row-34-invalid-security-response-no-retry",
        "INVALID_SECURITY_RESPONSE_NO_RETRY",
        "user_action",
        "mfa",
        "none",
    ),
    ("row-35-disabled-institution", "DISABLED_INSTITUTION", "institution_unavailable", "", "none"),
    ("row-36-aggregation-error", "AGGREGATION_ERROR", "provider_fault", "", "none"),
    (
        "row-37-bank-maintenance",
        "BANK_MAINTENANCE_RETRY_LATER",
        "institution_unavailable",
        "",
        "none",
    ),
    (
        "row-38-bank-maintenance-spaced",
        "BANK MAINTENANCE_RETRY_LATER",
        "institution_unavailable",
        "",
        "none",
    ),
    (
        "row-39-bank-maintenance-misspelt",
        "BANK_MAINTENENACE_RETRY_LATER",
        "institution_unavailable",
        "",
        "none",
    ),
    ("row-40-no-transaction", "NO_TRANSACTION", "our_config", "flow", "none"),
    ("row-41-method-not-available", "METHOD_NOT_AVAILABLE", "our_config", "flow", "none"),
    ("row-42-stale", "", "stale", "", "stale_usable"),
    ("row-43-expired", "", "stale", "", "stale_expired"),
    ("row-44-never-refreshed", "", "stale", "no_timestamp", "none"),
    ("row-45-invented-code", "VAULT_TIDE_TOO_LOW", "unknown", "", "none"),
]
# Polled or repeated until they end as fresh: the code itself is in the trace.
PASSING_CODES = {"OPERATION_PENDING", "OPERATION_DISPATCHED", "ALREADY_AUTHORIZED"}

pytestmark = pytest.mark.processes


def test_every_code_ends_as_the_table_says(simulate, install):
    simulator = simulate(scenario="codes", logins=45, limit=0, body_kb=5)
    place = install("sqlite", simulator, WAIT_SCALE="0.002")

    place.run_routine()

    found = place.rows(
        "SELECT customer.reference, attempt.provider_code, attempt.outcome, "
        "attempt.outcome_reason, attempt.data_state "
        "FROM routine_attempt attempt JOIN logins_login login ON login.id = attempt.login_id "
        "JOIN logins_customer customer ON customer.id = login.customer_id "
        "ORDER BY customer.reference"
    )
    assert found == TABLE
    traced = {code for (code,) in place.rows("SELECT DISTINCT provider_code FROM tracing_call")}
    assert PASSING_CODES | {row[1] for row in TABLE} <= traced


def test_the_generated_page_names_every_code_with_its_outcome():
    page = Path(ROOT / "docs" / "provider-answers.md").read_text(encoding="utf-8")

    for row, code, outcome, _, _ in TABLE:
        if code and outcome != "unknown":
            loosely = re.sub(r"BANK.MAINTEN\w*?_RETRY", "BANK_MAINTENANCE_RETRY", code)
            lines = [line for line in page.splitlines() if f"`{loosely}`" in line]
            assert any(outcome in line for line in lines), f"{row}: {code} as {outcome}"
