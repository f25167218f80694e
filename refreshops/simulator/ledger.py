"""Bank accounts and transactions of one login: invented, Canadian, the same for the same day."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from refreshops.simulator.identifiers import guid_from
from refreshops.simulator.world import Login

BYTES_PER_TRANSACTION = 172
BYTES_PER_ACCOUNT = 760
DAYS_BY_DEFAULT = 90

EMPLOYERS = (
    "PAYROLL DEPOSIT - Loblaw Companies",
    "PAYROLL DEPOSIT - Hydro-Québec",
    "PAYROLL DEPOSIT - City of Calgary",
    "PAYROLL DEPOSIT - Bell Canada",
    "PAYROLL DEPOSIT - Maple Leaf Foods",
    "PAYROLL DEPOSIT - Fraser Health",
)
# Description, least and most dollars, weight.
SPENDING = (
    ("TIM HORTONS #{n}", 2, 16, 14),
    ("METRO {n}", 18, 160, 9),
    ("LOBLAWS #{n}", 20, 190, 9),
    ("IGA EXTRA {n}", 15, 140, 6),
    ("SOBEYS #{n}", 15, 150, 5),
    ("COSTCO WHOLESALE W{n}", 60, 380, 4),
    ("DOLLARAMA # {n}", 4, 45, 5),
    ("PETRO-CANADA {n}", 30, 110, 6),
    ("ESSO CIRCLE K {n}", 25, 105, 4),
    ("SHOPPERS DRUG MART #{n}", 6, 90, 5),
    ("SAQ {n}", 14, 80, 3),
    ("LCBO/RAO #{n}", 14, 90, 3),
    ("CANADIAN TIRE #{n}", 12, 220, 3),
    ("PRESTO APPL/{n}", 10, 60, 4),
    ("AMZN MKTP CA*{n}", 9, 160, 7),
    ("UBER CANADA/UBEREATS", 16, 70, 6),
    ("NETFLIX.COM", 16, 24, 2),
    ("SPOTIFY P{n}", 11, 20, 2),
)
_SPENDING_WEIGHTS = tuple(row[3] for row in SPENDING)
MOVES = (
    ("INTERAC E-TRANSFER SENT {name}", 20, 600, False),
    ("INTERAC E-TRANSFER RECEIVED {name}", 15, 500, True),
    ("ATM WITHDRAWAL {n}", 20, 200, False),
    ("MOBILE CHEQUE DEPOSIT {n}", 40, 900, True),
    ("INTERNET TRANSFER {n}", 25, 400, False),
)
# Day of the month, description, dollars.
MONTHLY = (
    (1, "PRE-AUTHORIZED DEBIT RENT/LOYER", 1650),
    (5, "ROGERS WIRELESS", 78),
    (12, "HYDRO ONE NETWORKS", 94),
    (15, "INTACT INSURANCE PREMIUM", 132),
    (20, "CANADA CHILD BENEFIT / ACE", -540),
    (28, "MONTHLY ACCOUNT FEE", 12),
)
FRIENDS = ("M. Tremblay", "J. Singh", "S. Chen", "A. Roy", "K. Wilson", "L. Nguyen")


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of account looks, and its share of a login's transactions."""

    kind: str
    category: str
    share: float
    opening_cents: int


CHEQUING = Shape("Chequing", "Operations", 0.58, 420_000)
SAVINGS = Shape("Savings", "Operations", 0.05, 1_250_000)
CARD = Shape("CreditCard", "Credits", 0.37, -140_000)


def accounts_of(
    login: Login, *, as_of: date, body_kb: int, days: int = DAYS_BY_DEFAULT
) -> list[dict[str, Any]]:
    """Return the accounts of a login with `days` of transactions up to `as_of`.

    Ninety days of all accounts come to about `body_kb` kilobytes of JSON. A login that was never
    refreshed has none.
    """
    if login.refreshed_at is None:
        return []
    shapes = (CHEQUING, SAVINGS, CARD) if body_kb >= 4 else (CHEQUING,)
    room = body_kb * 1024 - len(shapes) * BYTES_PER_ACCOUNT
    wanted = max(1.0, room / BYTES_PER_TRANSACTION)
    total_share = sum(shape.share for shape in shapes)
    accounts = []
    for shape in shapes:
        a_day = wanted * shape.share / total_share / DAYS_BY_DEFAULT
        account = _account(login, shape)
        rows = _transactions(login, shape, as_of=as_of, days=days, a_day=a_day)
        accounts.append({"Transactions": rows, **account})
        _settle(account_with_rows=accounts[-1], shape=shape)
    return accounts


