"""Rows that people add, change and delete by hand, told to the story: which fields, no values.

Values may be personal. Of people it is told what they may do since; `providers_admin` tells more.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db.models import Model
from django.http import HttpRequest

from refreshops.console.story import tell
from refreshops.tracing.events import Action


class ToldEdits:
    """Mixin before every ModelAdmin: an event beside each entry of Django's own journal.

    An admin with `tells_edits = False` tells of its own.
    """

    @property
    def _tells(self) -> bool:
        return bool(getattr(self, "tells_edits", True))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Tell that a row was added."""
        if self._tells:
            _tell_of(request, obj, "added")
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Tell which fields were changed, if any."""
        fields = list(_fields_in(message))
        if self._tells and fields:
            _tell_of(request, obj, "changed", fields=fields)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Tell which rows were deleted: one event for all of them."""
        rows = list(queryset)
        if self._tells and len(rows) == 1:
            _tell_of(request, rows[0], "deleted")
        elif self._tells and rows:
            details = {"model": rows[0]._meta.model_name, "change": "deleted"}
            keys = [row.pk for row in rows]
            tell(request, Action.CHANGE_ROW, number=len(rows), details={**details, "rows": keys})
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _tell_of(request: HttpRequest, row: Model, change: str, **more: Any) -> None:
    name = str(row._meta.model_name)
    may = _what_they_may(row) if change != "deleted" else {}
    tell(
        request,
        Action.CHANGE_ROW,
        subject=(name, row.pk),
        details={"model": name, "change": change, **more, **may},
    )


def _fields_in(message: Any) -> Iterator[str]:
    """Yield the fields named in an entry of Django's journal; a text is all there is to say."""
    if isinstance(message, str):
        yield from [message] if message else []
        return
    for part in message:
        for said in part.values():
            yield from said.get("fields", [said.get("name", "")])


def _what_they_may(row: Model) -> dict[str, Any]:
    """Return what a person is allowed to be, as it stands now; nothing of other rows."""
    if not isinstance(row, AbstractUser):
        return {}
    groups = sorted(row.groups.values_list("name", flat=True))
    return {"active": row.is_active, "superuser": row.is_superuser, "groups": groups}
