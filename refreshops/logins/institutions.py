"""The institutions the register names, read with one step an institution and not one a login."""

from django.db import connection

from refreshops.logins.models import Login, LoginQuerySet

# More than this nobody reads through; any other may still stand in an address.
MOST = 300


def institutions_of(logins: LoginQuerySet, *, all_of_them: bool) -> list[str]:
    """Return the names of the institutions of `logins`, at most `MOST`, in order.

    `all_of_them` says that `logins` is the whole register: then the index is skipped through, for
    neither database does so by itself for a DISTINCT.
    """
    if all_of_them:
        return _skipping()
    names = logins.order_by("institution").values_list("institution", flat=True).distinct()
    return list(names.exclude(institution="")[:MOST])


def _skipping() -> list[str]:
    quote = connection.ops.quote_name
    table, name = quote(Login._meta.db_table), quote("institution")
    # Names of our own table alone stand in the text.
    statement = f"""
        WITH RECURSIVE known(name) AS (
            SELECT MIN({name}) FROM {table} WHERE {name} > ''
            UNION ALL
            SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > known.name)
            FROM known WHERE known.name IS NOT NULL
        )
        SELECT name FROM known WHERE name IS NOT NULL LIMIT %s
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [MOST])
        return [row[0] for row in cursor.fetchall()]