def _account(login: Login, shape: Shape) -> dict[str, Any]:
    chance = Random(f"{login.login_id}/{shape.kind}")
    title = {
        "Chequing": login.bank.chequing,
        "Savings": login.bank.savings,
        "CreditCard": login.bank.card,
    }[shape.kind]
    number = f"{chance.randrange(10**7):07d}"
    if shape is CARD:
        number = f"45{chance.randrange(10**14):014d}"
    customer = login.customer
    return {
        "TransitNumber": None if shape is CARD else f"{chance.randrange(10**5):05d}",
        "InstitutionNumber": None if shape is CARD else login.bank.number,
        "OverdraftLimit": 500.0 if shape is CHEQUING else 0.0,
        "Title": title,
        "AccountNumber": number,
        "LastFourDigits": number[-4:] if shape is CARD else None,
        "Balance": {"Available": None, "Current": None, "Limit": None},
        "Category": shape.category,
        "Type": shape.kind,
        "Currency": "CAD",
        "Holder": {
            "Name": customer.holder,
            "Address": {
                "CivicAddress": customer.civic_address,
                "City": customer.city,
                "Province": customer.province,
                "PostalCode": customer.postal_code,
                "POBox": None,
                "Country": "CA",
            },
            "Email": customer.email,
            "PhoneNumber": customer.phone,
        },
        "AccountType": "Personal",
        "Id": guid_from(login.login_id, shape.kind),
    }


def _transactions(
    login: Login, shape: Shape, *, as_of: date, days: int, a_day: float
) -> list[dict[str, Any]]:
    """Return rows, newest first, still without balances.

    Each day draws from its own luck, so that tomorrow's answer repeats today's history.
    """
    rows = []
    for ago in range(days):
        day = as_of - timedelta(days=ago)
        chance = Random(f"{login.login_id}/{shape.kind}/{day}")
        count = int(a_day) + (chance.random() < a_day % 1)
        drawn = [_everyday(shape, chance) for _ in range(count)]
        if shape is CHEQUING and drawn:
            drawn[0] = _regular(login, day) or drawn[0]
        text = day.isoformat()
        rows += [_row(text, description, cents, chance) for description, cents in drawn]
    return rows


def _row(day: str, description: str, cents: int, chance: Random) -> dict[str, Any]:
    raw = f"{chance.getrandbits(128):032x}"
    return {
        "Date": day,
        "Code": None,
        "Description": description,
        "Debit": -cents / 100 if cents < 0 else None,
        "Credit": cents / 100 if cents >= 0 else None,
        "Balance": cents,
        "Id": f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}",
    }


def _everyday(shape: Shape, chance: Random) -> tuple[str, int]:
    number = chance.randrange(100, 9999)
    if shape is SAVINGS or (shape is CHEQUING and chance.random() < 0.3):
        text, least, most, incoming = chance.choice(MOVES)
        cents = chance.randrange(least * 100, most * 100)
        return text.format(n=number, name=chance.choice(FRIENDS)), cents if incoming else -cents
    if shape is CARD and chance.random() < 0.03:
        return "PAYMENT - THANK YOU / PAIEMENT - MERCI", chance.randrange(20_000, 90_000)
    text, least, most, _ = chance.choices(SPENDING, _SPENDING_WEIGHTS)[0]
    return text.format(n=number), -chance.randrange(least * 100, most * 100)


def _regular(login: Login, day: date) -> tuple[str, int] | None:
    """Return the payroll of every other Thursday, or what falls due on this day of the month."""
    trait = int(login.login_id[:6], 16)
    if day.toordinal() % 14 == 4:
        return EMPLOYERS[trait % len(EMPLOYERS)], 178_000 + trait % 140_000
    for due, description, dollars in MONTHLY:
        if day.day == due:
            return description, -dollars * 100
    return None


def _settle(*, account_with_rows: dict[str, Any], shape: Shape) -> None:
    """Give each row the balance after it, and the account the newest of them."""
    rows = account_with_rows["Transactions"]
    balance = shape.opening_cents
    for row in reversed(rows):
        balance += row["Balance"]
        row["Balance"] = balance / 100
    current = balance / 100
    limit = 8000.0 if shape is CARD else None
    account_with_rows["Balance"] = {
        "Available": round(limit + current, 2) if limit else current,
        "Current": current,
        "Limit": limit,
    }
