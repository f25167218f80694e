"""Every row of seed 004 and every status field can be met at the fake Flanks."""

from datetime import UTC, datetime

import pytest

from refreshops.simulator.flanks.fates import CODES, PRODUCTS, TRANSACTIONS
from tests.simulator.flanks_client import error_of, first_token

pytestmark = pytest.mark.processes

OUTCOMES = {
    *("fresh", "stale", "pending", "user_action", "institution_unavailable"),
    *("login_gone", "our_config", "provider_fault", "unknown"),
}
DATA = ("account", "portfolio", "investment", "card", "liability")

# Fate, HTTP status, the text (or how it begins) and the code of seed 004.
SAID_BY_STATUS = [
    ("security_checks", 400, "Making security checks.", 20003),
    ("does_not_exist", 400, "A credentials_token with this value does not exist", 40001),
    ("missing_fields", 400, "Missing fields: ", 40001),
    ("invalid_parameter", 400, "Invalid ", 40001),
    ("already_exists", 409, "A credentials_token with this value already exists", 40001),
    ("bank_error", 400, "The connection with the bank", 50001),
    ("bank_error_500", 500, "The bank returns", 50001),
    ("credentials_error", 400, "Incorrect bank credentials", 50002),
    ("sca_required", 400, "Bank requires SCA", 50003),
    ("method_not_allowed", 405, "Method not allowed", None),
    ("unsupported_media", 415, "Not matching body content type", None),
    ("internal_error", 500, "Internal Error", None),
]


@pytest.mark.parametrize(
    ("fate", "status", "text", "code"), [pytest.param(*row, id=row[0]) for row in SAID_BY_STATUS]
)
def test_a_row_of_the_seed_is_said_by_the_status(flanks_codes, flanks, fate, status, text, code):
    heard = flanks.status(first_token(flanks_codes, fate))

    said = error_of(heard)
    assert (said[0], said[2]) == (status, code)
    assert said[1].startswith(text)
    assert ("error_code" in heard.body) == (code is not None)


def test_a_delayed_token_is_accepted_with_a_message(flanks_codes, flanks):
    heard = flanks.status(first_token(flanks_codes, "token_delayed"))

    assert heard.status == 202
    assert heard.body == {
        "message": "Token is delayed during security checks",
        "error_code": 20003,
    }


def test_there_is_one_login_for_each_fate_and_its_customer_names_it(flanks_codes):
    rows = flanks_codes.register_rows(provider="flanks")

    named = ["-".join(row["customer"].split("-")[3:]) for row in rows]
    assert named == [fate.name.replace("_", "-") for fate in CODES]
    assert {fate.outcome for fate in CODES} == OUTCOMES


@pytest.mark.parametrize("spelling", ["transaction", "transactions"])
def test_the_status_has_every_documented_field(flanks_codes, flanks, spelling):
    fate = "ok" if spelling == "transaction" else "ok_plural_transactions"
    body = flanks.status(first_token(flanks_codes, fate)).body

    assert list(body) == [
        *("pending", "blocked", "reset_token", "last_transaction_date", "sca_token"),
        *("transaction_token", "name", "last_update", "time", "last_update_timestamp"),
        *("created_at_timestamp", "errored", "created"),
    ]
    assert body["errored"] == {
        "product": dict.fromkeys(PRODUCTS, False),
        spelling: dict.fromkeys(TRANSACTIONS, False),
    }
    assert body["created"] == {
        "product": dict.fromkeys(PRODUCTS, True),
        spelling: dict.fromkeys(TRANSACTIONS, True),
    }


@pytest.mark.parametrize(("fate", "unit"), [("ok", 1), ("ok_milliseconds", 1000)])
def test_the_timestamp_agrees_with_date_and_time(flanks_codes, flanks, fate, unit):
    body = flanks.status(first_token(flanks_codes, fate)).body

    moment = datetime.fromtimestamp(body["last_update_timestamp"] / unit, UTC)
    assert moment.strftime("%Y-%m-%d %H:%M") == f"{body['last_update']} {body['time']}"
    assert 0 < (datetime.now(UTC) - moment).total_seconds() < 30 * 3600


# Fate, and what the status says besides the usual.
FIELDS = [
    ("blocked", {"blocked": True, "reset_token": str}),
    ("blocked_without_token", {"blocked": True, "reset_token": None}),
    ("sca_needed", {"blocked": False, "sca_token": str}),
    ("reset_forced", {"blocked": False, "reset_token": str}),
    ("transaction_token", {"transaction_token": str, "sca_token": None}),
    ("timestamp_zero", {"last_update_timestamp": 0}),
    ("timestamp_missing", {"last_update_timestamp": None, "last_update": None, "time": None}),
    ("nulls_in_status", {"pending": None, "name": None, "errored": None, "created": None}),
]


