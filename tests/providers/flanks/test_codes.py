"""The code table: closed, complete against the documents, and without two rows for one answer."""

import itertools
from collections import Counter

import pytest

from refreshops.providers.flanks.codes import (
    CODE_TABLE,
    FAULT_ROWS,
    CallKind,
    explain,
    field_row,
    is_in_table,
    look_up,
    normal,
    tables,
)
from refreshops.rules.outcomes import Actor, Outcome, Reason, Retry

# Seed 004, row by row: status, code, text; and what outcomes.md 5b makes of it on a status call.
SEED_004 = [
    (200, "", "", Outcome.FRESH, Reason.NONE, Retry.NEXT_RUN),
    (202, "", "", Outcome.PENDING, Reason.NONE, Retry.POLL),
    (202, "20003", "Token is delayed", Outcome.PENDING, Reason.NONE, Retry.POLL),
    (400, "20001", "not available", Outcome.PROVIDER_FAULT, Reason.PARTIAL, Retry.NEXT_RUN),
    (400, "20002", "Retrieving", Outcome.PENDING, Reason.NONE, Retry.POLL),
    (400, "20003", "Making security checks", Outcome.PENDING, Reason.NONE, Retry.POLL),
    (400, "40001", "Missing fields: page", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (400, "40001", "Invalid page", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (
        400,
        "40001",
        "A credentials_token with this value does not exist",
        Outcome.LOGIN_GONE,
        Reason.UNKNOWN_LOGIN,
        Retry.NEVER,
    ),
    (
        400,
        "40001",
        "An application with this name does not exist",
        Outcome.OUR_CONFIG,
        Reason.FLOW,
        Retry.NEVER,
    ),
    (409, "40001", "This name already exists", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (400, "50001", "bank", Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE, Retry.NEXT_RUN),
    (400, "50002", "wrong", Outcome.USER_ACTION, Reason.CREDENTIALS, Retry.NEVER),
    (400, "50003", "SCA", Outcome.USER_ACTION, Reason.MFA, Retry.NEVER),
    (400, "", "no code", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (401, "", "Invalid credentials", Outcome.OUR_CONFIG, Reason.KEYS, Retry.ONCE_AT_ONCE),
    (401, "", "Not authenticated", Outcome.OUR_CONFIG, Reason.KEYS, Retry.ONCE_AT_ONCE),
    (403, "", "access_denied", Outcome.OUR_CONFIG, Reason.KEYS, Retry.NEVER),
    (404, "", "", Outcome.OUR_CONFIG, Reason.KEYS, Retry.NEVER),
    (405, "", "Method not allowed", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (409, "", "already exists", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (415, "", "Not matching", Outcome.OUR_CONFIG, Reason.FLOW, Retry.NEVER),
    (429, "", "", Outcome.THROTTLED, Reason.TOO_FAST, Retry.AFTER_PAUSE),
    (500, "", "Internal Error", Outcome.PROVIDER_FAULT, Reason.NONE, Retry.NEXT_RUN),
    (503, "", "", Outcome.PROVIDER_FAULT, Reason.NONE, Retry.NEXT_RUN),
]
SESSION_ERRORS = {
    "InvalidCredentials": (Outcome.USER_ACTION, Reason.CREDENTIALS),
    "INVALID_CREDENTIALS": (Outcome.USER_ACTION, Reason.CREDENTIALS),
    "InvalidChallengeResponse": (Outcome.USER_ACTION, Reason.MFA),
    "INVALID_SCA": (Outcome.USER_ACTION, Reason.MFA),
    "ABORTED_BY_USER": (Outcome.USER_ACTION, Reason.MFA),
    "UserInteractionNeeded": (Outcome.USER_ACTION, Reason.BANK_SITE),
    "USER_INTERACTION_NEEDED": (Outcome.USER_ACTION, Reason.BANK_SITE),
    "UnsupportedChallengeMethod": (Outcome.LOGIN_GONE, Reason.NONE),
    "SCA_TYPE_NOT_ALLOWED": (Outcome.LOGIN_GONE, Reason.NONE),
    "CREDENTIALS_ALREADY_EXIST": (Outcome.OUR_CONFIG, Reason.FLOW),
    "InternalError": (Outcome.PROVIDER_FAULT, Reason.NONE),
    "INTERNAL_ERROR": (Outcome.PROVIDER_FAULT, Reason.NONE),
    "ValidationError": (Outcome.OUR_CONFIG, Reason.FLOW),
}
FIELDS = {
    "blocked": (Outcome.USER_ACTION, Reason.CREDENTIALS, Actor.CUSTOMER),
    "sca_token": (Outcome.USER_ACTION, Reason.MFA, Actor.CUSTOMER),
    "reset_token": (Outcome.USER_ACTION, Reason.CREDENTIALS, Actor.CUSTOMER),
    "pending": (Outcome.PENDING, Reason.NONE, Actor.NOBODY),
    "created": (Outcome.PENDING, Reason.NONE, Actor.NOBODY),
    "errored": (Outcome.PROVIDER_FAULT, Reason.PARTIAL, Actor.PROVIDER),
    "transaction_token": (Outcome.FRESH, Reason.NONE, Actor.NOBODY),
    "last_update_timestamp": (Outcome.STALE, Reason.NONE, Actor.OPERATIONS),
}


@pytest.mark.parametrize(
    ("http", "code", "text", "outcome", "reason", "retry"),
    SEED_004,
    ids=[f"{http}-{code}-{text[:24]}" for http, code, text, *_ in SEED_004],
)
def test_every_documented_answer_means_what_the_taxonomy_says(
    http, code, text, outcome, reason, retry
):
    row = look_up(code=code, http_status=http, message=text)

    assert (row.outcome, row.reason, row.retry) == (outcome, reason, retry)
    assert row == explain(code=code, http_status=http, message=text)


@pytest.mark.parametrize(("code", "meant"), SESSION_ERRORS.items())
def test_a_sessions_error_is_read_in_both_spellings(code, meant):
    row = explain(code=code)

    assert is_in_table(code)
    assert (row.outcome, row.reason) == meant


@pytest.mark.parametrize(("name", "meant"), FIELDS.items())
def test_a_field_of_a_status_has_a_row_of_its_own(name, meant):
    row = explain(code=name.upper(), http_status=200)

    assert row is field_row(name)
    assert (row.outcome, row.reason, row.actor) == meant
    assert normal(f" {name} ") == name


@pytest.mark.parametrize("name", FIELDS)
def test_the_name_of_a_field_is_no_error_code(name):
    assert look_up(code=name, http_status=200).outcome is Outcome.UNKNOWN


def test_an_element_that_does_not_exist_is_the_login_only_where_a_login_is_named():
    meant = {
        kind: look_up(
            code="40001", http_status=400, message="This does not exist", kind=kind
        ).outcome
        for kind in CallKind
    }

    gone = {kind for kind, outcome in meant.items() if outcome is Outcome.LOGIN_GONE}
    assert gone == {CallKind.STATUS, CallKind.DATA, CallKind.FORCE, CallKind.DELETE}


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("token", Reason.KEYS),
        ("credentials/status", Reason.KEYS),
        ("credentials/list", Reason.KEYS),
        ("investment", Reason.REFUSED),
    ],
)
def test_being_turned_away_concerns_our_keys_only_at_the_door(endpoint, reason):
    assert explain(code="", http_status=403, message="no", endpoint=endpoint).reason is reason
    denied = explain(code="", http_status=403, message="access_denied", endpoint=endpoint)
    assert denied.reason is Reason.KEYS


@pytest.mark.parametrize(
    ("code", "http"), [("60001", 400), ("?", 200), ("", 418), ("", 302), ("!", 200), ("é", 200)]
)
def test_what_is_in_no_row_is_unknown_and_never_success(code, http):
    row = look_up(code=code, http_status=http)

    assert row.outcome is Outcome.UNKNOWN
    assert not is_in_table(code)
    assert row.code == code


def test_nothing_heard_is_a_network_fault():
    assert explain(code="") is FAULT_ROWS[Reason.NETWORK]


def test_no_code_but_a_bare_200_is_ever_fresh():
    fresh = [row for row in CODE_TABLE if row.outcome is Outcome.FRESH]

    assert [(row.code, row.http_status) for row in fresh] == [
        ("transaction_token", 200),
        ("", 200),
    ]


def test_the_row_of_an_answer_is_the_same_whatever_stands_beside_it():
    keys = Counter(
        (row.code, row.http_status, row.message_pattern, row.calls) for row in CODE_TABLE
    )

    assert [key for key, count in keys.items() if count > 1] == []


def test_every_row_says_what_it_means_and_what_to_do_in_sentences():
    for row in (*CODE_TABLE, *FAULT_ROWS.values()):
        for text in (row.meaning, row.next_step):
            assert text.endswith("."), row
            assert text[0].isupper(), row


def test_the_tables_for_the_documents_hold_every_row_once():
    shown = list(itertools.chain.from_iterable(table.rows for table in tables()))

    assert Counter(map(id, shown)) == Counter(map(id, (*CODE_TABLE, *FAULT_ROWS.values())))
    assert all(table.heading.startswith("Flanks") for table in tables())
