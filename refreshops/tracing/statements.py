"""Statements whose SQL text is made once: for the few rows that every single call writes.

Building a query costs the ORM several times what running it costs. Here the text is kept for each
model and set of fields, and the values still go through the fields: what is stored is the same to
the byte. No signals are sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import CharField, Model

# A statement takes only so many parameters, and each number of rows is a text of its own.
AT_ONCE = 50


def update_row(model: type[Model], *, where: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Set `values` on the rows whose fields equal `where`; False when there were none.

    Both are named by field; a relation takes the other row's id. `where` holds no None.
    """
    text = _update_text(model, tuple(values), tuple(where))
    with connection.cursor() as cursor:
        cursor.execute(text, _stored(model, values) + _stored(model, where))
        return bool(cursor.rowcount)


def insert_row(row: Model) -> int:
    """Insert a row that is not in the table yet; return its id, which `row` has from then on."""
    model = type(row)
    with connection.cursor() as cursor:
        cursor.execute(_insert_text(model, 1, returning=True), _all_stored(row))
        row.pk = cursor.fetchone()[0]
    return int(row.pk)


def put_row(row: Model, *, unique: tuple[str, ...]) -> None:
    """Insert a row, or give its values to the one that is equal in the fields `unique`.

    A constraint of the model stands over these fields; `row` does not learn its id.
    """
    with connection.cursor() as cursor:
        cursor.execute(_put_text(type(row), unique), _all_stored(row))


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert rows of one model, a few at a time, without learning their ids."""
    for start in range(0, len(rows), AT_ONCE):
        few = rows[start : start + AT_ONCE]
        parameters = chain.from_iterable(_all_stored(row) for row in few)
        with connection.cursor() as cursor:
            cursor.execute(_insert_text(type(few[0]), len(few)), list(parameters))


def delete_rows(model: type[Model], *, where: Mapping[str, Any]) -> None:
    """Delete the rows whose fields equal `where`; nothing may refer to them."""
    with connection.cursor() as cursor:
        cursor.execute(_delete_text(model, tuple(where)), _stored(model, where))


def fetch(text: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run a statement written by hand and return its first row, if it has one.

    Times in `parameters` may be aware datetimes; those in the row come as the driver gives them.
    """
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(text, [adapt(x) if isinstance(x, datetime) else x for x in parameters])
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def fetch_models(
    text: str, parameters: Sequence[Any], **models: type[Model]
) -> tuple[Any, ...] | None:
    """Like `fetch`, for a SELECT in which `{name}` stands for all columns of `models[name]`.

    Returns an instance for each model, in their order; None for one that an outer join left out.
    """
    row = fetch(_select_text(text, tuple(models.items())), parameters)
    if row is None:
        return None
    found, begin = [], 0
    for model in models.values():
        end = begin + len(model._meta.concrete_fields)
        found.append(_instance(model, list(row[begin:end])))
        begin = end
    return tuple(found)


def _instance(model: type[Model], values: list[Any]) -> Model | None:
    names, converters = _reading(model, connection.ops)
    if values[names.index(model._meta.pk.attname)] is None:
        return None
    for at, column, convert in converters:
        values[at] = convert(values[at], column, connection)
    return model.from_db(connection.alias, names, values)


def _stored(model: type[Model], values: Mapping[str, Any]) -> list[Any]:
    """Return what the database gets for `values`."""
    link = connections[DEFAULT_DB_ALIAS]
    fields = _fields(model, tuple(values))
    return [
        _prepared(field, value, link) for field, value in zip(fields, values.values(), strict=True)
    ]


def _all_stored(row: Model) -> list[Any]:
    link = connections[DEFAULT_DB_ALIAS]
    return [_prepared(field, field.pre_save(row, True), link) for field in _own_fields(type(row))]


def _prepared(field: Any, value: Any, link: Any) -> Any:
    # Most values are such; the field takes a dozen calls to find out that it has nothing to do.
    if value is None or (type(value) is str and type(field) is CharField):
        return value
    return field.get_db_prep_save(value, link)


@cache
def _fields(model: type[Model], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(model._meta.get_field(name) for name in names)


@cache
def _own_fields(model: type[Model]) -> tuple[Any, ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


@lru_cache(maxsize=64)
def _reading(model: type[Model], operations: Any) -> tuple[list[str], list[tuple[int, Any, Any]]]:
    """Return the names of a model's columns and `(position, column, converter)` where needed."""
    fields = model._meta.concrete_fields
    converters = [
        (at, field.cached_col, convert)
        for at, field in enumerate(fields)
        for convert in (
            *operations.get_db_converters(field.cached_col),
            *field.get_db_converters(operations.connection),
        )
    ]
    return [field.attname for field in fields], converters


def _quoted(field: Any) -> str:
    return connection.ops.quote_name(field.column)


# The names in these texts come from our own models and never from input.


@cache
def _update_text(model: type[Model], names: tuple[str, ...], where: tuple[str, ...]) -> str:
    sets = ", ".join(f"{_quoted(field)} = %s" for field in _fields(model, names))
    return f"UPDATE {model._meta.db_table} SET {sets} WHERE {_equal(model, where)}"  # noqa: S608


@cache
def _delete_text(model: type[Model], where: tuple[str, ...]) -> str:
    return f"DELETE FROM {model._meta.db_table} WHERE {_equal(model, where)}"  # noqa: S608


def _equal(model: type[Model], names: tuple[str, ...]) -> str:
    return " AND ".join(f"{_quoted(field)} = %s" for field in _fields(model, names))


@cache
def _insert_text(model: type[Model], rows: int, *, returning: bool = False) -> str:
    columns = [_quoted(field) for field in _own_fields(model)]
    one = f"({', '.join(['%s'] * len(columns))})"
    into = f"{model._meta.db_table} ({', '.join(columns)})"
    back = f" RETURNING {_quoted(model._meta.pk)}" if returning else ""
    return f"INSERT INTO {into} VALUES {', '.join([one] * rows)}{back}"  # noqa: S608


@cache
def _put_text(model: type[Model], unique: tuple[str, ...]) -> str:
    at = ", ".join(_quoted(field) for field in _fields(model, unique))
    others = [_quoted(field) for field in _own_fields(model) if field.name not in unique]
    sets = ", ".join(f"{column} = excluded.{column}" for column in others)
    return f"{_insert_text(model, 1)} ON CONFLICT ({at}) DO UPDATE SET {sets}"


@cache
def _select_text(text: str, models: tuple[tuple[str, type[Model]], ...]) -> str:
    columns = {
        name: ", ".join(f"{name}.{_quoted(field)}" for field in model._meta.concrete_fields)
        for name, model in models
    }
    return text.format_map(columns)
