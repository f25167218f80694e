"""The code table: closed, complete against the documents, and without two rows for one answer."""

import re
from collections import Counter

import pytest

from refreshops.providers.flinks.codes import (
    CODE_TABLE,
    ESCALATIONS,
    CallKind,
    escalated,
    explain,
    is_in_table,
    look_up,
    normal,
)
from refreshops.rules.outcomes import Actor, Outcome, Reason, Retry

# What seed 001 says, row by row: status, code, message.
SEED_001 = [
    (200, "", ""),
    (202, "OPERATION_PENDING", "Your operation is still processing."),
    (202, "OPERATION_DISPATCHED", "Your operations had been dispatched"),
    (400, "INVALID_LOGIN", "The LoginId provided is either invalid or does not belong to the id"),
    (400, "INVALID_LOGIN", "The card number (username) or password provided is invalid"),
    (400, "INVALID_REQUEST", "a value is missing"),
    (400, "SESSION_NONEXISTENT", "Inputs session id or card if were not found."),
    (400, "CARD_IN_USE", ""),
    (401, "INVALID_USERNAME", ""),
    (401, "INVALID_PASSWORD", ""),
    (401, "INVALID_SECURITY_RESPONSE", ""),
    (401, "QUESTION_NOT_FOUND", ""),
    (401, "RETRY_LATER", ""),
    (401, "UNKNOWN_CHALLENGE_KEY", '"One or more of the Security Challenge Prompts required"'),
    (401, "CONCURRENT_SESSION", ""),
    (401, "UNAUTHORIZED", "You need to be authorized in the bank account before going further."),
    (401, "DISABLED_LOGIN", ""),
    (401, "NEW_ACCOUNT", ""),
    (401, "SESSION_EXPIRED", ""),
    (401, "ALREADY_AUTHORIZED", ""),
    (401, "SECURITYRESPONSES_INCOMPLETE", ""),
]
# What outcomes.md 5a makes of them in a cached check, in the same order.
MEANT = [
    (Outcome.FRESH, Reason.NONE),
    (Outcome.PENDING, Reason.NONE),
    (Outcome.PENDING, Reason.NONE),
    (Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN),
    (Outcome.USER_ACTION, Reason.CREDENTIALS),
    (Outcome.OUR_CONFIG, Reason.FLOW),
    (Outcome.PROVIDER_FAULT, Reason.SESSION_OVER),
    (Outcome.THROTTLED, Reason.BUSY),
    (Outcome.USER_ACTION, Reason.CREDENTIALS),
    (Outcome.USER_ACTION, Reason.CREDENTIALS),
    (Outcome.USER_ACTION, Reason.MFA),
    (Outcome.USER_ACTION, Reason.MFA),
    (Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
    (Outcome.USER_ACTION, Reason.MFA),
    (Outcome.THROTTLED, Reason.BUSY),
    (Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
    (Outcome.LOGIN_GONE, Reason.DISABLED),
    (Outcome.USER_ACTION, Reason.BANK_SITE),
    (Outcome.PROVIDER_FAULT, Reason.SESSION_OVER),
    (Outcome.OUR_CONFIG, Reason.FLOW),
    (Outcome.USER_ACTION, Reason.MFA),
]
EXTRAS = [
    ("OK", 200, Outcome.FRESH),
    ("CREATED", 201, Outcome.FRESH),
    ("ACCESS_DENIED", 401, Outcome.OUR_CONFIG),
    ("INVALID_SECURITY_RESPONSE_NO_RETRY", 401, Outcome.USER_ACTION),
    ("TOO_MANY_REQUESTS", 401, Outcome.THROTTLED),
    ("DISABLED_INSTITUTION", 405, Outcome.INSTITUTION_UNAVAILABLE),
    ("AGGREGATION_ERROR", 500, Outcome.PROVIDER_FAULT),
    ("NO_TRANSACTION", 200, Outcome.OUR_CONFIG),
    ("METHOD_NOT_AVAILABLE", 401, Outcome.OUR_CONFIG),
    ("BANK_MAINTENANCE_RETRY_LATER", 401, Outcome.INSTITUTION_UNAVAILABLE),
]
# Flinks itself goes on with these the next night (outcomes.md section 6).
STAYS_NIGHTLY = {
    "RETRY_LATER",
    "AGGREGATION_ERROR",
    "SESSION_EXPIRED",
    "DISABLED_INSTITUTION",
    "UNAUTHORIZED",
    "SESSION_NONEXISTENT",
    "BANK_MAINTENANCE_RETRY_LATER",
}


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        pytest.param(row, meant, id=f"{row[1] or 'success'}-{number}")
        for number, (row, meant) in enumerate(zip(SEED_001, MEANT, strict=True))
    ],
)
class TestSeed001:
    def test_every_row_means_what_the_outcome_table_says(self, row, meant):
        status, code, message = row

        found = look_up(code=code, http_status=status, message=message)

        assert (found.outcome, found.reason) == meant

    def test_the_http_status_does_not_decide(self, row, meant):
        _, code, message = row

        if code:
            found = look_up(code=code.lower(), http_status=418, message=message)
            assert (found.outcome, found.reason) == meant

    def test_every_row_names_its_documented_status(self, row, meant):
        status, code, message = row

        assert look_up(code=code, http_status=status, message=message).http_status == status


