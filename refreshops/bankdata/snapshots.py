"""Storing what an attempt fetched."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins.models import Login
from refreshops.providers.contract import Account, BankData
from refreshops.tracing import statements


def store(
    *, login: Login, attempt_id: int, data: BankData, sealed: bytes, now: datetime
) -> Snapshot:
    """Keep `data` as the latest snapshot of `login` and replace its account rows.

    `sealed` is the payload, already encrypted, so that no time is spent on it inside the
    caller's transaction.
    """
    snapshot = Snapshot(
        login=login,
        attempt_id=attempt_id,
        fetched_at=now,
        data_as_of=data.as_of,
        payload=sealed,
        account_count=len(data.accounts),
        transaction_count=data.transaction_count,
    )
    statements.insert_row(snapshot)
    statements.delete_rows(BankAccount, where={"login": login.pk})
    statements.insert_rows(
        [_account_row(login=login, snapshot=snapshot, account=row) for row in data.accounts]
    )
    return snapshot


def _account_row(*, login: Login, snapshot: Snapshot, account: Account) -> BankAccount:
    return BankAccount(
        login=login,
        snapshot=snapshot,
        title=account.title[:200],
        kind=account.kind[:60],
        currency=account.currency[:8],
        balance_current=_amount(account.balance_current),
        balance_available=_amount(account.balance_available),
        balance_limit=_amount(account.balance_limit),
        last_four=account.last_four[-4:],
    )


def _amount(text: str | None) -> Decimal | None:
    """Return the amount in cents precision, or None for what is missing, senseless or too large."""
    if text is None:
        return None
    try:
        amount = Decimal(text).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < Decimal(10) ** 14 else None
