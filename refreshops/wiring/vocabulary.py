"""What each provider we can speak to calls things and means by its codes; `wiring` hands it out.

Also of a provider that the settings do not name (any more): its calls may still be in the trace.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from refreshops.providers.flanks import codes as flanks_codes
from refreshops.providers.flanks.answers import canonical_login_id as canonical_at_flanks
from refreshops.providers.flanks.words import words as flanks_words
from refreshops.providers.flinks import codes as flinks_codes
from refreshops.providers.flinks.answers import canonical_login_id as canonical_at_flinks
from refreshops.providers.flinks.words import words as flinks_words
from refreshops.providers.meaning import CodeMeaning, Table
from refreshops.providers.words import ProviderWords


class Vocabulary(NamedTuple):
    """One provider's words, its spelling of a login's id, and its closed code table."""

    words: ProviderWords
    canonical: Callable[[str], str]
    explain: Callable[..., CodeMeaning]
    is_in_table: Callable[[str], bool]
    normal: Callable[[str], str]
    code_table: Sequence[CodeMeaning]
    tables: Callable[[], Sequence[Table]]
    # Codes that become the customer's matter when they repeat.
    escalations: Sequence[Any] = ()


VOCABULARIES: dict[str, Vocabulary] = {
    "flinks": Vocabulary(
        flinks_words,
        canonical_at_flinks,
        flinks_codes.explain,
        flinks_codes.is_in_table,
        flinks_codes.normal,
        flinks_codes.CODE_TABLE,
        flinks_codes.tables,
        flinks_codes.ESCALATIONS,
    ),
    "flanks": Vocabulary(
        flanks_words,
        canonical_at_flanks,
        flanks_codes.explain,
        flanks_codes.is_in_table,
        flanks_codes.normal,
        flanks_codes.CODE_TABLE,
        flanks_codes.tables,
    ),
}
CANONICAL: dict[str, Callable[[str], str]] = {
    name: known.canonical for name, known in VOCABULARIES.items()
}


def spelled_freely() -> list[str]:
    """Return the providers whose ids are no GUIDs: any word may be the beginning of one."""
    return [name for name, canonical in CANONICAL.items() if _takes(canonical, "Any-Word_0")]


def _takes(canonical: Callable[[str], str], text: str) -> bool:
    try:
        return canonical(text) == text
    except ValueError:
        return False


def words(provider_name: str) -> ProviderWords:
    """Return what a provider calls things; of an unlisted one the words of lists of several."""
    known = VOCABULARIES.get(provider_name) or next(iter(VOCABULARIES.values()))
    return known.words


def dropping() -> list[str]:
    """Return the providers that drop logins out of their nightly refresh: those with a clock."""
    return [name for name, known in VOCABULARIES.items() if known.words.drops_out]


def explain(
    provider_name: str,
    *,
    code: str,
    message: str = "",
    http_status: int | None = None,
    endpoint: str = "",
) -> CodeMeaning | None:
    """Return the row of a provider's code table that fits; None for an unlisted provider.

    Without an endpoint: of the call that tells how a login stands.
    """
    known = VOCABULARIES.get(provider_name)
    if known is None:
        return None
    return known.explain(
        code=code,
        message=message,
        http_status=http_status,
        endpoint=endpoint or known.words.asking,
    )


def listed_code(provider_name: str, code: str) -> str:
    """Return a code in the spelling of its provider's table; empty where it stands in none."""
    known = VOCABULARIES.get(provider_name)
    return known.normal(code) if known and code and known.is_in_table(code) else ""


def codes_of(provider_name: str) -> set[str]:
    """Return every code that a provider's table knows."""
    known = VOCABULARIES.get(provider_name)
    return {row.code for row in known.code_table if row.code} if known else set()


def code_tables() -> dict[str, Sequence[Table]]:
    """Return by provider the parts of its code table, as documents show them."""
    return {name: known.tables() for name, known in VOCABULARIES.items()}


def escalations() -> dict[str, Sequence[Any]]:
    """Return by provider the codes that become the customer's matter when they repeat."""
    return {name: known.escalations for name, known in VOCABULARIES.items() if known.escalations}
