"""A manager's own logins, asked for so that either database begins at the manager's customers."""

from typing import Any

from django.db.models import CharField, F, Func
from django.db.models.expressions import Col
from django.db.models.lookups import In

from refreshops.logins.models import Customer, Login, LoginQuerySet


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
    """Return the condition on a login that its customer is this manager's: a user, a key, or None.

    `column` is what holds the customer, where that is not the login's own row.
    """
    theirs = Customer.objects.filter(account_manager=manager).values("pk")
    return Among(column or F("customer"), theirs.query)


def begun_at_customers(logins: LoginQuerySet) -> LoginQuerySet:
    """Return the same rows; those of one manager found by the customers and by nothing else.

    For what `owned_by` narrows and conditions narrow further that hold for most logins.
    """
    owned = any(isinstance(leaf, Among) for leaf in logins.query.where.leaves())
    return looked_at(logins) if owned else logins


def looked_at(logins: LoginQuerySet) -> LoginQuerySet:
    """Return the same rows, but none of them looked up by a column of its own."""
    found = logins.all()
    leaves = [leaf for leaf in found.query.where.leaves() if not isinstance(leaf, Among)]
    columns = [own_column(leaf) for leaf in leaves]
    instead: dict[Any, Any] = {column: LookedAt(column) for column in columns if column}
    found.query.where = found.query.where.replace_expressions(instead)
    return found


def own_column(leaf: Any) -> Col | None:
    """Return the login's column that part of a condition is about, None for another table's."""
    column = getattr(leaf, "lhs", None)
    own = isinstance(column, Col) and column.alias == Login._meta.db_table
    return column if own else None


class LookedAt(Func):
    """A column that no index is searched by."""

    template = "+%(expressions)s"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write it for PostgreSQL, which knows no plus before a text."""
        text = isinstance(self.output_field, CharField)
        template = "(%(expressions)s || '')" if text else "%(expressions)s"
        return super().as_sql(compiler, connection, template=template, **context)
