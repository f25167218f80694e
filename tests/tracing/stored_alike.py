"""Does a statement made once store what the ORM stores? For tests; a script for any database."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"
    django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Model  # noqa: E402

from refreshops.bankdata.models import BankAccount, Snapshot  # noqa: E402
from refreshops.logins.models import Customer, Login, Provider  # noqa: E402
from refreshops.routine.models import Attempt, Run, Slot  # noqa: E402
from refreshops.tracing import statements  # noqa: E402
from refreshops.tracing.models import Call  # noqa: E402

NOON = datetime(2026, 11, 20, 17, 0, 0, 120, tzinfo=UTC)
ELSEWHERE = datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
TREE = {"é": ["ü", None, True, 1.5, {"deep": "\u2028'\"%s"}], "empty": {}}


def stored(row: Model) -> dict[str, Any]:
    """Return every column of a row but its id, as the database holds it."""
    seen = "{0}::text" if connection.vendor == "postgresql" else "typeof({0}) || hex({0})"
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    wanted = ", ".join(seen.format(f'"{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {wanted} FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        return dict(zip(columns, cursor.fetchone(), strict=True))


def examples() -> dict[type[Model], tuple[dict[str, Any], dict[str, Any]]]:
    """Return for each model the fields of a new row, and those of a change to it."""
    provider = Provider.objects.get_or_create(name="flinks")[0]
    customer = Customer.objects.get_or_create(reference="C-1")[0]
    login = Login.objects.create(provider=provider, customer=customer, login_id="of-examples")
    run_fields = {"provider": provider, "purpose": "refresh", "origin": "person"}
    run = Run.objects.create(**run_fields, local_date=date(2026, 11, 20), opened_at=NOON)
    slot = Slot.objects.create(provider=provider, free_at=NOON)
    snapshot = {"login": login, "attempt_id": 1, "fetched_at": NOON, "payload": b"\x00\xff'%s"}
    counts = {"account_count": 0, "transaction_count": 7}
    kept = Snapshot.objects.create(**snapshot, **counts)
    call = {"sent_at": NOON, "provider": "flinks", "endpoint": "E", "method": "POST", "url": "u"}
    return {
        Call: (
            {**call, "body": TREE, "run_id": 2**40, "message": "100 % 'sûr'"},
            {
                "state": "answered",
                "answered_at": ELSEWHERE,
                "answer": TREE,
                "body": [],
                "run_id": 1,
            },
        ),
        Snapshot: (
            {**snapshot, **counts, "data_as_of": ELSEWHERE},
            {"data_as_of": None, "payload": b"", "login": login.pk},
        ),
        BankAccount: (
            {"login": login, "snapshot": kept, "balance_current": Decimal("-0.10")},
            {"balance_limit": Decimal("12345678901234.5"), "balance_current": None},
        ),
        Attempt: (
            {"run": run, "login": None, "purpose": "refresh", "not_before": NOON, "slot": slot},
            {
                "state": "calling",
                "lease_until": NOON.replace(microsecond=0),
                "lease_token": "t" * 32,
                "conversation": TREE,
                "paced": False,
                "verified": True,
                "slot": None,
                "starts": 2,
            },
        ),
        Slot: ({"provider": provider, "free_at": ELSEWHERE}, {"free_at": NOON}),
        Run: (
            {**run_fields, "local_date": date(2026, 1, 2), "opened_at": NOON},
            {"forecast_seconds": 0.1, "totals": TREE, "local_date": date(2026, 12, 31)},
        ),
        Provider: (
            {"name": "flanks", "fresh_within": timedelta(days=1, microseconds=1)},
            {"usable_within": timedelta(seconds=1), "cost_per_login_month": Decimal("0.5")},
        ),
    }


def differences() -> Iterator[str]:
    """Insert and change a row of every model in both ways, and tell where the columns differ."""
    for model, (fields, change) in examples().items():
        by_orm = model(**fields)
        by_orm.save(force_insert=True)
        inserted = stored(by_orm)
        model.objects.filter(pk=by_orm.pk).update(**change)
        changed = stored(by_orm)
        by_orm.delete()
        row = model(**fields)
        row_id = statements.insert_row(row)
        if row.pk != row_id or stored(row) != inserted:
            yield f"{model.__name__} inserted: {stored(row)} is not {inserted}"
        found = statements.update_row(model, where={"id": row_id}, values=change)
        if not found or stored(row) != changed:
            yield f"{model.__name__} changed: {stored(row)} is not {changed}"
        if read_back(model, row_id) != vars_of(model.objects.get(pk=row_id)):
            yield f"{model.__name__} reads differently"


def read_back(model: type[Model], row_id: int) -> dict[str, Any]:
    """Read a row with `fetch_models`."""
    text = f"SELECT {{x}} FROM {model._meta.db_table} x WHERE id = %s"
    found = statements.fetch_models(text, [row_id], x=model)
    assert found is not None
    return vars_of(found[0])


def vars_of(row: Model) -> dict[str, Any]:
    """Return a row's fields, with bytes as bytes."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {
        name: bytes(value) if isinstance(value, memoryview) else value
        for name, value in values.items()
    }


if __name__ == "__main__":
    print(json.dumps(list(differences())))
