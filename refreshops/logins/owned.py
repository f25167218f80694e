"""A manager's own logins, asked for so that either database begins at the manager's customers."""

from typing import Any

from django.db.models import F
from django.db.models.lookups import In

from refreshops.logins.models import Customer


class Among(In):
    """`column IN (SELECT …)`, for a subquery that gives few of many.

    PostgreSQL is handed the values at once: it would rather read every login there is beside them.
    """

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Write it for PostgreSQL."""
        column, column_params = self.process_lhs(compiler, connection)
        chosen, params = self.process_rhs(compiler, connection)
        return f"{column} = ANY(ARRAY{chosen})", [*column_params, *params]


def owned_by(manager: Any, *, column: Any = None) -> Among:
    """Return the condition on a login that its customer is this manager's, a user or a key.

    `column` is what holds the customer, where that is not the login's own row.
    """
    theirs = Customer.objects.filter(account_manager=manager).values("pk")
    return Among(column or F("customer"), theirs.query)
