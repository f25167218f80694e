"""Canadian institutions in about the proportions one meets them in."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Bank:
    """One institution: `number` is its clearing number, `weight` its share of logins."""

    name: str
    institution_id: int
    number: str
    weight: int
    username: str
    chequing: str
    savings: str
    card: str


# In `username` a "#" becomes a digit; a name without one is an e-mail login.
BANKS = (
    Bank("RBC", 2, "003", 20, "4519##########", "Day to Day Banking", "eSavings", "Visa Avion"),
    Bank("TD", 5, "004", 19, "4724############", "Every Day Chequing", "ePremium", "Rewards Visa"),
    Bank("Scotiabank", 4, "002", 13, "4536############", "Basic Plus", "MomentumPLUS", "Passport"),
    Bank("BMO", 1, "001", 12, "5510############", "Performance", "Savings Amplifier", "CashBack"),
    Bank("CIBC", 3, "010", 11, "4506############", "Smart Account", "eAdvantage", "Aventura Visa"),
    Bank("Desjardins", 12, "815", 8, "4540############", "Compte", "Épargne stable", "Cash Back"),
    Bank("NationalBank", 10, "006", 5, "email", "The Minimalist", "High Interest", "Platinum"),
    Bank("Tangerine", 11, "614", 4, "########", "Chequing", "Savings", "Money-Back"),
    Bank("Simplii", 16, "010", 3, "4506############", "No Fee Chequing", "HISA", "Cash Back Visa"),
    Bank("EQBank", 61, "623", 2, "email", "Personal Account", "Notice Savings", "Card"),
    Bank("ATB", 9, "219", 1, "5892############", "Everyday", "Springboard", "Gold My Rewards"),
    Bank("Vancity", 29, "809", 1, "########", "Chequing", "Jumpstart", "enviro Visa"),
    Bank("Meridian", 31, "837", 1, "6275##########", "Pay As You Go", "Good to Grow", "Visa"),
)

# The provider's own test institution: nobody has a login there but by connecting one.
FLINKS_CAPITAL = Bank("FlinksCapital", 14, "777", 0, "email", "Chequing", "Savings", "Visa")
CONNECTABLE = (*BANKS, FLINKS_CAPITAL)

_WEIGHTS = tuple(bank.weight for bank in BANKS)


def pick_bank(chance: Random) -> Bank:
    """Return one bank, by weight."""
    return chance.choices(BANKS, _WEIGHTS)[0]


def bank_called(text: str) -> Bank | None:
    """Return the institution of this name, in any casing, or of this InstitutionId."""
    for bank in CONNECTABLE:
        if text.casefold() in (bank.name.casefold(), str(bank.institution_id)):
            return bank
    return None


def username_at(bank: Bank, *, email: str, chance: Random) -> str:
    """Return the sign-in name a person has at `bank`: a card number, client number or e-mail."""
    if "#" not in bank.username:
        return email
    digits = iter(f"{chance.randrange(10**16):016d}")
    return "".join(next(digits) if letter == "#" else letter for letter in bank.username)
