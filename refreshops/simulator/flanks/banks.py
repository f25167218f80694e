"""Institutions of the fake Flanks: invented ones, and the provider's own testbank."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class SpanishBank:
    """One institution: `name` is its identifier, `entity` the code in its IBANs."""

    name: str
    title: str
    entity: str
    weight: int


TESTBANK = SpanishBank("testbank", "Testbank", "9999", 1)
SPANISH_BANKS = (
    SpanishBank("banco-norte", "Banco del Norte", "9101", 26),
    SpanishBank("caja-levante", "Caja Levante", "9102", 19),
    SpanishBank("credito-atlantico", "Crédito Atlántico", "9103", 15),
    SpanishBank("banca-meridiana", "Banca Meridiana", "9104", 12),
    SpanishBank("caixa-ponent", "Caixa Ponent", "9105", 11),
    SpanishBank("iberia-privada", "Iberia Banca Privada", "9106", 9),
    SpanishBank("gestora-alcazar", "Gestora Alcázar", "9107", 7),
    TESTBANK,
)
_WEIGHTS = tuple(bank.weight for bank in SPANISH_BANKS)


def pick_spanish_bank(chance: Random) -> SpanishBank:
    """Return one bank, by weight."""
    return chance.choices(SPANISH_BANKS, _WEIGHTS)[0]


def spanish_bank_called(name: object) -> SpanishBank | None:
    """Return the institution of this identifier."""
    return next((bank for bank in SPANISH_BANKS if bank.name == name), None)
