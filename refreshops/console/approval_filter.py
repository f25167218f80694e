"""The orders that wait for a second person: counted on the index page, listed by this filter."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from refreshops.routine.models import Run
from refreshops.rules.lifecycle import RunState

APPROVAL = "approval"
MINE = "mine"


def awaiting(runs: QuerySet[Run], user: Any) -> QuerySet[Run]:
    """Return those of `runs` that wait for this person's approval: nobody approves their own."""
    if not user.has_perm("logins.approve_order"):
        return runs.none()
    waiting = runs.filter(
        state=RunState.WAITING.value, needs_approval=True, approved_at__isnull=True
    )
    return waiting.exclude(opened_by=user)


class ApprovalFilter(admin.SimpleListFilter):
    """By whether an order waits for the reader's approval; absent for who approves nothing."""

    title, parameter_name = "approval", APPROVAL

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        may = request.user.has_perm("logins.approve_order")
        return [(MINE, "Waits for my approval")] if may else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Keep the orders that wait for this person."""
        if not self.value():
            return queryset
        return awaiting(queryset, request.user) if self.value() == MINE else queryset.none()
