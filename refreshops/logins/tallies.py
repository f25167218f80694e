"""How many active logins of each institution last ended how: what the index page counts.

Neither database groups by the columns of an index without reading every entry and comparing it.
Here the index is skipped through, one step for each group, and each group is counted in one go.
"""

from django.db import connection
from django.db.models import Count

from refreshops.logins.models import Login, LoginQuerySet, LoginStatus

# Institution, the provider's code, outcome, how many.
Counted = tuple[str, str, str, int]
COLUMNS = ("institution", "provider_code", "outcome")


def count_active(logins: LoginQuerySet, *, all_of_them: bool) -> list[Counted]:
    """Count the active ones of `logins` by institution, code and outcome.

    `all_of_them` says that `logins` is the whole register: then its index alone is read.
    """
    if all_of_them:
        return _skipping()
    rows = logins.active().order_by().values_list(*COLUMNS)
    return list(rows.annotate(Count("pk")))


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


def _skipping() -> list[Counted]:
    # The name of our own table alone stands in the text.
    table = connection.ops.quote_name(Login._meta.db_table)
    statement = _STATEMENT.format(table=table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [LoginStatus.ACTIVE.value] * statement.count("%s"))
        return [(bank, code, outcome, number) for bank, code, outcome, number in cursor.fetchall()]
