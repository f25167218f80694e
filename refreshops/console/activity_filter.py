"""The filter "inactive for more than N days" of the customers, N typed by the person."""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from refreshops import wiring
from refreshops.console.filters import TypedFilter
from refreshops.logins.models import Customer

PRESETS = (30, 90, 180)
MOST_DAYS = 36_500


class InactiveFilter(TypedFilter):
    """By last activity: longer ago than N days. Who was never active counts as inactive."""

    title, parameter_name = "inactive for more than", "inactive_days"
    template = "console/parts/inactive_filter.html"
    most_days = MOST_DAYS

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the presets; any other number may be typed."""
        return [(str(days), f"{days} days") for days in PRESETS]

    @property
    def typed(self) -> str:
        """What stands in the address, cut for the page."""
        return (self.value() or "").strip().replace("\0", "")[:20]

    @property
    def days(self) -> int | None:
        """The number of days, or None when it is no sensible number."""
        text = self.typed
        plain = text.isascii() and text.isdigit() and len(text) < 6
        return int(text) if plain and 1 <= int(text) <= MOST_DAYS else None

    @property
    def refusal(self) -> str:
        """What is wrong with the number; empty when nothing is."""
        if not self.value() or self.days is not None:
            return ""
        return f"“{self.typed}” is no number of days from 1 to {MOST_DAYS}: nobody is shown."

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        """Keep the customers without activity in so many days; nobody for a senseless number."""
        if not self.value():
            return queryset
        if self.days is None:
            return queryset.none()
        since = wiring.clock() - timedelta(days=self.days)
        return queryset.filter(Q(last_activity_at__lt=since) | Q(last_activity_at__isnull=True))
