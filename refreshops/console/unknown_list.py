"""What the provider reported and nobody registered here, as the page "Leaks" shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from refreshops.console.leak_lists import (
    FIRST_ROWS,
    Button,
    Prices,
    Tally,
    how_many,
    money_words,
    switch_off,
)
from refreshops.console.scoping import sees_everything
from refreshops.logins import leaks
from refreshops.logins.models import UnknownLogin
from refreshops.routine.models import Attempt
from refreshops.rules.outcomes import Outcome


@dataclass(frozen=True)
class UnknownList:
    """What the page draws: `rows` go with the orders about each of them alone.

    `reported_at` is when the provider last told us.
    """

    count: int
    cost: str
    rows: list[tuple[UnknownLogin, list[Button]]]
    url: str
    buttons: list[Button]
    reported_at: datetime | None


def unknown_list(
    user: Any, *, counted: Tally, prices: Prices, reported_at: datetime | None
) -> UnknownList | None:
    """Return the list for `user`, or None when it is not theirs to see: it belongs to nobody."""
    if not sees_unknown(user):
        return None
    first = []
    if counted.count:
        first = list(leaks.unknown_here().select_related("provider")[:FIRST_ROWS])
    money, url = money_words(per_provider=counted.per_provider, prices=prices), _address()
    number = counted.count
    return UnknownList(
        count=number,
        cost=f"They cost up to {money} a month." if money else "",
        rows=[(row, _of_one(user, row, url=url)) for row in first],
        url=url,
        buttons=_buttons(user, number, url=url, row=first[0].pk) if first else [],
        reported_at=reported_at,
    )


def sees_unknown(user: Any) -> bool:
    """Tell whether logins that belong to no customer are this person's to see."""
    return sees_everything(user) and bool(user.has_perm("logins.view_unknownlogin"))


def may_register(user: Any) -> bool:
    """Tell whether this person may bring logins into the register."""
    return sees_unknown(user) and bool(user.has_perm("logins.import_customer"))


def may_switch(user: Any) -> bool:
    """Tell whether this person may order unknown logins off."""
    return sees_unknown(user) and bool(user.has_perm("logins.switch_login"))


def last_report() -> QuerySet[Attempt, datetime | None]:
    """Return when a provider last told us which logins its nightly refresh leaves out.

    A query of one row at most, to be asked with others.
    """
    # By the index of a login's attempts: by that of the outcomes it would read most of them all,
    # so that the outcome is asked for in a way that no index answers.
    told = Attempt.objects.filter(login__isnull=True, outcome__startswith=Outcome.FRESH.value)
    return told.order_by("login_id", "-pk").values_list("finished_at", flat=True)[:1]


def _buttons(user: Any, number: int, *, url: str, row: int) -> list[Button]:
    if not may_switch(user):
        return []
    return [switch_off(f"Switch off {how_many(number)} at the provider…", url, row=row)]


def _of_one(user: Any, row: UnknownLogin, *, url: str) -> list[Button]:
    """Return the order about one login: each has a customer of its own, or none."""
    if not may_register(user):
        return []
    return [Button(f"Register {row.login_id[:8]}…", "register", url, row.pk, across=False)]


def _address() -> str:
    return reverse("admin:logins_unknownlogin_changelist")
