"""The orders that put a list of the page "Leaks" right, each as far as its provider can do it.

Where a provider has no nightly switch, only deleting its logins there ends what they cost.
"""

from dataclasses import dataclass
from typing import Any

from refreshops import wiring
from refreshops.console import order_kinds
from refreshops.console.addresses import all_logins
from refreshops.console.leak_lists import UNCONFIRMED, Tally, how_many
from refreshops.logins import leaks
from refreshops.rules.lifecycle import Purpose

# Providers by key: their names in the register.
Names = dict[int, str]

# Logins that are off here; where the provider refreshes them all the same they are to go there.
OFF_HERE = (leaks.OFF_HERE_ON_THERE, UNCONFIRMED)


@dataclass(frozen=True)
class Button:
    """An order about a whole list, or with `across` false about `row` alone: a form as the list
    behind it takes for its action. `row` is any row of it: without one ticked it takes no form.
    """

    label: str
    action: str
    url: str
    row: int
    grave: bool = False
    across: bool = True


@dataclass(frozen=True)
class Part:
    """The logins of a list at one provider; `narrows` when there are others in it."""

    name: str
    number: int
    narrows: bool

    @property
    def at(self) -> str:
        """Say where, as far as that must be said."""
        return f" at {self.name.capitalize()}" if self.narrows else ""

    @property
    def filters(self) -> dict[str, str]:
        """Return what narrows the list to these."""
        return {"provider": self.name} if self.narrows else {}


def parts(counted: Tally, names: Names) -> tuple[list[Part], list[Part]]:
    """Split a list: what has a nightly switch, and provider by provider what has none.

    While each has one the first is a single part, whatever the providers.
    """
    numbers = {names[key]: number for key, number in counted.per_provider.items() if number}
    without = {name for name in numbers if has_no_switch(name)}
    if not without:
        return [Part("", counted.count, narrows=False)] if counted.count else [], []
    found = [Part(name, numbers[name], narrows=len(numbers) > 1) for name in sorted(numbers)]
    switched = [part for part in found if part.name not in without]
    return switched, [part for part in found if part.name in without]


def has_no_switch(name: str) -> bool:
    """Tell whether switching off at a provider only ends what we do ourselves."""
    return wiring.here_only(name, Purpose.SWITCH_OFF)


def buttons(user: Any, name: str, counted: Tally, *, row: int, names: Names) -> list[Button]:
    """Return the orders that put a list right, as far as `user` may give them."""
    may_switch = user.has_perm("logins.switch_login")
    if name == leaks.NEVER_VERIFIED:
        return _check(user, name, Part("", counted.count, narrows=False), row=row)
    if name == leaks.UNKNOWN_THERE:
        label = f"Retire {how_many(counted.count)} unknown there…"
        return [switch_off(label, all_logins(leak=name), row=row)] if may_switch else []
    switched, others = parts(counted, names)
    found = []
    if may_switch and name == leaks.REPLACED:
        switched, others = [Part("", counted.count, narrows=False)], []
    if may_switch:
        order = _on if name == leaks.ON_HERE_OFF_THERE else _off
        found = [order(name, part, row=row) for part in switched]
    for part in others:
        found += (_forget if name in OFF_HERE else _check)(user, name, part, row=row)
    return found


def notes(name: str, counted: Tally, names: Names) -> list[str]:
    """Return what providers say for themselves where a list cannot be switched off there."""
    if name not in OFF_HERE:
        return []
    _, others = parts(counted, names)
    return [said for part in others if (said := wiring.about(part.name, Purpose.SWITCH_OFF))]


def _off(name: str, part: Part, *, row: int) -> Button:
    again = " off again" if name == UNCONFIRMED else ""
    verb = "Order" if again else "Switch off"
    label = f"{verb} {how_many(part.number)}{again}{part.at}…"
    return switch_off(label, all_logins(leak=name, **part.filters), row=row)


def _on(name: str, part: Part, *, row: int) -> Button:
    label = f"Switch {how_many(part.number)} on again{part.at}…"
    return Button(label, "switch_on", all_logins(leak=name, **part.filters), row)


def _check(user: Any, name: str, part: Part, *, row: int) -> list[Button]:
    if not order_kinds.may(user, "check"):
        return []
    label = f"Check the schedule of {how_many(part.number)}{part.at}…"
    return [Button(label, "check_schedule", all_logins(leak=name, **part.filters), row)]


def _forget(user: Any, name: str, part: Part, *, row: int) -> list[Button]:
    if not (order_kinds.may(user, "forget") and wiring.can_forget(part.name)):
        return []
    url = all_logins(leak=name, **part.filters)
    return [forget(delete_words(part), url, row=row)]


def delete_words(part: Part) -> str:
    """Name the order to delete logins at a provider without a switch."""
    return f"Delete {how_many(part.number)} at {part.name.capitalize()}…"


def switch_off(label: str, url: str, *, row: int) -> Button:
    """Return the button that orders a whole list off."""
    return Button(label, "switch_off", url, row, grave=True)


def forget(label: str, url: str, *, row: int) -> Button:
    """Return the button that orders a whole list deleted at its provider."""
    return Button(label, "forget", url, row, grave=True)