@pytest.mark.parametrize(("code", "status", "outcome"), EXTRAS)
def test_every_further_code_has_a_row(code, status, outcome):
    assert look_up(code=code, http_status=status).outcome is outcome


def test_no_two_rows_fit_the_same_answer():
    signatures = Counter(
        (row.code, row.http_status if not row.code else None, row.message_pattern, calls, worked)
        for row in CODE_TABLE
        for calls in [row.calls]
        for worked in [row.if_worked_before]
    )

    assert [signature for signature, times in signatures.items() if times > 1] == []


def test_every_row_speaks_to_people():
    for row in CODE_TABLE:
        assert re.fullmatch(r"[A-Z].*[^.]\.", row.meaning), row
        assert re.fullmatch(r"[A-Z].*[^.]\.", row.next_step), row
        assert isinstance(row.actor, Actor)
        assert isinstance(row.retry, Retry)


def test_what_flinks_repeats_nightly_is_marked():
    assert {row.code for row in CODE_TABLE if row.stays_nightly} == STAYS_NIGHTLY


def test_only_two_codes_let_the_data_be_read():
    reading = {row.code for row in CODE_TABLE if row.reads_data}

    assert reading == {"QUESTION_NOT_FOUND", "ALREADY_AUTHORIZED"}


def test_what_the_customer_must_do_is_never_retried():
    for row in CODE_TABLE:
        assert row.outcome is not Outcome.USER_ACTION or row.retry is Retry.NEVER, row


@pytest.mark.parametrize(
    "spelling",
    [
        "BANK_MAINTENANCE_RETRY_LATER",
        "BANK MAINTENANCE_RETRY_LATER",
        "BANK_MAINTENENACE_RETRY_LATER",
        "bank-maintenance retry later",
    ],
)
def test_the_banks_maintenance_is_known_in_every_spelling(spelling):
    assert look_up(code=spelling, http_status=401).outcome is Outcome.INSTITUTION_UNAVAILABLE
    assert look_up(code="RETRY_LATER", http_status=401).meaning.startswith("Flinks could not")


@pytest.mark.parametrize("code", ["BRAND_NEW", "SUCCESS", "200", "FRESH", "é"])
@pytest.mark.parametrize("status", [200, 203, 400, 401, 500])
def test_an_unlisted_code_is_unknown_and_kept_as_it_came(code, status):
    found = look_up(code=code, http_status=status)

    assert found.outcome is Outcome.UNKNOWN
    assert found.code == code
    assert code in found.meaning
    assert not is_in_table(code)


