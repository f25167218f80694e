"""What a Flinks answer means: one closed table, looked up by code first and status second.

A code outside the table is `unknown`: shown as it came, never success, never retried in silence.
To add a code, add a row to `seed_codes.py` or `other_codes.py` and run `manage.py write_docs`.
"""

import re
from dataclasses import dataclass

from refreshops.providers.flinks.meaning import CallKind, CodeMeaning
from refreshops.providers.flinks.other_codes import EXTRA_ROWS, STATUS_ROWS
from refreshops.providers.flinks.seed_codes import SEED_ROWS
from refreshops.providers.meaning import Table, of_status, unlisted
from refreshops.rules.outcomes import Outcome, Reason, Retry

__all__ = [
    "CODE_TABLE",
    "ESCALATIONS",
    "FAULT_ROWS",
    "HOW_TO_READ",
    "CallKind",
    "CodeMeaning",
    "Escalation",
    "escalated",
    "explain",
    "is_in_table",
    "look_up",
    "normal",
    "tables",
]

# Stands above the table in docs/provider-answers.md.
HOW_TO_READ = (
    "Where a code has several rows, the first that fits the call and the message counts. "
    "*Reads data*: the RequestId of this answer opens the cached data, which is fetched and "
    "judged by its LastRefresh. *Nightly*: Flinks itself tries again the next night; after "
    "any other error the login drops out of the nightly refresh."
)

CODE_TABLE: tuple[CodeMeaning, ...] = SEED_ROWS + EXTRA_ROWS + STATUS_ROWS


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """A code that becomes the customer's matter when it ends `runs` runs in a row (5a)."""

    code: str
    runs: int
    reason: Reason
    meaning: str


ESCALATIONS = (
    Escalation(
        code="UNAUTHORIZED",
        runs=3,
        reason=Reason.BANK_SITE,
        meaning="Three runs in a row the bank did not let Flinks in: "
        "the customer should look at the bank's own site.",
    ),
    Escalation(
        code="SESSION_EXPIRED",
        runs=2,
        reason=Reason.MFA,
        meaning="Two runs in a row the bank's session ran out: "
        "it most likely waits for an answer only the customer can give.",
    ),
)

# No answer to look up at all; keyed by the reason a conversation gives.
FAULT_ROWS = {
    Reason.NETWORK: CodeMeaning(
        code="",
        http_status=None,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.NETWORK,
        retry=Retry.NEXT_RUN,
        meaning="No answer arrived: the connection failed or took too long.",
        next_step="We ask again by ourselves; if it stays so, check the network and Flinks's "
        "status page.",
    ),
    Reason.BAD_ANSWER: CodeMeaning(
        code="",
        http_status=None,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.BAD_ANSWER,
        retry=Retry.NEXT_RUN,
        meaning="The answer was not what Flinks documents, so nothing of it was believed.",
        next_step="We ask again by ourselves; after two runs send Flinks a ticket with the call.",
    ),
}

_ANY_MAINTENANCE = re.compile(r"BANK_MAINTEN[A-Z]*_RETRY_LATER")
_SEPARATORS = re.compile(r"[^0-9A-Z]+")

_KIND_OF_ENDPOINT = {
    "GenerateAuthorizeToken": CallKind.TOKEN,
    "Authorize": CallKind.CACHED,
    "GetAccountsDetail": CallKind.DATA,
    "GetAccountsSummary": CallKind.DATA,
    "GetAccountsDetailAsync": CallKind.POLL,
    "GetAccountsSummaryAsync": CallKind.POLL,
    "SetScheduledRefresh": CallKind.SCHEDULE,
    "DeleteCard": CallKind.DELETE,
    "GetNightlyRefreshStatus": CallKind.STATUS,
}


def tables() -> list[Table]:
    """Return the whole table in the parts that docs/provider-answers.md shows."""
    return [
        Table("Flinks: its own list of codes", HOW_TO_READ, SEED_ROWS),
        Table("Flinks: further codes", "", EXTRA_ROWS),
        Table("Flinks: answers without a code", "", STATUS_ROWS),
        Table("Flinks: no believable answer", "", tuple(FAULT_ROWS.values())),
    ]


def normal(code: str) -> str:
    """Return the spelling of `code` that the table uses (case and separators do not matter)."""
    plain = _SEPARATORS.sub("_", code.upper()).strip("_")
    # The provider's own pages spell this one in three ways.
    return "BANK_MAINTENANCE_RETRY_LATER" if _ANY_MAINTENANCE.fullmatch(plain) else plain


def _rows_by_code() -> dict[str, tuple[CodeMeaning, ...]]:
    grouped: dict[str, list[CodeMeaning]] = {}
    for row in CODE_TABLE:
        grouped.setdefault(row.code, []).append(row)
    return {code: tuple(rows) for code, rows in grouped.items()}


_BY_CODE = _rows_by_code()


def is_in_table(code: str) -> bool:
    """Tell whether the table knows `code`, in any spelling."""
    return bool(normal(code)) and normal(code) in _BY_CODE


def look_up(
    *,
    code: str,
    http_status: int,
    message: str = "",
    kind: CallKind = CallKind.CACHED,
    worked_before: bool = False,
) -> CodeMeaning:
    """Return the row that fits; a row made up on the spot with `Outcome.UNKNOWN` if none does."""
    rows = _BY_CODE.get(normal(code), ()) if is_in_table(code) else ()
    # A 202 means "still working" whatever word stands beside it.
    if not code.strip() or (not rows and http_status == 202):
        rows = of_status(_BY_CODE[""], http_status)
    for row in rows:
        if row.fits(message=message, kind=kind, worked_before=worked_before):
            return row
    return unlisted("Flinks", code=code, http_status=http_status)


def escalated(*, code: str, last_code: str, same_code_runs: int) -> Escalation | None:
    """Return the escalation that is due when this run ends with `code` too.

    `last_code` ended the `same_code_runs` runs before this one.
    """
    runs = 1 + (same_code_runs if normal(last_code) == normal(code) else 0)
    due = (row for row in ESCALATIONS if row.code == normal(code) and runs >= row.runs)
    return next(due, None)


def explain(
    *, code: str, message: str = "", http_status: int | None = None, endpoint: str = "Authorize"
) -> CodeMeaning:
    """Return what a traced call means, for a person to read. Without status: nothing arrived."""
    if http_status is None and not code:
        return FAULT_ROWS[Reason.NETWORK]
    return look_up(
        code=code,
        http_status=http_status or 0,
        message=message,
        kind=_KIND_OF_ENDPOINT.get(endpoint, CallKind.CACHED),
    )
