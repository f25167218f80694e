"""Filters of the story."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from refreshops.console.filters import Choices
from refreshops.console.scoping import sees_everything
from refreshops.console.search import is_number
from refreshops.console.words import person
from refreshops.tracing.events import AT_THE_COMMAND_LINE, BY_ITSELF, SOMEBODY, THE_SCHEDULE
from refreshops.tracing.models import Event

NO_PERSON = (THE_SCHEDULE, BY_ITSELF, AT_THE_COMMAND_LINE, SOMEBODY)


class WhoFilter(admin.SimpleListFilter):
    """By who did it: a person by number, or who else acts; absent for who sees their own alone."""

    title, parameter_name = "who", "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the people who ever did something, then the others."""
        if not sees_everything(request.user):
            return []
        did = Event.objects.filter(actor_id=OuterRef("pk"))
        users = get_user_model()._default_manager.filter(Exists(did))
        people = [(str(row.pk), person(row)) for row in users]
        people.sort(key=lambda row: row[1].lower())
        return [*people, *((name, name) for name in NO_PERSON)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the events of whom was chosen."""
        value = self.value()
        if not value:
            return queryset
        if is_number(value):
            return queryset.filter(actor_id=int(value))
        known = value in NO_PERSON
        return queryset.filter(actor_id=None, actor=value) if known else queryset.none()
