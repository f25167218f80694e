"""Lists paged by key: from a row on, at any depth for the price of the first page, never counted.

A page is named by the row it begins after, `before` (older) or `after` (newer), as its time in
microseconds since 1970 and its number: what arrives meanwhile moves no row to another page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.moments import local_words

BEFORE, AFTER, OLDEST = "before", "after", "oldest"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Sixteen digits of microseconds reach into the year 2286, eighteen fit any row's number.
_CURSOR = re.compile(r"([0-9]{1,16})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Key:
    """What a list is ordered by, newest first: a time that is never empty, then the row's number.

    Without `time` the number alone orders.
    """

    time: str

    @property
    def ordering(self) -> tuple[str, ...]:
        """The order of the rows, newest first."""
        return (f"-{self.time}", "-pk") if self.time else ("-pk",)

    def cursor(self, row: Model) -> str:
        """Return the name of a row's place."""
        return f"{(self.at(row) - EPOCH) // MICROSECOND}.{row.pk}"

    def at(self, row: Model) -> datetime:
        """Return the time of a row, 1970 where the list knows none."""
        at: datetime = getattr(row, self.time) if self.time else EPOCH
        return at

    def beyond(self, rows: QuerySet[Any], cursor: str, *, older: bool) -> QuerySet[Any] | None:
        """Return the rows older (or newer) than a place, None for a cursor that makes no sense."""
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            return None
        at, pk = EPOCH + int(found[1]) * MICROSECOND, int(found[2])
        than = "lt" if older else "gt"
        past_row = Q(**{f"pk__{than}": pk})
        if not self.time:
            return rows.filter(past_row)
        # The first condition says nothing new; it is what an index can start from.
        return rows.filter(Q(**{f"{self.time}__{than}e": at})).filter(
            Q(**{f"{self.time}__{than}": at}) | past_row
        )


@dataclass(frozen=True)
class Slice:
    """The rows of one page, newest first, and whether there are newer and older ones."""

    rows: list[Any]
    newer: bool
    older: bool


def slice_of(
    rows: QuerySet[Any], *, key: Key, size: int, before: str = "", after: str = ""
) -> Slice:
    """Return the `size` rows that follow a cursor; the newest where it makes no sense or is past.

    `after` may be `OLDEST`: the last page, filled from the end.
    """
    rows = rows.order_by(*key.ordering)
    if before:
        older = key.beyond(rows, before, older=True)
        found = list(older[: size + 1]) if older is not None else []
        if found:
            return Slice(found[:size], newer=True, older=len(found) > size)
    elif after:
        newer = rows if after == OLDEST else key.beyond(rows, after, older=False)
        found = list(newer.reverse()[: size + 1]) if newer is not None else []
        if found:
            return Slice(found[:size][::-1], newer=len(found) > size, older=after != OLDEST)
    found = list(rows[: size + 1])
    return Slice(found[:size], newer=False, older=len(found) > size)


def by_key(rows: QuerySet[Any], *, key: Key, chunk: int = 1000) -> Iterator[Any]:
    """Yield all rows, newest first, for a file: few at a time, and none of them twice.

    What arrives meanwhile is newer than what was read, and left out.
    """
    rows = rows.order_by(*key.ordering)
    found, edge = list(rows[:chunk]), ""
    # A place that does not move on would be read for ever.
    while found and key.cursor(found[-1]) != edge:
        yield from found
        edge = key.cursor(found[-1])
        beyond = key.beyond(rows, edge, older=True)
        found = list(beyond[:chunk]) if beyond is not None else []


class KeysetChangeList(ChangeList):
    """A list whose page is a `Slice`; filters, search and actions mean all rows, whatever page."""

    # Counting to the end is what this list does not do.
    show_full_result_count = False
    full_result_count = None
    show_admin_actions = True
    can_show_all = multi_page = False

    @property
    def key(self) -> Key:
        """What the list is ordered by."""
        ordering: Any = self.model_admin.ordering
        first = str(ordering[0]).removeprefix("-")
        return Key("" if first in ("id", "pk") else first)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows of every page; a filter or a search begins at the newest again."""
        for params in (self.params, self.filter_params):
            for name in (BEFORE, AFTER):
                params.pop(name, None)
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the one order there is: any other would read the whole table."""
        return list(self.key.ordering)

    def get_ordering_field_columns(self) -> dict[int, Any]:
        """Return that no column is sorted by."""
        return {}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page. `result_count` is the number of its rows."""
        asked = {name: request.GET.get(name, "") for name in (BEFORE, AFTER)}
        model_admin: Any = self.model_admin
        shown = self.queryset.defer(*model_admin.not_listed)
        self.slice = slice_of(shown, key=self.key, size=self.list_per_page, **asked)
        self.result_list = self.slice.rows
        self.result_count = len(self.result_list)
        self.paginator = None
        # Said once in `url_for_result`: the stock list takes them apart again for each link.
        self._kept, self.preserved_filters = self.preserved_filters, ""

    def url_for_result(self, result: Model) -> str:
        """Return the address of a row's page, which knows the way back to this page of the list."""
        address = super().url_for_result(result)
        return f"{address}?{self._kept}" if self._kept else address

    @property
    def pages(self) -> list[tuple[str, str]]:
        """The links to other pages, by their names."""
        rows, key = self.slice.rows, self.key
        found = []
        if self.slice.newer:
            found += [
                ("Newest", self.get_query_string()),
                ("Newer", self.get_query_string({AFTER: key.cursor(rows[0])})),
            ]
        if self.slice.older:
            found += [
                ("Older", self.get_query_string({BEFORE: key.cursor(rows[-1])})),
                ("Oldest", self.get_query_string({AFTER: OLDEST})),
            ]
        return found

    @property
    def says(self) -> str:
        """What the page shows: "50 calls, from 14:02 back to 13:40"."""
        number, opts = self.result_count, self.opts
        what = opts.verbose_name if number == 1 else opts.verbose_name_plural
        if not (self.slice.newer or self.slice.older):
            return f"{number} {what}"
        which = "" if self.slice.newer else "The newest "
        return f"{which}{number} {what}, {self._span()}"

    def _span(self) -> str:
        first, last = self.slice.rows[0], self.slice.rows[-1]
        key = self.key
        if not key.time:
            return f"from number {first.pk} back to {last.pk}"
        now = timezone.now()
        newest, oldest = (local_words(key.at(row), now=now) for row in (first, last))
        return f"from {newest} back to {oldest}" if newest != oldest else f"all at {newest}"


class KeysetAdmin(ConsoleAdmin):
    """Mixin before a ModelAdmin of ours with a fixed `ordering`: ("-time", "-id") or ("-id",)."""

    sortable_by = ()
    # Columns that the list leaves on disk: only a row's own page shows them.
    not_listed: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the list that pages by key."""
        return KeysetChangeList
