"""What a list calls the provider's own fields: as the provider does that it is narrowed to.

A list of several providers keeps the words of the first one in the settings.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.providers.words import ProviderWords

# What stands in the address of a list that is narrowed to one provider.
PROVIDER = "provider"


def listed(request: HttpRequest) -> tuple[str, ...]:
    """Return the providers whose rows a list may show, by its address."""
    names = wiring.provider_names()
    chosen = request.GET.get(PROVIDER, "")
    return (chosen,) if chosen in names else names


def words_of_list(request: HttpRequest) -> ProviderWords:
    """Return the words of the provider that a list is narrowed to, else of the first."""
    return wiring.words(listed(request)[0])


def words_of_several() -> ProviderWords:
    """Return the words that rows of several providers are headed with."""
    return wiring.words("")


def heading(provider: str, word: str) -> str:
    """Return one of a provider's own words to head a field whose first letter is made a capital.

    One that begins with a small letter is not to be misspelt: the provider's name goes before it.
    """
    words = wiring.words(provider)
    spelt: str = getattr(words, word)
    return f"{words.title} {spelt}" if spelt[:1].islower() else spelt


def words_of_rows(rows: Iterable[Any]) -> ProviderWords | None:
    """Return the words of the one provider of these rows; None where they are of several."""
    names = {row.provider.name for row in rows}
    return wiring.words(names.pop()) if len(names) == 1 else None


def under(label: str, column: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a column of a list under another heading."""

    def headed(row: Any) -> Any:
        return column(row)

    headed.__name__ = column.__name__
    headed.short_description = label  # type: ignore[attr-defined]
    if hasattr(column, "admin_order_field"):
        headed.admin_order_field = column.admin_order_field  # type: ignore[attr-defined]
    return headed


@admin.display(description="provider")
def at_provider(row: Any) -> str:
    """Render whose a row is, which comes with its provider or names it itself."""
    return str(row.provider).capitalize()


def renamed(
    shown_by: Any, request: HttpRequest, columns: tuple[Any, ...], *, names: dict[str, str]
) -> tuple[Any, ...]:
    """Return a list's columns with headings of the provider it is narrowed to.

    `names` are columns by the word they show: {"code": "code", "login": "login_id"}. A list of
    several providers says of each row whose it is, before the institution.
    """
    if len(listed(request)) > 1:
        place = columns.index("institution")
        return (*columns[:place], at_provider, *columns[place:])
    words = words_of_list(request)
    return tuple(
        under(_spelt(getattr(words, names[name])), getattr(shown_by, name))
        if name in names
        else name
        for name in columns
    )


def _spelt(word: str) -> SafeString:
    """Return a heading as markup: a list makes the first letter of a plain text a capital.

    Not in a span: the admin makes a block with a margin of one within a heading.
    """
    return format_html("<bdi>{}</bdi>", word)
