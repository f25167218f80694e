"""What a Flanks answer means: one closed table, looked up by code first and status second.

A code is an `error_code`, the error of a customer's session, or the name of the status field that
decides. One outside the table is `unknown`: shown as it came, never success. To add a code, add a
row to `seed_codes.py` or `other_codes.py` and run `manage.py write_docs`.
"""

import re

from refreshops.providers.flanks.meaning import STATUS, CallKind, kind_of
from refreshops.providers.flanks.other_codes import FAULT_ROWS, SESSION_ROWS, STATUS_ROWS
from refreshops.providers.flanks.seed_codes import FIELD_ROWS, SEED_ROWS
from refreshops.providers.meaning import CodeMeaning, Table, of_status, unlisted
from refreshops.rules.outcomes import Reason

__all__ = [
    "CODE_TABLE",
    "FAULT_ROWS",
    "CallKind",
    "CodeMeaning",
    "explain",
    "field_row",
    "is_in_table",
    "look_up",
    "normal",
    "tables",
]

CODE_TABLE: tuple[CodeMeaning, ...] = SEED_ROWS + FIELD_ROWS + SESSION_ROWS + STATUS_ROWS

_FIELDS = frozenset(row.code for row in FIELD_ROWS)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^0-9A-Z]+")

_HOW_TO_READ = (
    'An `error_code` counts before the HTTP status: "pending" is HTTP 400 at Flanks. Of several '
    "rows of a code the first counts that fits the call, the message and the status."
)
_FIELDS_IN_ORDER = (
    "The fields of one status object in their order: the first that applies decides. *Reads "
    "data*: the data is fetched all the same, and judged by last_update_timestamp."
)
_OF_SESSIONS = (
    "What came of a customer's visit to Flanks's page, in both spellings of its versions."
)


def tables() -> list[Table]:
    """Return the whole table in the parts that docs/provider-answers.md shows."""
    return [
        Table("Flanks: its own list of codes", _HOW_TO_READ, SEED_ROWS),
        Table("Flanks: fields of a status", _FIELDS_IN_ORDER, FIELD_ROWS),
        Table("Flanks: errors of a customer's session", _OF_SESSIONS, SESSION_ROWS),
        Table("Flanks: answers without a code", "", STATUS_ROWS),
        Table("Flanks: no believable answer", "", tuple(FAULT_ROWS.values())),
    ]


def normal(code: str) -> str:
    """Return the spelling of `code` that the table uses: `InvalidCredentials` has underscores."""
    if code.strip().lower() in _FIELDS:
        return code.strip().lower()
    return _SEPARATORS.sub("_", _HUMP.sub("_", code.strip()).upper()).strip("_")


def _rows_by_code() -> dict[str, tuple[CodeMeaning, ...]]:
    codes = {row.code for row in CODE_TABLE}
    return {code: tuple(row for row in CODE_TABLE if row.code == code) for code in codes}


_BY_CODE = _rows_by_code()


def is_in_table(code: str) -> bool:
    """Tell whether the table knows `code`, in any spelling."""
    return bool(normal(code)) and normal(code) in _BY_CODE


def look_up(
    *, code: str, http_status: int, message: str = "", kind: CallKind = CallKind.STATUS
) -> CodeMeaning:
    """Return the row that fits; a row made up on the spot with `Outcome.UNKNOWN` if none does.

    A field of a status is no code of an answer: `field_row` has those.
    """
    if code.strip():
        rows = _BY_CODE.get(normal(code), ()) if normal(code) not in ("", *_FIELDS) else ()
    else:
        rows = of_status(_BY_CODE[""], http_status)
    fitting = [row for row in rows if row.fits(message=message, kind=kind)]
    same = [row for row in fitting if row.http_status == http_status]
    return next(iter(same or fitting), None) or unlisted(
        "Flanks", code=code, http_status=http_status
    )


def field_row(name: str) -> CodeMeaning:
    """Return what it means that a field of a status decides; KeyError for another name."""
    return _BY_CODE[name][0]


def explain(
    *, code: str, message: str = "", http_status: int | None = None, endpoint: str = STATUS
) -> CodeMeaning:
    """Return what a traced call means, for a person to read. Without status: nothing arrived."""
    if http_status is None and not code:
        return FAULT_ROWS[Reason.NETWORK]
    if normal(code) in _FIELDS:
        return field_row(normal(code))
    return look_up(code=code, http_status=http_status or 0, message=message, kind=kind_of(endpoint))
