"""A list's pages where few rows fit: found by their keys, whatever the order they are shown in."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page
from django.db import connection
from django.db.models import Func
from django.db.models.expressions import Col
from django.http import HttpRequest
from django.utils.functional import cached_property

from refreshops.console.machine_rows import COUNT_CAP, CappedPaginator

# Up to here the rows are fetched by their keys and put in order; beyond, the keys of a page come
# soon enough along the index of the order.
FEW = 2_000
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


class KnownRowsPaginator(CappedPaginator):
    """Counts by reading the keys, and where they are few asks for no row besides.

    Else a database may walk the whole table in the order of the list to find the few that fit.
    """

    @cached_property
    def _keys(self) -> list[int]:
        # Without the counts noted on each row: nobody reads those of rows that are not shown.
        rows: Any = self.object_list
        return list(_begun_at_joins(rows.order_by().values_list("pk", flat=True))[: COUNT_CAP + 1])

    @cached_property
    def _counted(self) -> int:
        return len(self._keys)

    def page(self, number: Any) -> Page:
        """Return one page; raise as the stock paginator does for one that is not there."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        if self._counted <= FEW:
            rows = _by_keys(rows, self._keys)[first : first + self.per_page]
        else:
            # Sorted without the rest of the row and of its neighbours, where there is to sort.
            rows = _by_keys(rows, rows.values("pk")[first : first + self.per_page])
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


def _by_keys(rows: Any, keys: Any) -> Any:
    """Return the rows of these keys with nothing else asked of them: they were found by it all."""
    found = rows.all()
    found.query.clear_where()
    return found.filter(pk__in=keys)


def _begun_at_joins(rows: Any) -> Any:
    """Let SQLite begin at the tables joined: a reader's own customers, and not all that is fresh.

    It knows nothing of sizes and takes any index for equally good: that of an outcome, which holds
    most of the register, where that of the customers holds a few thousand. A column with a plus
    before it is looked at and not looked up. Without a join it may begin where it likes.
    """
    base = rows.model._meta.db_table
    joined = {alias for alias, count in rows.query.alias_refcount.items() if count} - {base}
    if connection.vendor != "sqlite" or not joined:
        return rows
    columns = {getattr(leaf, "lhs", None) for leaf in rows.query.where.leaves()}
    looked_at = {
        column: Func(column, template="+%(expressions)s", output_field=column.output_field)
        for column in columns
        if isinstance(column, Col) and column.alias == base and column.target.name in HOLDING_MANY
    }
    found = rows.all()
    found.query.where = found.query.where.replace_expressions(looked_at)
    return found
