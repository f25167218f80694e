"""Statements over thousands of attempts at once: an order must be accepted within a second.

Every one names the condition of the index `one_open_attempt_a_purpose` word for word: SQLite takes
a partial index only for constants, and without it would read each login's whole history. Only
values travel as parameters; the names come from our own models.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from refreshops.logins.models import Login
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import Purpose

# A statement takes only so many parameters; PostgreSQL gets the keys as one. As its statistics may
# be from an hour in which nothing was due, each statement may read all that is due: few statements.
BATCH = {"postgresql": 50_000}
USUAL_BATCH = 2000

_OPEN = "state IN ('due', 'calling')"
_HELD = """
    SELECT run_id, COUNT(*) FROM routine_attempt
     WHERE purpose = %s AND state IN ('due', 'calling') AND login_id {keys}
     GROUP BY run_id
"""
_FORWARD = """
    UPDATE routine_attempt
       SET rank = CASE WHEN rank > %s THEN %s ELSE rank END,
           not_before = CASE WHEN paced AND not_before > %s THEN %s ELSE not_before END
     WHERE purpose = %s AND state IN ('due', 'calling') AND login_id {keys}
       AND state = 'due' AND (rank > %s OR (paced AND not_before > %s))
"""
_TAKE = """
    UPDATE routine_attempt
       SET run_id = %s, rank = %s, not_before = CASE WHEN paced THEN %s ELSE not_before END
     WHERE purpose = %s AND state IN ('due', 'calling') AND login_id {keys}
       AND state = 'due' AND run_id IN ({runs})
"""
_CALL_OFF = """
    UPDATE routine_attempt
       SET state = 'cancelled', finished_at = %s, message = %s, waits_for = ''
     WHERE login_id {keys} AND purpose IN ({purposes}) AND state IN ('due', 'calling')
       AND state = 'due' {besides}
"""


def chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    """Cut a list of keys into pieces that one statement can take."""
    size = BATCH.get(connection.vendor, USUAL_BATCH)
    return (keys[start : start + size] for start in range(0, len(keys), size))


def plant(run: Run, keys: Sequence[int], *, rank: int, not_before: datetime) -> int:
    """Give `run` one attempt for each login that has no open one of its purpose; return how many.

    The attempts stand in the order of `keys`, by bank and key within each piece.
    """
    usual = _usual_values(Attempt(run=run, purpose=run.purpose, rank=rank, not_before=not_before))
    planted = 0
    for piece in chunks(keys):
        keys_are, values = among(piece)
        planted += change(_plant_text(keys_are), [*usual, *values, run.purpose])
    return planted


def held(keys: Sequence[int], *, purpose: str) -> dict[int, int]:
    """Return in which runs the logins have an open attempt of a purpose: run to how many."""
    found: dict[int, int] = {}
    for piece in chunks(keys):
        with connection.cursor() as cursor:
            keys_are, values = among(piece)
            cursor.execute(_HELD.format(keys=keys_are), [purpose, *values])
            for run_id, number in cursor.fetchall():
                found[run_id] = found.get(run_id, 0) + number
    return found


def bring_forward(keys: Sequence[int], *, purpose: str, rank: int, now: datetime) -> int:
    """Let waiting attempts go first; one that rests before a paced call is asked again at once.

    One that a customer waits for before a screen stays further in front than `rank`. A poll keeps
    its time: the provider says how often it may be asked. Returns how many moved.
    """
    at = _stored("not_before", now)
    moved = 0
    for piece in chunks(keys):
        keys_are, values = among(piece)
        values = [rank, rank, at, at, purpose, *values, rank, at]
        moved += change(_FORWARD.format(keys=keys_are), values)
    return moved


def take(keys: Sequence[int], *, into: Run, out_of: Sequence[int], rank: int, now: datetime) -> int:
    """Move what the logins wait for in the runs `out_of` into a run; return how many moved."""
    at = _stored("not_before", now)
    moved = 0
    for piece in chunks(keys):
        keys_are, values = among(piece)
        text = _TAKE.format(keys=keys_are, runs=_marks(out_of))
        moved += change(text, [into.pk, rank, at, into.purpose, *values, *out_of])
    return moved


def call_off(
    keys: Sequence[int],
    *,
    purposes: Sequence[Purpose],
    message: str,
    now: datetime,
    besides: Sequence[int] = (),
) -> int:
    """Cancel what the logins wait for with these purposes, but in the runs `besides`."""
    but = f"AND run_id NOT IN ({_marks(besides)})" if besides else ""
    names = [purpose.value for purpose in purposes]
    called_off = 0
    for piece in chunks(keys):
        keys_are, values = among(piece)
        text = _CALL_OFF.format(keys=keys_are, purposes=_marks(names), besides=but)
        values = [_stored("finished_at", now), message[:500], *values, *names, *besides]
        called_off += change(text, values)
    return called_off


@lru_cache(maxsize=8)
def _plant_text(keys: str) -> str:
    names = [connection.ops.quote_name(field.column) for field in _fields()]
    return (
        f"INSERT INTO routine_attempt ({', '.join(names)}, login_id) "  # noqa: S608
        f"SELECT {', '.join(['%s'] * len(names))}, l.id FROM {Login._meta.db_table} l "
        f"WHERE l.id {keys} AND NOT EXISTS (SELECT 1 FROM routine_attempt "
        f"WHERE login_id = l.id AND purpose = %s AND {_OPEN}) "
        "ORDER BY l.institution, l.id ON CONFLICT DO NOTHING"
    )


def _fields() -> list[Any]:
    columns = Attempt._meta.concrete_fields
    return [field for field in columns if not field.primary_key and field.name != "login"]


def _usual_values(row: Attempt) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, True), connection) for field in _fields()]


def _stored(name: str, value: Any) -> Any:
    return Attempt._meta.get_field(name).get_db_prep_save(value, connection)  # type: ignore[union-attr]


def among(keys: Sequence[int]) -> tuple[str, list[Any]]:
    """Return the condition of being one of `keys`, and its values.

    PostgreSQL takes them as one array: thousands of parameters take their time to be written out.
    It hashes an array only of the column's own type, and else compares with every key in turn.
    """
    if connection.vendor == "postgresql":
        return "= ANY(%s::bigint[])", [list(keys)]
    return f"IN ({_marks(keys)})", list(keys)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def change(text: str, values: Sequence[Any]) -> int:
    """Run a statement that writes; return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return int(cursor.rowcount)
