"""What a credential holds: accounts, cards, portfolios, investments, liabilities; invented."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

from refreshops.simulator.answers import Planted
from refreshops.simulator.flanks.status import stamp
from refreshops.simulator.flanks.world import Credential, secret_from
from refreshops.simulator.people import plain

Row = dict[str, Any]
ACCOUNTS = ("Cuenta Corriente", "Cuenta Nómina", "Cuenta Ahorro")
CARDS = (("Visa Clásica", "credit"), ("Mastercard Débito", "debit"), ("Visa Oro", "credit"))
PORTFOLIOS = (("Cartera Asesorada", "advised"), ("Cartera Gestionada", "managed"))
# Name, ISIN (its check digit is wrong on purpose: nobody's security), kind, asset class.
SECURITIES = (
    ("Renta Variable Europa FI", "ES0000000001", "fund", "equity"),
    ("Renta Fija Mixta FI", "ES0000000002", "fund", "fixed_income"),
    ("Bonos del Estado 3,15% 2033", "ES0000000003", "bond", "fixed_income"),
    ("Plan de Pensiones Horizonte 2040", "ES0000000004", "pension_plan", "mixed"),
    ("Iberia Solar S.A.", "ES0000000005", "stock", "equity"),
    ("Global Tech Leaders ETF", "IE0000000006", "etf", "equity"),
    ("Monetario Euro FI", "ES0000000007", "fund", "money_market"),
)
LIABILITIES = (("Hipoteca Vivienda", "mortgage"), ("Préstamo Personal", "loan"))
# Description, least and most euros, whether it comes in.
MOVES = (
    ("COMPRA MERCADO CENTRAL", 8, 120, False),
    ("RECIBO LUZ", 35, 140, False),
    ("RECIBO AGUA", 18, 60, False),
    ("NOMINA", 1300, 3400, True),
    ("BIZUM RECIBIDO", 5, 90, True),
    ("BIZUM ENVIADO", 5, 90, False),
    ("TRANSFERENCIA A FAVOR", 40, 700, True),
    ("GASOLINERA", 25, 85, False),
    ("FARMACIA", 4, 45, False),
)
MOVES_EACH = 12


class Products:
    """Builds the rows of every data endpoint; equal tokens hold equal things."""

    def __init__(self, *, planted: Planted) -> None:
        self._planted = planted
        self._makers: dict[str, Callable[[Credential], list[Row]]] = {
            "account": self._accounts,
            "card": self._cards,
            "portfolio": self._portfolios,
            "investment": self._investments,
            "liability": self._liabilities,
            "holder": self._holders,
            "auth": self._holders,
            "data": lambda credential: self._moves(credential, self._accounts, "account_id"),
            "card/transaction": lambda each: self._moves(each, self._cards, "card_id"),
            "investment/transaction": lambda each: self._moves(
                each, self._investments, "investment_id"
            ),
            "liability/transaction": lambda each: self._moves(
                each, self._liabilities, "liability_id"
            ),
        }

    def of(self, credential: Credential, kind: str) -> list[Row]:
        """Return the rows of one data endpoint; their `null`s are those of the fate."""
        if credential.fate.empty and kind not in ("holder", "auth"):
            return []
        rows = self._makers[kind](credential)
        if "data" in credential.fate.nulls:
            return [{name: row[name] if name == "_id" else None for name in row} for row in rows]
        return rows

    def _accounts(self, credential: Credential) -> list[Row]:
        chance = _luck(credential, "account")
        return [
            {
                "_id": _id(credential, "account", place),
                "iban": self._iban(credential, place),
                "alias": None if place else "Principal",
                "balance": _euros(chance, 300, 24_000),
                "currency": "EUR",
                "description": ACCOUNTS[place % len(ACCOUNTS)],
                "isOwner": True,
                "numOwners": 1,
                **self._of_all(credential),
            }
            for place in range(chance.choice((1, 1, 2, 2, 3)))
        ]

    def _cards(self, credential: Credential) -> list[Row]:
        chance = _luck(credential, "card")
        return [
            {
                "_id": _id(credential, "card", place),
                "cardNumber": self._planted.account_number or f"45{chance.randrange(10**14):014d}",
                "name": name,
                "type": kind,
                "balance": -_euros(chance, 0, 900) if kind == "credit" else 0.0,
                "limit": 3000.0 if kind == "credit" else None,
                "currency": "EUR",
                "account_id": _id(credential, "account", 0),
                **self._of_all(credential),
            }
            for place, (name, kind) in enumerate(chance.sample(CARDS, chance.choice((1, 1, 2))))
        ]

    def _portfolios(self, credential: Credential) -> list[Row]:
        chance = _luck(credential, "portfolio")
        return [
            {
                "_id": _id(credential, "portfolio", place),
                "name": name,
                "type": kind,
                "tax_type": chance.choice((None, "taxable")),
                "currency": "EUR",
                "refValores": None,
                "refAccount": None,
                "refAccounts": None,
                "balance": _euros(chance, 8_000, 260_000),
                "external_id": self._planted.username,
                **self._of_all(credential),
            }
            for place, (name, kind) in enumerate(PORTFOLIOS[: chance.choice((1, 1, 2))])
        ]

    def _investments(self, credential: Credential) -> list[Row]:
        chance = _luck(credential, "investment")
        chosen = chance.sample(SECURITIES, chance.randrange(2, 5))
        rows = []
        for place, (name, isin, kind, asset_class) in enumerate(chosen):
            units, price = chance.randrange(5, 900), _euros(chance, 6, 140)
            rows.append(
                {
                    "_id": _id(credential, "investment", place),
                    "portfolio_id": _id(credential, "portfolio", 0),
                    "name": name,
                    "isin": isin,
                    "type": kind,
                    "asset_class": asset_class,
                    "quantity": float(units),
                    "price": price,
                    "balance": round(units * price, 2),
                    "initial_balance": round(units * price * chance.uniform(0.7, 1.1), 2),
                    "currency": "EUR",
                    **self._of_all(credential),
                }
            )
        return rows

    def _liabilities(self, credential: Credential) -> list[Row]:
        chance = _luck(credential, "liability")
        return [
            {
                "_id": _id(credential, "liability", place),
                "name": name,
                "type": kind,
                "balance": -_euros(chance, 2_000, 180_000),
                "initial_balance": -200_000.0 if kind == "mortgage" else -12_000.0,
                "interest_rate": round(chance.uniform(1.2, 7.9), 2),
                "end_date": f"{2030 + chance.randrange(25)}-{chance.randrange(1, 13):02d}-01",
                "currency": "EUR",
                "refAccount": None,
                **self._of_all(credential),
            }
            for place, (name, kind) in enumerate(LIABILITIES[: chance.choice((0, 1, 1, 2))])
        ]

    def _holders(self, credential: Credential) -> list[Row]:
        number = _luck(credential, "holder").randrange(10**8)
        document = f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
        customer = credential.customer
        return [
            {
                "_id": _id(credential, "holder", 0),
                "name": self._planted.holder_name or customer.holder,
                "document": self._planted.username or document,
                "email": customer.email,
                "phone": customer.phone,
                "address": f"{customer.civic_address}, {customer.postal_code} {customer.city}",
                "entity": credential.bank.name,
            }
        ]

    def _moves(
        self, credential: Credential, of: Callable[[Credential], list[Row]], belongs: str
    ) -> list[Row]:
        rows = []
        for owner in of(credential):
            chance = _luck(credential, owner["_id"])
            for number in range(MOVES_EACH):
                day = credential.last_transaction_on - timedelta(days=3 * number)
                rows.append(_move(credential, owner["_id"], belongs, day=day, chance=chance))
        return rows

    def _of_all(self, credential: Credential) -> Row:
        updated_at = credential.updated_at
        return {
            "owners": [self._planted.holder_name or credential.customer.holder],
            "entity": credential.bank.name,
            "updated_at_timestamp": (
                None if updated_at is None else stamp(credential, updated_at.timestamp())
            ),
        }

    def _iban(self, credential: Credential, place: int) -> str:
        if self._planted.account_number:
            return self._planted.account_number
        digits = _luck(credential, f"iban/{place}").randrange(10**16)
        inner = f"{credential.bank.entity}{digits:016d}"
        # ISO 13616: "ES00" behind the number, letters as two digits, 98 less the rest by 97.
        return f"ES{98 - int(inner + '142800') % 97:02d}{inner}"


def _move(credential: Credential, owner: str, belongs: str, *, day: date, chance: Random) -> Row:
    text, least, most, comes_in = chance.choice(MOVES)
    amount = _euros(chance, least, most)
    return {
        "_id": secret_from(owner, day)[:24],
        belongs: owner,
        "amount": amount if comes_in else -amount,
        "balance": None,
        "entity": credential.bank.name,
        "cardNumber": None,
        "category": plain(text)[:12],
        "currency": "EUR",
        "operationDate": day.isoformat(),
        "valueDate": day.isoformat(),
        "description": text,
        "productDescription": None,
        "transfer": None,
    }


def _luck(credential: Credential, of: str) -> Random:
    return Random(f"{credential.login_id}/{of}")


def _id(credential: Credential, kind: str, place: int) -> str:
    return secret_from(credential.login_id, kind, place)[:24]


def _euros(chance: Random, least: int, most: int) -> float:
    return chance.randrange(least * 100, most * 100) / 100
