"""Reads what the data calls brought: what screens may show of each account, portfolio and card."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from refreshops.providers.amounts import last_four, money
from refreshops.providers.contract import Account, BankData
from refreshops.providers.redaction import scrub

# Nobody has so many at one bank; an answer with more is not believed.
MOST_ACCOUNTS = 500

# What can be asked for, by the endpoint's name, and what a screen calls one and many of it.
PRODUCTS = {
    "account": ("Account", "accounts"),
    "portfolio": ("Portfolio", "portfolios"),
    "investment": ("Investment", "investments"),
    "card": ("Card", "cards"),
    "liability": ("Liability", "liabilities"),
}
_TITLES = ("alias", "name", "description")
_NUMBERS = ("iban", "number", "cardNumber", "card_number", "pan", "maskedPan", "account_number")
_BALANCES = ("balance", "currentBalance", "value", "marketValue", "outstanding")
_AVAILABLE = ("availableBalance", "available", "balanceAvailable")
_LIMITS = ("limit", "creditLimit", "credit_limit")


def items_in(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the objects of a data answer, which is a plain array; None when it is none."""
    if not isinstance(body, list):
        return None
    return [item for item in body if isinstance(item, dict)]


def shell(*, as_of: datetime | None, missing: Mapping[str, str]) -> BankData:
    """Return what is known of the data before its pieces are put together."""
    return BankData(
        as_of=as_of, accounts=(), transaction_count=0, payload={"missing": dict(missing)}
    )


def bank_data(known: BankData, pieces: Mapping[str, Any], products: Sequence[str]) -> BankData:
    """Return the data with all pieces, in the order of `products`."""
    brought = {name: pieces[name] for name in products if name in pieces}
    accounts = [
        _account(item, name) for name, body in brought.items() for item in items_in(body) or []
    ]
    return BankData(
        as_of=known.as_of,
        accounts=tuple(accounts),
        transaction_count=0,
        payload={"products": brought, **known.payload},
    )


def _account(item: Mapping[str, Any], product: str) -> Account:
    return Account(
        title=_first_text(item, _TITLES, 100),
        kind=_text(item.get("type"), 40) or PRODUCTS[product][0],
        currency=_text(item.get("currency"), 8).upper(),
        balance_current=_first_money(item, _BALANCES),
        balance_available=_first_money(item, _AVAILABLE),
        balance_limit=_first_money(item, _LIMITS),
        last_four=last_four(*(item.get(name) for name in _NUMBERS)),
    )


def _first_text(item: Mapping[str, Any], names: Sequence[str], limit: int) -> str:
    found = (_text(item.get(name), limit) for name in names)
    return next((text for text in found if text), "")


def _first_money(item: Mapping[str, Any], names: Sequence[str]) -> str | None:
    found = (money(item.get(name)) for name in names)
    return next((amount for amount in found if amount is not None), None)


def _text(value: Any, limit: int) -> str:
    # Banks put whole account numbers into titles; scrub hides them.
    return scrub(value, limit=limit) if isinstance(value, str) else ""
