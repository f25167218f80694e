"""A list's pages where few rows fit: found by their keys, whatever the order they are shown in."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page
from django.db.models import F
from django.db.models.expressions import Col
from django.db.models.lookups import In
from django.http import HttpRequest
from django.utils.functional import cached_property

from refreshops.console.machine_rows import COUNT_CAP, CappedPaginator
from refreshops.logins.models import Customer, Login
from refreshops.logins.owned import LookedAt, own_column, owned_by

# Up to here the rows are fetched by their keys and put in order; beyond, the keys of a page come
# soon enough along the index of the order.
FEW = 2_000
# In this order of logins a page is met soon, whosever they are; in another they are sorted.
WALKED = ("institution",)
# One value of these may be that of most rows.
HOLDING_MANY = frozenset(
    {
        "status",
        "outcome",
        "data_state",
        "nightly",
        "institution",
        "provider_code",
        "gone_at",
        "drops_out_at",
        "nightly_verified_at",
        "status_changed_at",
    }
)
_OWNER = Customer._meta.get_field("account_manager")


class KnownRowsPaginator(CappedPaginator):
    """Counts by reading the keys, and where they are few asks for no row besides.

    Else a database may walk the whole table in the order of the list to find the few that fit.
    """

    @cached_property
    def _keys(self) -> list[int]:
        # Without the counts noted on each row: nobody reads those of rows that are not shown.
        rows: Any = self.object_list
        return list(
            _begun_at_customers(rows.order_by().values_list("pk", flat=True))[: COUNT_CAP + 1]
        )

    @cached_property
    def _counted(self) -> int:
        return len(self._keys)

    def page(self, number: Any) -> Page:
        """Return one page; raise as the stock paginator does for one that is not there."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        known = _in_order(rows, self._keys) if self._counted <= FEW else rows
        # Sorted without the rest of the row and of its neighbours, where there is to sort.
        keys: Any = known.values_list("pk", flat=True)[first : first + self.per_page]
        if self._counted > FEW and rows.query.order_by[:1] != WALKED:
            sorted_rows = _begun_at_customers(rows.values_list("pk", flat=True))
            keys = list(sorted_rows[first : first + self.per_page])
        rows = _by_keys(rows, keys)
        return Page(rows, number, self)


class KnownRowsList(ChangeList):
    """A list whose only page comes from the paginator too: the stock one asks anew for it."""

    def get_results(self, request: HttpRequest) -> None:
        """Count, and take the page."""
        super().get_results(request)
        if not self.multi_page:
            self.result_list = self.paginator.page(1).object_list


class KnownRows:
    """Mixin before a ModelAdmin whose lists are narrowed to few rows by many kinds of filters."""

    paginator: Any = KnownRowsPaginator

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the list that finds its rows by their keys."""
        return KnownRowsList


class _OneOf(In):
    """`pk IN (…)` of many keys: as one value where a database takes a list as one."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Write it for PostgreSQL."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::bigint[])", [*params, list(self.rhs)]


def _in_order(rows: Any, keys: list[int]) -> Any:
    """Return the rows of these keys in the order of `rows`, and nothing of what narrowed those."""
    found = rows.model._default_manager.filter(_OneOf(F("pk"), keys))
    return found.order_by(*rows.query.order_by)


def _by_keys(rows: Any, keys: Any) -> Any:
    """Return the rows of these keys with nothing else asked of them: they were found by it all."""
    found = rows.all()
    found.query.clear_where()
    return found.filter(pk__in=keys)


def _begun_at_customers(rows: Any) -> Any:
    """Let a database that looks for one manager's logins begin at the manager's customers.

    SQLite knows nothing of sizes and takes any index for equally good: that of an outcome, which
    holds most of the register, where that of the customers holds a few thousand. PostgreSQL would
    search the index anew for each value of its other columns. So these are looked at here, and not
    looked up.
    """
    owners = [leaf for leaf in rows.query.where.leaves() if _names_an_owner(leaf)]
    if rows.model is not Login or not owners or rows.query.is_empty():
        return rows
    found = rows.all()
    instead: dict[Any, Any] = {}
    columns = [own_column(leaf) for leaf in rows.query.where.leaves()]
    if any(column and column.target.name not in HOLDING_MANY for column in columns):
        # What was searched for is found by its own index, and then looked at whose it is.
        instead = {leaf.lhs: LookedAt(leaf.lhs) for leaf in owners}
    else:
        customer = Col(Login._meta.db_table, Login._meta.get_field("customer"))
        for leaf in owners:
            owner = None if leaf.lookup_name == "isnull" else leaf.rhs
            instead[leaf] = owned_by(owner, column=customer)
            # The table of the customers is not asked beside the list of them.
            found.query.unref_alias(leaf.lhs.alias)
        instead |= {column: LookedAt(column) for column in columns if column}
    found.query.where = found.query.where.replace_expressions(instead)
    return found


def _names_an_owner(leaf: Any) -> bool:
    """Tell whether part of a condition says whose customers they are: somebody's, or nobody's."""
    column = getattr(leaf, "lhs", None)
    if not isinstance(column, Col) or column.target is not _OWNER:
        return False
    return leaf.lookup_name == "exact" or (leaf.lookup_name == "isnull" and leaf.rhs is True)
