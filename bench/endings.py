"""How invented attempts end: a table of a thousand rolls, so that SQL can throw the dice."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Ending:
    """One way to end, `weight` times in a thousand; pairs of outcome and code occur once."""

    weight: int
    outcome: str
    reason: str
    data_state: str
    code: str
    http: int
    message: str


ENDINGS = (
    Ending(742, "fresh", "", "fresh", "", 200, ""),
    Ending(50, "stale", "", "stale_usable", "", 200, ""),
    Ending(
        60,
        "user_action",
        "mfa",
        "stale_usable",
        "QUESTION_NOT_FOUND",
        401,
        "The bank asked a security question that was not answered before.",
    ),
    Ending(
        40,
        "user_action",
        "credentials",
        "stale_usable",
        "INVALID_PASSWORD",
        401,
        "The password was refused by the bank.",
    ),
    Ending(
        15,
        "user_action",
        "bank_site",
        "stale_expired",
        "NEW_ACCOUNT",
        401,
        "The bank wants its customer to accept new terms.",
    ),
    Ending(
        40,
        "institution_unavailable",
        "",
        "stale_usable",
        "RETRY_LATER",
        401,
        "The bank did not open a session in time.",
    ),
    Ending(
        15,
        "institution_unavailable",
        "",
        "stale_usable",
        "DISABLED_INSTITUTION",
        405,
        "This institution is switched off for now.",
    ),
    Ending(
        8,
        "throttled",
        "too_fast",
        "stale_usable",
        "TOO_MANY_REQUESTS",
        429,
        "Slow down and come back in a minute.",
    ),
    Ending(
        10,
        "login_gone",
        "disabled",
        "stale_expired",
        "DISABLED_LOGIN",
        401,
        "The bank has closed this access.",
    ),
    Ending(
        3,
        "our_config",
        "flow",
        "stale_usable",
        "INVALID_REQUEST",
        400,
        "A parameter of the request cannot be read.",
    ),
    Ending(
        10,
        "provider_fault",
        "",
        "stale_usable",
        "AGGREGATION_ERROR",
        500,
        "The aggregation stopped with an error.",
    ),
    Ending(5, "provider_fault", "network", "stale_usable", "", 0, ""),
    Ending(2, "unknown", "", "stale_usable", "NEVER_SEEN_BEFORE", 418, "Something else happened."),
)
ROLLS = 1000
# Nearly all logins of this bank end so in the newest runs.
OUTAGE_BANK, OUTAGE_CODE = "National Bank", "RETRY_LATER"


def plant() -> None:
    """Make the temporary tables `roll` (roll, outcome, …) and `said` (a row for each ending)."""
    columns = (
        "outcome text, reason text, data_state text, code text, http integer, message text, "
        "PRIMARY KEY (%s)"
    )
    with connection.cursor() as cursor:
        for name, first in (("roll", "roll integer, "), ("said", "")):
            key = "roll" if first else "outcome, code"
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({first}{columns % key})")
        cursor.executemany("INSERT INTO roll VALUES (%s, %s, %s, %s, %s, %s, %s)", list(_rolls()))
        cursor.executemany(
            "INSERT INTO said VALUES (%s, %s, %s, %s, %s, %s)", [_row(row) for row in ENDINGS]
        )


def outage_roll() -> int:
    """Return a roll that ends as an outage does."""
    return next(number for number, row in enumerate(_spread()) if row.code == OUTAGE_CODE)


def _rolls() -> Iterator[tuple[int | str, ...]]:
    for number, row in enumerate(_spread()):
        yield (number, *_row(row))


def _spread() -> list[Ending]:
    spread = [row for row in ENDINGS for _ in range(row.weight)]
    if len(spread) != ROLLS:
        raise ValueError(f"The weights make {len(spread)}, not {ROLLS}.")
    return spread


def _row(row: Ending) -> tuple[int | str, ...]:
    return (row.outcome, row.reason, row.data_state, row.code, row.http, row.message)