@pytest.mark.parametrize(("fate", "said"), [pytest.param(*row, id=row[0]) for row in FIELDS])
def test_a_field_of_the_status(flanks_codes, flanks, fate, said):
    body = flanks.status(first_token(flanks_codes, fate)).body

    found = {
        name: str if isinstance(body[name], str) and wanted is str else body[name]
        for name, wanted in said.items()
    }
    assert found == said


@pytest.mark.parametrize(
    ("fate", "least_days", "most_days"),
    [("stale", 2, 7), ("expired", 8, 60), ("timestamp_future", -3, -1), ("quiet_account", 0, 2)],
)
def test_an_age(flanks_codes, flanks, fate, least_days, most_days):
    body = flanks.status(first_token(flanks_codes, fate)).body

    moment = datetime.fromtimestamp(body["last_update_timestamp"], UTC)
    assert least_days <= (datetime.now(UTC) - moment).total_seconds() / 86_400 <= most_days


def test_a_quiet_account_had_its_last_transaction_long_ago(flanks_codes, flanks):
    body = flanks.status(first_token(flanks_codes, "quiet_account")).body

    day = datetime.fromisoformat(body["last_transaction_date"]).replace(tzinfo=UTC)
    assert (datetime.now(UTC) - day).days > 365


@pytest.mark.parametrize("product", DATA)
def test_an_errored_product_is_refused_unless_errors_are_ignored(flanks_codes, flanks, product):
    token = first_token(flanks_codes, f"errored_{product}")

    status = flanks.status(token).body
    refused = flanks.data(product, token)
    ignoring = flanks.data(product, token, ignore_data_error=True)
    others = [flanks.data(name, token).status for name in DATA if name != product]

    assert [name for name in PRODUCTS if status["errored"]["product"][name]] == [product]
    assert error_of(refused) == (400, "User data not available. Please try again later.", 20001)
    assert ignoring.status == 200
    assert isinstance(ignoring.body, list)
    assert others == [200] * 4


@pytest.mark.parametrize("kind", TRANSACTIONS)
def test_errored_transactions_leave_their_products_alone(flanks_codes, flanks, kind):
    token = first_token(flanks_codes, f"errored_transaction_{kind}")
    path = "data" if kind == "account" else f"{kind}/transaction"

    status = flanks.status(token).body

    assert status["errored"]["transaction"][kind] is True
    assert not any(status["errored"]["product"].values())
    assert flanks.data(kind, token).status == 200
    assert flanks.data(path, token).body["error_code"] == 20001


@pytest.mark.parametrize(
    ("fate", "ignoring"), [("incomplete", 200), ("incomplete_without_data", 400)]
)
def test_incomplete_is_said_by_the_data_alone(flanks_codes, flanks, fate, ignoring):
    token = first_token(flanks_codes, fate)

    assert not any(flanks.status(token).body["errored"]["product"].values())
    assert flanks.data("investment", token).body["error_code"] == 20001
    assert flanks.data("investment", token, ignore_data_error=True).status == ignoring
    assert flanks.data("account", token).status == 200


def test_pending_ends_after_its_polls(flanks_codes, flanks):
    token = first_token(flanks_codes, "initial_pending")

    first = flanks.status(token).body
    early = flanks.data("portfolio", token)
    there = flanks.data("account", token)
    second, third = flanks.status(token).body, flanks.status(token).body

    assert [each["pending"] for each in (first, second, third)] == [True, True, False]
    assert first["created"]["product"]["account"] is True
    assert first["created"]["product"]["portfolio"] is False
    assert error_of(early) == (400, "Retrieving user data. Please try again in a moment.", 20002)
    assert there.status == 200
    assert flanks.data("portfolio", token).status == 200


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_that_is_not_created_comes_later(flanks_codes, flanks, product):
    token = first_token(flanks_codes, f"not_created_{product}")
    states = [flanks.status(token).body for _ in range(3)]

    assert [state["created"]["product"][product] for state in states] == [False, False, True]
    assert not any(state["pending"] for state in states)


def test_processing_is_said_by_the_data_for_some_asks(flanks_codes, flanks):
    token = first_token(flanks_codes, "processing")

    asked = [flanks.data("portfolio", token).status for _ in range(3)]

    assert all(flanks.status(token).body["created"]["product"].values())
    assert asked == [400, 400, 200]
    assert flanks.data("account", token).status == 200


def test_nulls_and_empty_lists(flanks_codes, flanks):
    (row, *_) = flanks.data("account", first_token(flanks_codes, "nulls_in_data")).body
    empty = first_token(flanks_codes, "empty_lists")

    assert row.pop("_id")
    assert set(row.values()) == {None}
    assert [flanks.data(kind, empty).body for kind in DATA] == [[]] * 5
