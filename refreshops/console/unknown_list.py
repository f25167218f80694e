"""What the provider reported and nobody registered here, as the page "Leaks" shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from refreshops import wiring
from refreshops.console import order_kinds
from refreshops.console.leak_buttons import (
    Button,
    Names,
    Part,
    delete_words,
    forget,
    parts,
    switch_off,
)
from refreshops.console.leak_lists import FIRST_ROWS, Prices, Tally, how_many, money_words
from refreshops.console.scoping import sees_everything
from refreshops.logins import leaks
from refreshops.logins.models import Provider, UnknownLogin
from refreshops.routine.reports import summary


@dataclass(frozen=True)
class Report:
    """A provider's newest report: of when it is, whether it names all that is held there.

    `doubt` says what of it was not believed.
    """

    provider: Provider
    at: datetime | None
    complete: bool = False
    doubt: str = ""


@dataclass(frozen=True)
class UnknownList:
    """What the page draws: `rows` go with the orders about each of them alone."""

    count: int
    cost: str
    rows: list[tuple[UnknownLogin, list[Button]]]
    url: str
    buttons: list[Button]
    reports: list[Report]


def unknown_list(
    user: Any, *, counted: Tally, prices: Prices, names: Names, reports: list[Report]
) -> UnknownList | None:
    """Return the list for `user`, or None when it is not theirs to see: it belongs to nobody."""
    if not sees_unknown(user):
        return None
    first = []
    if counted.count:
        first = list(leaks.unknown_here().select_related("provider")[:FIRST_ROWS])
    money, url = money_words(per_provider=counted.per_provider, prices=prices), _address()
    return UnknownList(
        count=counted.count,
        cost=f"They cost up to {money} a month." if money else "",
        rows=[(row, _of_one(user, row, url=url)) for row in first],
        url=url,
        buttons=_buttons(user, counted, row=first[0].pk, names=names) if first else [],
        reports=[row for row in reports if row.at] or reports[:1],
    )


def report_of(provider: Provider, *, at: datetime | None, told: Any) -> Report:
    """Read what the run that asked for it keeps of a report."""
    return Report(provider, at, **summary(told))


def sees_unknown(user: Any) -> bool:
    """Tell whether logins that belong to no customer are this person's to see."""
    return sees_everything(user) and bool(user.has_perm("logins.view_unknownlogin"))


def may_register(user: Any) -> bool:
    """Tell whether this person may bring logins into the register."""
    return sees_unknown(user) and bool(user.has_perm("logins.import_customer"))


def may_switch(user: Any) -> bool:
    """Tell whether this person may order unknown logins off."""
    return sees_unknown(user) and bool(user.has_perm("logins.switch_login"))


def may_forget(user: Any) -> bool:
    """Tell whether this person may have unknown logins deleted where they are."""
    return sees_unknown(user) and order_kinds.may(user, "forget")


def _buttons(user: Any, counted: Tally, *, row: int, names: Names) -> list[Button]:
    switched, others = parts(counted, names)
    found = []
    if may_switch(user):
        for part in switched:
            label = f"Switch off {how_many(part.number)}{part.at or ' at the provider'}…"
            found.append(switch_off(label, _address(part), row=row))
    if may_forget(user):
        deleting = [part for part in others if wiring.can_forget(part.name)]
        found += [forget(delete_words(part), _address(part), row=row) for part in deleting]
    return found


def _of_one(user: Any, row: UnknownLogin, *, url: str) -> list[Button]:
    """Return the order about one login: each has a customer of its own, or none."""
    if not may_register(user):
        return []
    return [Button(f"Register {row.login_id[:8]}…", "register", url, row.pk, across=False)]


def _address(part: Part | None = None) -> str:
    query = urlencode(part.filters) if part else ""
    address = reverse("admin:logins_unknownlogin_changelist")
    return f"{address}?{query}" if query else address
