"""What an address may ask of a list, and a form of its rows: what we offer, and nothing besides."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from refreshops.console.search import is_number

AT = ("__gte", "__lt")
NUMBER = "__id__exact"
# What the stock filters of a field ask for: by choice, by date, by row, and whether it is set.
OFFERED = ("__exact", "__isnull", NUMBER, *AT)
YEARS = range(1970, 3000)
# More rows no form of ours carries, and SQLite takes no more than 250 000 in one question.
MOST_ROWS = 100_000


class OwnLookups:
    """Mixin before a ModelAdmin: its list is narrowed by its own filters and our own links alone.

    The stock admin lets a reader filter by every field and lookup: to search columns no page
    shows, and with a regular expression that never ends to hold the whole process.
    """

    linked_by: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Tell whether a list may be narrowed so; the caller answers 400 if not."""
        filters: Any = self.list_filter  # type: ignore[attr-defined]
        own = {str(row.parameter_name) for row in filters if _is_simple(row)}
        if lookup in own:
            return True
        fields = [row[0] if isinstance(row, tuple) else row for row in filters]
        offered = {f"{field}{ending}" for field in fields for ending in OFFERED}
        return (lookup in offered or lookup in self.linked_by) and _makes_sense(lookup, value)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; raise `BadRequest` when a ticked row is no row's number."""
        if not all(is_number(key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("A ticked row has no number.")
        answer: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        return answer

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a row's history; who may not is told so before anybody looks whether it exists."""
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        answer: HttpResponse = super().history_view(  # type: ignore[misc]
            request, object_id, extra_context
        )
        return answer


def rows_carried(text: str) -> set[int]:
    """Return the rows that a form carries as "1,2,3", without what is no row's number.

    Raise `BadRequest` for more than a form of ours ever holds.
    """
    keys = {int(key) for key in text.split(",") if is_number(key)}
    if len(keys) > MOST_ROWS:
        raise BadRequest(f"A form carries at most {MOST_ROWS} rows.")
    return keys


class CarefulAutocomplete(AutocompleteSelect):
    """An autocomplete box that shows a senseless choice as none, for the form to refuse."""

    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        """Look up only what can be a row's number."""
        return super().optgroups(name, [key for key in value if is_number(key)], attrs)


def _is_simple(row: Any) -> bool:
    return isinstance(row, type) and issubclass(row, SimpleListFilter)


def _makes_sense(lookup: str, value: str) -> bool:
    if lookup.endswith(NUMBER):
        return is_number(value)
    if lookup.endswith(AT):
        return _is_moment(value)
    return "\0" not in value


def _is_moment(value: str) -> bool:
    """Tell whether a database can compare with `value`: a real moment, its zone said."""
    try:
        at = parse_datetime(value)
    except ValueError:
        return False
    return at is not None and is_aware(at) and at.year in YEARS
