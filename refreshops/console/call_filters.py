"""Filters of lists with millions of rows: a day, typed or chosen, and one value of a field."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from refreshops.console.filters import Choices, ExactFilter, ProviderFilter, TypedFilter
from refreshops.console.lookups import YEARS
from refreshops.console.search import is_number

TODAY, YESTERDAY, WEEK = "today", "yesterday", "week"
DAY_CHOICES: Choices = [(TODAY, "Today"), (YESTERDAY, "Yesterday"), (WEEK, "The last 7 days")]
A_DAY = timedelta(days=1)


class DayFilter(TypedFilter):
    """By local day: today, yesterday, the last seven days, or any one day by its date."""

    title, parameter_name = "day", "day"
    template = "console/parts/day_filter.html"
    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the days that are asked for most; any date may stand in the address."""
        return DAY_CHOICES

    @property
    def typed(self) -> str:
        """The date in the address, cut for the page; empty for a choice."""
        value = (self.value() or "").strip().replace("\0", "")[:20]
        return "" if value in dict(DAY_CHOICES) else value

    @property
    def days(self) -> tuple[date, date] | None:
        """The first day and the day after the last, or None when it is no date."""
        today, value = timezone.localdate(), self.value()
        if value == WEEK:
            return today - 6 * A_DAY, today + A_DAY
        if value in (TODAY, YESTERDAY):
            day: date | None = today if value == TODAY else today - A_DAY
        else:
            day = _date(self.typed)
        return (day, day + A_DAY) if day else None

    @property
    def refusal(self) -> str:
        """What is wrong with the date; empty when nothing is."""
        if not self.value() or self.days:
            return ""
        return f"“{self.typed}” is no date such as 2026-11-20: nothing is shown."

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the days chosen; none for a senseless date."""
        if not self.value():
            return queryset
        if self.days is None:
            return queryset.none()
        since, until = (midnight(day) for day in self.days)
        return queryset.filter(**{f"{self.field}__gte": since, f"{self.field}__lt": until})


def midnight(day: date) -> datetime:
    """Return the moment a local day begins, in UTC."""
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day and day.year in YEARS else None


def day_filter(field: str) -> type[DayFilter]:
    """Return the filter by the day of a time."""
    return type("DayFilter", (DayFilter,), {"field": field})


def choice_filter(field: str, *, title: str, choices: Mapping[str, str]) -> type[ExactFilter]:
    """Return a filter by one of the values a field knows, each in our words."""

    def lookups(self: Any, request: HttpRequest, model_admin: Any) -> Choices:
        return list(choices.items())

    named = {"title": title, "parameter_name": f"{field}__exact", "field": field}
    return type("ChoiceFilter", (ExactFilter,), {**named, "lookups": lookups})


class CallProviderFilter(ProviderFilter):
    """By provider, on rows that name it themselves."""

    field = "provider"


class AttemptFilter(admin.SimpleListFilter):
    """By attempt, where a link asks for one; there is nothing to choose from."""

    title, parameter_name = "attempt", "attempt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the attempt that was asked for, to be seen and let go."""
        value = str(self.value() or "")
        return [(value, f"Attempt {value[:20]}")] if value else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the calls of the attempt; none for what is no attempt's number."""
        value = str(self.value() or "")
        if not value:
            return queryset
        return queryset.filter(attempt_id=int(value)) if is_number(value) else queryset.none()
