"""Bank data at rest: sealed, readable with any of our keys, resealed, pruned but never lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from refreshops.bankdata import retention
from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.bankdata.snapshots import drop, store
from refreshops.bankdata.vault import Sealed, Vault
from refreshops.providers.contract import Account, BankData
from tests.builders import NOON, make_login

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
DATA = {"Accounts": [{"AccountNumber": "900123456789", "Holder": {"Name": "Ada"}}]}


def make_snapshot(login, *, at=NOON, vault=None, **account):
    usual = {
        "title": "Chequing",
        "kind": "Operations",
        "currency": "CAD",
        "balance_current": "12.345",
        "balance_available": None,
        "balance_limit": "NaN",
        "last_four": "6789",
    }
    data = BankData(at, (Account(**(usual | account)),), 3, DATA)
    sealed = (vault or Vault([OLD])).seal(DATA)
    return store(login=login, attempt_id=1, data=data, sealed=sealed, now=at)


def test_what_is_sealed_shows_nothing_and_opens_again():
    vault = Vault([OLD])

    sealed = vault.seal(DATA)

    assert b"900123456789" not in sealed
    assert vault.open(sealed) == DATA


def test_a_key_that_was_taken_away_is_said_plainly():
    with pytest.raises(Sealed, match="FIELD_ENCRYPTION_KEYS"):
        Vault([NEW]).open(Vault([OLD]).seal(DATA))


@pytest.mark.django_db
def test_resealing_makes_the_old_key_unnecessary():
    snapshot = make_snapshot(make_login())

    done = retention.reseal(Vault([NEW, OLD]))

    snapshot.refresh_from_db()
    assert done == 1
    assert Vault([NEW]).open(snapshot.payload) == DATA


@pytest.mark.django_db
def test_accounts_are_those_of_the_latest_snapshot():
    login = make_login()
    make_snapshot(login, title="Old")

    make_snapshot(login, title="New")

    (account,) = BankAccount.objects.filter(login=login)
    assert (account.title, account.last_four) == ("New", "6789")
    assert (str(account.balance_current), account.balance_limit) == ("12.34", None)


@pytest.mark.django_db
def test_pruning_leaves_the_latest_snapshot_of_a_login_however_old():
    quiet, busy = make_login(), make_login()
    kept = {make_snapshot(quiet, at=NOON - timedelta(days=300)).pk}
    make_snapshot(busy, at=NOON - timedelta(days=200))
    kept.add(make_snapshot(busy, at=NOON).pk)

    deleted = retention.prune(before=NOON - timedelta(days=90))

    assert deleted == 1
    assert set(Snapshot.objects.values_list("pk", flat=True)) == kept


@pytest.mark.django_db
def test_dropping_takes_the_bank_data_of_one_login_alone():
    login, other = make_login(), make_login()
    for row in (login, login, other):
        make_snapshot(row)

    dropped = drop(login.pk)

    assert dropped == (2, 1)
    assert list(Snapshot.objects.values_list("login", flat=True)) == [other.pk]
    assert list(BankAccount.objects.values_list("login", flat=True)) == [other.pk]


on_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a pragma and a log of SQLite's own"
)


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_log_is_emptied_and_our_patience_stays_as_it_was():
    make_login()
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    before = log.stat().st_size

    emptied = retention.empty_the_log()

    assert before > 0
    assert emptied
    assert log.stat().st_size == 0
    assert pragma("busy_timeout") == 20_000


@on_sqlite
@pytest.mark.django_db
def test_the_log_is_left_alone_inside_a_transaction():
    assert retention.empty_the_log() is False


@on_sqlite
@pytest.mark.django_db
def test_what_is_deleted_is_overwritten():
    assert "secure_delete=ON" in settings.DATABASES["default"]["OPTIONS"]["init_command"]
    assert pragma("secure_delete") == 1


def pragma(name):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]
