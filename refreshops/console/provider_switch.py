"""The switch of the index page between all providers and one: plain links, kept by the address."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from refreshops import wiring
from refreshops.logins.models import Provider

# What stands in the address; the lists take the same.
PROVIDER = "provider"


@dataclass(frozen=True)
class Choice:
    """One link of the switch: all providers, or one and whether nobody calls it for now."""

    label: str
    url: str
    here: bool
    paused: bool = False


@dataclass(frozen=True)
class Switch:
    """The links; `chosen` is the name of the one provider shown, or empty, `label` its title.

    Without `choices` there is only one provider, and nothing to switch.
    """

    chosen: str = ""
    label: str = ""
    choices: list[Choice] = field(default_factory=list)

    @property
    def several(self) -> bool:
        """Tell whether the page speaks of several providers, so that each has to be named."""
        return bool(self.choices) and not self.chosen


def chosen_in(request: HttpRequest) -> str:
    """Return the provider that the address asks for; empty where it names none that we know."""
    name = request.GET.get(PROVIDER, "")
    names = wiring.provider_names()
    return name if name in names and len(names) > 1 else ""


def switch_of(chosen: str, *, rows: Sequence[Provider]) -> Switch:
    """Return the switch with `chosen` marked; `rows` are the providers as they stand."""
    names = wiring.provider_names()
    label = wiring.words(chosen).title if chosen else ""
    if len(names) < 2:
        return Switch(chosen, label)
    paused = {row.name for row in rows if row.paused_at is not None}
    choices = [
        Choice(wiring.words(name).title, index_url(name), chosen == name, name in paused)
        for name in names
    ]
    return Switch(chosen, label, [Choice("All", index_url(), not chosen), *choices])


def index_url(chosen: str = "", **others: str) -> str:
    """Return the address of the index page, of one provider or of all."""
    query = urlencode({**({PROVIDER: chosen} if chosen else {}), **others})
    return f"{reverse('admin:index')}{'?' if query else ''}{query}"
