"""The institutions the register names, read with one step an institution and not one a login."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from refreshops.logins.models import Customer, Login, LoginQuerySet, Provider
from refreshops.logins.owned import owned_by

# More than this nobody reads through; any other may still stand in an address.
MOST = 300
# So many logins of a bank are looked at for one of a manager's, before all of theirs are read.
LOOKED_AT = 100

# The index is skipped through: neither database does so by itself for a DISTINCT.
_NAMES = """
    WITH RECURSIVE known(name) AS (
        SELECT MIN(institution) FROM {login} WHERE institution > ''
        UNION ALL
        SELECT (SELECT MIN(institution) FROM {login} WHERE institution > known.name)
          FROM known WHERE known.name IS NOT NULL
    )
"""
_NAMES_AT = """
    WITH RECURSIVE there(id) AS (SELECT id FROM {provider} WHERE name = %s),
    known(name) AS (
        SELECT MIN(institution) FROM {login}
         WHERE provider_id = (SELECT id FROM there) AND institution > ''
        UNION ALL
        SELECT (SELECT MIN(institution) FROM {login}
                 WHERE provider_id = (SELECT id FROM there) AND institution > known.name)
          FROM known WHERE known.name IS NOT NULL
    )
"""
_ALL = "SELECT name FROM known WHERE name IS NOT NULL LIMIT %s"
_SOUGHT = """
    SELECT name, EXISTS (
        SELECT 1 FROM (
            SELECT customer_id FROM {login} WHERE institution = known.name
             ORDER BY institution, outcome, id LIMIT %s) first
          JOIN {customer} owner ON owner.id = first.customer_id
         WHERE owner.account_manager_id = %s)
      FROM known WHERE name IS NOT NULL LIMIT %s
"""


def institutions_of(logins: LoginQuerySet) -> list[str]:
    """Return the names of the institutions of `logins`, at most `MOST`, in order."""
    names = logins.order_by("institution").values_list("institution", flat=True).distinct()
    return list(names.exclude(institution="")[:MOST])


def all_institutions() -> list[str]:
    """Return the names of the institutions of the whole register, at most `MOST`, in order."""
    return [name for (name,) in _asked(_NAMES + _ALL, MOST)]


def institutions_at(providers: Iterable[str]) -> set[str]:
    """Return the names of the institutions at any of these providers, at most `MOST` at each."""
    return {name for one in providers for (name,) in _asked(_NAMES_AT + _ALL, one, MOST)}


def institutions_of_manager(manager: Any) -> list[str]:
    """Return what `institutions_of` says of the logins of a manager's customers.

    Who has logins at every bank is found among the first of each. Whoever seems to have none at
    one bank is asked about exactly.
    """
    sought = _asked(_NAMES + _SOUGHT, LOOKED_AT, manager.pk, MOST + 1)
    if len(sought) <= MOST and all(found for _, found in sought):
        return [name for name, _ in sought]
    return institutions_of(Login.objects.filter(owned_by(manager)))


def _asked(question: str, *params: int | str) -> list[Any]:
    quote = connection.ops.quote_name
    # The names of our own tables alone stand in the text.
    tables = {"login": Login, "customer": Customer, "provider": Provider}
    named = {name: quote(model._meta.db_table) for name, model in tables.items()}
    with connection.cursor() as cursor:
        cursor.execute(question.format(**named), params)
        rows: list[Any] = cursor.fetchall()
        return rows
