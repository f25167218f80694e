"""Accounts as screens may show them: four digits, plain amounts, no numbers in titles."""

import pytest

from refreshops.providers.flinks.accounts import accounts_in, bank_data


def only_account(**fields):
    return bank_data({"Accounts": [fields]}, as_of=None).accounts[0]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"AccountNumber": "7641238"}, "1238"),
        ({"AccountNumber": 7641238}, "1238"),
        ({"AccountNumber": "7641238", "LastFourDigits": "9999"}, "9999"),
        ({"AccountNumber": "7641238", "LastFourDigits": None}, "1238"),
        ({"AccountNumber": "XXXX-XX12"}, "12"),
        ({"LastFourDigits": "4520123456789012"}, "9012"),
        ({"AccountNumber": None}, ""),
        ({"AccountNumber": True}, ""),
        ({"AccountNumber": ["7641238"]}, ""),
        ({}, ""),
    ],
)
def test_four_digits_are_all_that_is_kept(fields, shown):
    assert only_account(**fields).last_four == shown


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (5105.5, "5105.5"),
        (0, "0"),
        (-12.34, "-12.34"),
        ("1234.45", "1234.45"),
        (1e3, "1000.0"),
        (1e-7, "0.0000001"),
        (None, None),
        (True, None),
        ("lots", None),
        ("NaN", None),
        (float("inf"), None),
        (1e300, None),
        ([], None),
    ],
)
def test_amounts_are_plain_decimals_or_nothing(value, amount):
    account = only_account(Balance={"Current": value, "Available": value, "Limit": value})

    assert account.balance_current == amount
    assert account.balance_available == amount
    assert account.balance_limit == amount


@pytest.mark.parametrize("balance", [None, [], "5", 5])
def test_a_balance_of_a_wrong_shape_is_none(balance):
    assert only_account(Balance=balance).balance_current is None


def test_it_reads_title_kind_and_currency():
    account = only_account(Title="Chequing 1234567", Type="Chequing", Currency="cad")

    assert (account.title, account.kind, account.currency) == (
        "Chequing [number]",
        "Chequing",
        "CAD",
    )


def test_the_category_stands_in_for_a_missing_type():
    assert only_account(Type=None, Category="Operations").kind == "Operations"


def test_it_counts_transactions_and_keeps_the_payload_out_of_sight():
    body = {"Accounts": [{"Transactions": [{}, {}]}, {"Transactions": None}, {}, 17]}

    data = bank_data(body, as_of=None)

    assert data.transaction_count == 2
    assert len(data.accounts) == 3
    assert data.payload is body
    assert "Transactions" not in repr(data)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"Accounts": None}, {"Accounts": {}}])
def test_a_body_without_accounts_says_so(body):
    assert accounts_in(body) is None
