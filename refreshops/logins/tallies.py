"""How many active logins of each institution last ended how: what the index page counts.

Neither database groups by the columns of an index without reading every entry and comparing it.
Here the index is skipped through, one step for each group, and each group is counted in one go.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Count

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login, LoginQuerySet, LoginStatus

# Institution, the provider's code, outcome, how many.
Counted = tuple[str, str, str, int]
COLUMNS = ("institution", "provider_code", "outcome")


@dataclass
class Part:
    """What the index page counts of part of the register.

    `active` by institution, code and outcome; `known` counts the inactive ones as well, and
    `leaking` is by provider what is off here and on there.
    """

    active: list[Counted] = field(default_factory=list)
    known: int = 0
    leaking: "Counter[int]" = field(default_factory=Counter)
    unconfirmed: int = 0
    dropping_out: int = 0
    already_out: int = 0


def count_part(logins: LoginQuerySet, *, now: datetime) -> Part:
    """Count part of the register, reading each of its rows once."""
    rows = logins.order_by().values_list("status", "provider_id", *COLUMNS)
    counted = rows.annotate(
        number=Count("pk"),
        leaking=Count("pk", filter=leaks.LEAKS[leaks.OFF_HERE_ON_THERE].condition),
        unconfirmed=Count("pk", filter=leaks.unconfirmed(now=now)),
        soon=Count("pk", filter=clock.drops_out(now=now)),
        out=Count("pk", filter=clock.has_dropped_out(now=now)),
    )
    found, active = Part(), Counter[tuple[str, str, str]]()
    for status, provider, bank, code, outcome, number, leaking, unconfirmed, soon, out in counted:
        if status == LoginStatus.ACTIVE:
            active[bank, code, outcome] += number
        found.known += number
        found.leaking[provider] += leaking
        found.unconfirmed += unconfirmed
        found.dropping_out += soon
        found.already_out += out
    found.active = [(*key, number) for key, number in active.items()]
    return found


# The next group has the same bank and code and a later outcome, else the same bank and a later
# code, else a later bank: SQLite uses the index for each of these, and not for a comparison of all
# three at once.
_STATEMENT = """
    WITH RECURSIVE known(bank, code, outcome) AS (
        SELECT institution, provider_code, outcome FROM {table} WHERE id = (
            SELECT id FROM {table} WHERE status = %s
             ORDER BY institution, provider_code, outcome LIMIT 1)
        UNION ALL
        SELECT next.institution, next.provider_code, next.outcome
          FROM known JOIN {table} next ON next.id = COALESCE(
            (SELECT id FROM {table} WHERE status = %s AND institution = known.bank
                AND provider_code = known.code AND outcome > known.outcome
              ORDER BY institution, provider_code, outcome LIMIT 1),
            (SELECT id FROM {table} WHERE status = %s AND institution = known.bank
                AND provider_code > known.code
              ORDER BY institution, provider_code, outcome LIMIT 1),
            (SELECT id FROM {table} WHERE status = %s AND institution > known.bank
              ORDER BY institution, provider_code, outcome LIMIT 1))
    )
    SELECT bank, code, outcome, (
        SELECT COUNT(*) FROM {table} WHERE status = %s AND institution = known.bank
           AND provider_code = known.code AND outcome = known.outcome)
      FROM known
"""


def count_active() -> list[Counted]:
    """Count the active logins of the whole register by institution, code and outcome."""
    # The name of our own table alone stands in the text.
    table = connection.ops.quote_name(Login._meta.db_table)
    statement = _STATEMENT.format(table=table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [LoginStatus.ACTIVE.value] * statement.count("%s"))
        return [(bank, code, outcome, number) for bank, code, outcome, number in cursor.fetchall()]