@pytest.mark.parametrize(
    ("kind", "message", "outcome", "reason"),
    [
        (CallKind.CACHED, "", Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
        (CallKind.LIVE, "", Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE),
        (CallKind.DATA, "", Outcome.OUR_CONFIG, Reason.FLOW),
        (CallKind.POLL, "", Outcome.OUR_CONFIG, Reason.FLOW),
        (CallKind.TOKEN, "", Outcome.OUR_CONFIG, Reason.KEYS),
        (CallKind.STATUS, "", Outcome.OUR_CONFIG, Reason.KEYS),
        (CallKind.CACHED, "You must provide a valid authorize token", Outcome.OUR_CONFIG, "keys"),
        (CallKind.DATA, "You must provide a valid auth key", Outcome.OUR_CONFIG, Reason.KEYS),
        (CallKind.DATA, "Invalid x-api-key", Outcome.OUR_CONFIG, Reason.KEYS),
    ],
)
def test_unauthorized_depends_on_the_call_and_the_message(kind, message, outcome, reason):
    found = look_up(code="UNAUTHORIZED", http_status=401, message=message, kind=kind)

    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (201, CallKind.CACHED, Outcome.FRESH),
        (202, CallKind.CACHED, Outcome.PENDING),
        (203, CallKind.LIVE, Outcome.USER_ACTION),
        (400, CallKind.CACHED, Outcome.OUR_CONFIG),
        (401, CallKind.CACHED, Outcome.UNKNOWN),
        (403, CallKind.CACHED, Outcome.OUR_CONFIG),
        (404, CallKind.CACHED, Outcome.OUR_CONFIG),
        (404, CallKind.POLL, Outcome.OUR_CONFIG),
        (405, CallKind.CACHED, Outcome.OUR_CONFIG),
        (418, CallKind.CACHED, Outcome.UNKNOWN),
        (429, CallKind.DATA, Outcome.THROTTLED),
        (500, CallKind.CACHED, Outcome.PROVIDER_FAULT),
        (503, CallKind.DATA, Outcome.PROVIDER_FAULT),
        (599, CallKind.DATA, Outcome.PROVIDER_FAULT),
        (0, CallKind.CACHED, Outcome.UNKNOWN),
    ],
)
def test_without_a_code_the_status_decides(status, kind, outcome):
    assert look_up(code="", http_status=status, kind=kind).outcome is outcome


@pytest.mark.parametrize("row", ESCALATIONS, ids=lambda row: row.code)
def test_an_escalation_needs_its_runs_in_a_row(row):
    before = row.runs - 1

    assert escalated(code=row.code, last_code=row.code, same_code_runs=before) == row
    assert escalated(code=row.code, last_code=row.code, same_code_runs=before - 1) is None
    assert escalated(code=row.code, last_code="RETRY_LATER", same_code_runs=9) is None
    assert is_in_table(row.code)


class TestExplain:
    def test_it_says_what_a_traced_call_means(self):
        said = explain(code="QUESTION_NOT_FOUND", message="", http_status=401, endpoint="Authorize")

        assert "security question" in said.meaning
        assert said.actor is Actor.CUSTOMER

    def test_it_knows_that_nothing_arrived(self):
        assert explain(code="", http_status=None).reason is Reason.NETWORK

    @pytest.mark.parametrize(
        ("endpoint", "reason"),
        [
            ("GenerateAuthorizeToken", Reason.KEYS),
            ("GetAccountsDetail", Reason.FLOW),
            ("GetAccountsDetailAsync", Reason.FLOW),
            ("Authorize", Reason.NONE),
            ("SomethingElse", Reason.NONE),
        ],
    )
    def test_it_reads_a_code_on_its_endpoint(self, endpoint, reason):
        assert explain(code="UNAUTHORIZED", http_status=401, endpoint=endpoint).reason is reason


def test_the_tables_own_spelling_is_normal():
    assert [row.code for row in CODE_TABLE if row.code != normal(row.code)] == []
