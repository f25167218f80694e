"""How many active logins of each institution last ended how: what the index page counts.

Neither database groups by the columns of an index without reading every entry and comparing it.
Here the index is skipped through, one step for each group, and each group is counted in one go.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Count

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login, LoginQuerySet, LoginStatus

# Institution, the provider's code, outcome, how many.
Counted = tuple[str, str, str, int]
# The same at one provider: the key of its row stands first.
CountedThere = tuple[int, str, str, str, int]
COLUMNS = ("institution", "provider_code", "outcome")


@dataclass
class Part:
    """What the index page counts of part of the register, all of it by provider.

    `active` by institution, code and outcome; `known` counts the inactive ones as well, and
    `leaking` is what is off here and on there.
    """

    active: list[CountedThere] = field(default_factory=list)
    known: "Counter[int]" = field(default_factory=Counter)
    leaking: "Counter[int]" = field(default_factory=Counter)
    unconfirmed: "Counter[int]" = field(default_factory=Counter)
    dropping_out: "Counter[int]" = field(default_factory=Counter)
    already_out: "Counter[int]" = field(default_factory=Counter)


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
    found = Part()
    for status, provider, bank, code, outcome, number, leaking, unconfirmed, soon, out in counted:
        if status == LoginStatus.ACTIVE:
            found.active.append((provider, bank, code, outcome, number))
        found.known[provider] += number
        found.leaking[provider] += leaking
        found.unconfirmed[provider] += unconfirmed
        found.dropping_out[provider] += soon
        found.already_out[provider] += out
    return found


def together(
    counted: Iterable[CountedThere], *, providers: Collection[int] | None = None
) -> list[Counted]:
    """Add up what was counted at several providers: at all of them, or at `providers` alone."""
    sums = Counter[tuple[str, str, str]]()
    for provider, *cell, number in counted:
        if providers is None or provider in providers:
            bank, code, outcome = cell
            sums[bank, code, outcome] += number
    return [(*cell, number) for cell, number in sums.items()]


# The next group has the same bank, code and outcome and a later provider, else the same bank and
# code and a later outcome, and so on: SQLite uses the index for each of these, and not for a
# comparison of all four at once.
_STATEMENT = """
    WITH RECURSIVE known(bank, code, outcome, provider) AS (
        SELECT institution, provider_code, outcome, provider_id FROM {table} WHERE id = (
            SELECT id FROM {table} WHERE status = %s
             ORDER BY institution, provider_code, outcome, provider_id LIMIT 1)
        UNION ALL
        SELECT next.institution, next.provider_code, next.outcome, next.provider_id
          FROM known JOIN {table} next ON next.id = COALESCE(
            (SELECT id FROM {table} WHERE status = %s AND institution = known.bank
                AND provider_code = known.code AND outcome = known.outcome
                AND provider_id > known.provider
              ORDER BY institution, provider_code, outcome, provider_id LIMIT 1),
            (SELECT id FROM {table} WHERE status = %s AND institution = known.bank
                AND provider_code = known.code AND outcome > known.outcome
              ORDER BY institution, provider_code, outcome, provider_id LIMIT 1),
            (SELECT id FROM {table} WHERE status = %s AND institution = known.bank
                AND provider_code > known.code
              ORDER BY institution, provider_code, outcome, provider_id LIMIT 1),
            (SELECT id FROM {table} WHERE status = %s AND institution > known.bank
              ORDER BY institution, provider_code, outcome, provider_id LIMIT 1))
    )
    SELECT provider, bank, code, outcome, (
        SELECT COUNT(*) FROM {table} WHERE status = %s AND institution = known.bank
           AND provider_code = known.code AND outcome = known.outcome
           AND provider_id = known.provider)
      FROM known
"""


def count_active() -> list[CountedThere]:
    """Count the active logins of the whole register by provider, institution, code and outcome."""
    # The name of our own table alone stands in the text.
    table = connection.ops.quote_name(Login._meta.db_table)
    statement = _STATEMENT.format(table=table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [LoginStatus.ACTIVE.value] * statement.count("%s"))
        return [
            (provider, bank, code, outcome, number)
            for provider, bank, code, outcome, number in cursor.fetchall()
        ]
