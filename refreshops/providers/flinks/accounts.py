"""Reads the accounts of a data answer: what screens may show, and the count of transactions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from refreshops.providers.amounts import last_four, money
from refreshops.providers.contract import Account, BankData
from refreshops.providers.redaction import scrub

# Nobody has so many at one bank; an answer with more is not believed.
MOST_ACCOUNTS = 500


def accounts_in(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the account objects of a body, or None when it has no list of accounts."""
    found = body.get("Accounts") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return None
    return [account for account in found if isinstance(account, dict)]


def bank_data(body: Any, *, as_of: datetime | None) -> BankData:
    """Return what a data answer brought. The payload is the body as it came, to be encrypted."""
    accounts = accounts_in(body) or []
    return BankData(
        as_of=as_of,
        accounts=tuple(_account(account) for account in accounts),
        transaction_count=transaction_count(accounts),
        payload=body,
    )


def transaction_count(accounts: list[Mapping[str, Any]]) -> int:
    """Count the transactions of all accounts."""
    lists = (account.get("Transactions") for account in accounts)
    return sum(len(found) for found in lists if isinstance(found, list))


def _account(account: Mapping[str, Any]) -> Account:
    balance = account.get("Balance")
    balance = balance if isinstance(balance, dict) else {}
    return Account(
        title=_text(account.get("Title"), 100),
        kind=_text(account.get("Type"), 40) or _text(account.get("Category"), 40),
        currency=_text(account.get("Currency"), 8).upper(),
        balance_current=money(balance.get("Current")),
        balance_available=money(balance.get("Available")),
        balance_limit=money(balance.get("Limit")),
        last_four=last_four(account.get("LastFourDigits"), account.get("AccountNumber")),
    )


def _text(value: Any, limit: int) -> str:
    # Banks put whole account numbers into titles; scrub hides them.
    return scrub(value, limit=limit) if isinstance(value, str) else ""
