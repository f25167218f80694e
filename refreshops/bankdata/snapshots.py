"""Storing what an attempt fetched, and deleting all of it when a login is forgotten."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from refreshops.bankdata.models import BankAccount, Piece, Snapshot
from refreshops.logins.models import Login
from refreshops.providers.contract import Account, BankData
from refreshops.tracing import statements

# Read afresh: the caller's login is as old as its claim. The names come from our own models.
_BARRED = """
    SELECT l.id
      FROM logins_login l JOIN logins_customer c ON c.id = l.customer_id
     WHERE l.id = %s
       AND (c.erasure_asked_at IS NOT NULL OR l.status = 'inactive' AND l.gone_at IS NOT NULL)
"""


def store(
    *, login: Login, attempt_id: int, data: BankData, sealed: bytes, now: datetime
) -> Snapshot | None:
    """Keep `data` as the latest snapshot of `login` and replace its account rows.

    `sealed` is the payload, already encrypted, so that no time is spent on it inside the
    caller's transaction. None, and nothing kept, for a login that was forgotten or whose customer
    is to be erased: an answer that comes late must bring nothing back.
    """
    if statements.fetch(_BARRED, [login.pk]) is not None:
        return None
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


def drop(login_id: int) -> tuple[int, int]:
    """Delete all bank data of a login: how many `(snapshots, accounts)` there were."""
    Piece.objects.filter(login_id=login_id).delete()
    accounts, _ = BankAccount.objects.filter(login_id=login_id).delete()
    snapshots, _ = Snapshot.objects.filter(login_id=login_id).delete()
    return snapshots, accounts


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
