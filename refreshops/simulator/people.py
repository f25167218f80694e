"""Customers of a lender: invented people and small firms across Canada."""

import unicodedata
from dataclasses import dataclass
from random import Random

GIVEN = (
    "Olivia",
    "Liam",
    "Emma",
    "Noah",
    "Charlotte",
    "William",
    "Sophie",
    "Benjamin",
    "Amélie",
    "Lucas",
    "Chloé",
    "Nathan",
    "Geneviève",
    "Mathieu",
    "Camille",
    "Étienne",
    "Harpreet",
    "Gurdeep",
    "Wei",
    "Mei",
    "Jasmine",
    "Omar",
    "Fatima",
    "Ananya",
    "Arjun",
    "Zoé",
    "Hannah",
    "Ethan",
    "Isabelle",
    "Jérôme",
    "Priya",
    "Daniel",
    "Megan",
    "Tyler",
    "Brooke",
    "Marie-Ève",
    "Thomas",
    "Rachel",
    "Aiden",
    "Sarah",
)
FAMILY = (
    "Tremblay",
    "Gagnon",
    "Roy",
    "Côté",
    "Bouchard",
    "Gauthier",
    "Morin",
    "Lavoie",
    "Fortin",
    "Smith",
    "Brown",
    "Martin",
    "Campbell",
    "MacDonald",
    "Wilson",
    "Anderson",
    "Taylor",
    "Singh",
    "Gill",
    "Chen",
    "Wong",
    "Nguyen",
    "Patel",
    "Khan",
    "Li",
    "Lee",
    "Kim",
    "Friesen",
    "Penner",
    "Kowalski",
    "Schmidt",
    "O'Brien",
    "Thompson",
    "Murphy",
    "Cardinal",
    "Bélanger",
    "Pelletier",
    "Lévesque",
    "Dhaliwal",
)
TRADES = ("Plumbing", "Bakery", "Landscaping", "Transport", "Dental", "Café", "Roofing", "Studio")
# City, province, first letters of its postal codes, area code.
CITIES = (
    ("Toronto", "ON", "M5V", "416"),
    ("Montréal", "QC", "H2X", "514"),
    ("Vancouver", "BC", "V6B", "604"),
    ("Calgary", "AB", "T2P", "403"),
    ("Ottawa", "ON", "K1P", "613"),
    ("Edmonton", "AB", "T5J", "780"),
    ("Québec", "QC", "G1R", "418"),
    ("Winnipeg", "MB", "R3C", "204"),
    ("Hamilton", "ON", "L8P", "905"),
    ("Halifax", "NS", "B3J", "902"),
    ("Saskatoon", "SK", "S7K", "306"),
    ("Laval", "QC", "H7S", "450"),
)
STREETS = (
    "Maple Ave",
    "King St W",
    "rue Saint-Denis",
    "Main St",
    "Elgin St",
    "Lakeshore Rd",
    "boul. Laurier",
    "Jasper Ave",
    "Portage Ave",
    "Granville St",
    "Barrington St",
    "Queen St E",
)
# `manager` is the account manager of the demo; the others make sure nobody sees everybody's rows.
ACCOUNT_MANAGERS = ("manager", "sofia", "liam")


@dataclass(frozen=True, slots=True)
class Customer:
    """A client of the lender, with what a bank knows of its holder."""

    reference: str
    name: str
    holder: str
    email: str
    account_manager: str
    civic_address: str
    city: str
    province: str
    postal_code: str
    phone: str
    idle_days: int  # since the client last did anything at the lender


def make_customer(*, reference: str, chance: Random) -> Customer:
    """Return an invented customer; the same `chance` gives the same one."""
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    holder = f"{given} {family}"
    city, province, forward, area = chance.choice(CITIES)
    firm = f"{family} {chance.choice(TRADES)} Inc." if chance.random() < 0.15 else holder
    return Customer(
        reference=reference,
        name=firm,
        holder=holder,
        email=f"{plain(given)}.{plain(family)}{chance.randrange(100)}@example.ca",
        account_manager=chance.choices(ACCOUNT_MANAGERS, (5, 3, 2))[0],
        civic_address=f"{chance.randrange(1, 9900)} {chance.choice(STREETS)}",
        city=city,
        province=province,
        postal_code=f"{forward} {chance.randrange(10)}{chance.choice('ABCEGHJKL')}"
        f"{chance.randrange(10)}",
        phone=f"{area}555{chance.randrange(10**4):04d}",
        idle_days=idle_days_of(reference),
    )


def idle_days_of(reference: str) -> int:
    """Return days: of five customers one has left months ago."""
    chance = Random(f"{reference}/activity")
    return chance.randrange(90, 500) if chance.random() < 0.2 else chance.randrange(25)


def plain(name: str) -> str:
    """Return `name` as an e-mail address spells it."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalpha() or letter == "-")
