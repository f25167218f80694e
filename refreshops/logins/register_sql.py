"""Writes many logins with one prepared statement: `bulk_create` takes several times as long.

Only values travel as parameters; the names in the SQL come from the model.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from refreshops.logins.models import Customer, Login


def insert(rows: Iterable[dict[str, Any]], *, now: datetime) -> None:
    """Insert new logins in the caller's transaction.

    Each row maps the same columns (`customer_id`, …) to values of the database's own kind: text,
    whole numbers and datetimes. All other columns get the model's defaults.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    usual = _usual_values(now) | {name: _to_db(name, value) for name, value in first.items()}
    moments = [name for name in first if _field(name).get_internal_type() == "DateTimeField"]

    def values() -> Iterable[list[Any]]:
        yield list(usual.values())
        for row in rows:
            row |= {name: _to_db(name, row[name]) for name in moments}
            yield list((usual | row).values())

    names = ", ".join(map(connection.ops.quote_name, usual))
    marks = ", ".join(["%s"] * len(usual))
    # No value is part of the text.
    _execute(f"INSERT INTO {_table()} ({names}) VALUES ({marks})", values())  # noqa: S608


def set_institutions(rows: Iterable[tuple[str, int, str]]) -> None:
    """Set `institution` of logins: rows of (institution, provider's key, login_id)."""
    names = map(connection.ops.quote_name, ("institution", "provider_id", "login_id"))
    institution, provider, login_id = names
    _execute(
        f"UPDATE {_table()} SET {institution} = %s "  # noqa: S608
        f"WHERE {provider} = %s AND {login_id} = %s",
        rows,
    )


def count_anew() -> None:
    """Tell PostgreSQL's planner how large the register is now, in the caller's transaction.

    By itself it counts a minute or two later, and until then takes a new register for an empty one:
    the replaced among 100 000 logins then took it minutes. SQLite goes by its indexes alone.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for model in (Login, Customer):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def _usual_values(now: datetime) -> dict[str, Any]:
    """Return every column but the key with the model's default, as the database takes it."""
    usual: dict[str, Any] = {}
    for field in Login._meta.concrete_fields:
        if not field.primary_key:
            usual[str(field.column)] = field.get_db_prep_save(field.get_default(), connection)
    return usual | {"created_at": _to_db("created_at", now)}


def _field(name: str) -> Any:
    return next(field for field in Login._meta.concrete_fields if field.column == name)


def _to_db(name: str, value: Any) -> Any:
    return _field(name).get_db_prep_save(value, connection)


def _table() -> str:
    return connection.ops.quote_name(Login._meta.db_table)


def _execute(statement: str, rows: Iterable[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(rows))
