"""What `make run` fills the register with: logins, customers, prices, and a look at who is off.

Everything here happens once: a second start must not undo what the visitor changed in the first.
"""

import csv
from datetime import datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils.text import slugify
from django.utils.timezone import make_aware

from refreshops import wiring
from refreshops.logins.models import Customer, Language, Login, LoginStatus
from refreshops.routine import checking
from refreshops.routine.roles import ACCOUNT_MANAGERS
from refreshops.runtime.demo import make_person

COST_PER_LOGIN_MONTH = Decimal("1.50")
COST_PER_LIVE_CALL = Decimal("0.30")
# Nobody's: mails to it reach nobody, even where they are sent.
DOMAIN = "customers.example"
# Of so many customers one is written to in French.
FRENCH_EVERY = 4
# Who has no login yet; reference, name, account manager.
NEWCOMER = ("N-1001", "Nora Newcomer", "manager")
REPLACED_DAYS_AGO = 40
NOON = time(12)


def prepare_register(*, logins: Path, customers: Path) -> int:
    """Fill the register from the simulator's two files unless every login is known already.

    Returns how many logins the file names.
    """
    rows = _rows_of(logins)
    wanted = {row["login_id"] for row in rows}
    if wanted - set(Login.objects.values_list("login_id", flat=True)):
        for name in sorted({row["account_manager"] for row in rows} - {""}):
            if not User.objects.filter(username=name).exists():
                _manager_without_sign_in(name)
        call_command("import_logins", str(logins), stdout=StringIO())
        _date_customers(_rows_of(customers))
        _set_price()
        _replace_one_login(manager="manager")
        _order_a_look_at_who_is_off()
    if not Customer.objects.exclude(email="").exists():
        _address_customers()
        _welcome_a_newcomer()
    return len(rows)


def _rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _manager_without_sign_in(username: str) -> None:
    person = make_person(
        username, first_name=username.capitalize(), last_name="", group=ACCOUNT_MANAGERS
    )
    person.set_unusable_password()
    person.save(update_fields=["password"])


def _date_customers(rows: list[dict[str, str]]) -> None:
    """Say when each customer was here last, as a lender's own system knows it."""
    days = {row["reference"]: row["last_activity_at"] for row in rows}
    now = wiring.clock()
    undated = list(Customer.objects.filter(reference__in=days, last_activity_at__isnull=True))
    for customer in undated:
        day = datetime.fromisoformat(days[customer.reference]).date()
        customer.last_activity_at = min(make_aware(datetime.combine(day, NOON)), now)
    Customer.objects.bulk_update(undated, ["last_activity_at"], batch_size=500)


def _address_customers() -> None:
    """Give each customer an address for mails; a register of an older demo has none at all."""
    known = list(Customer.objects.filter(erased_at__isnull=True).order_by("pk"))
    for number, customer in enumerate(known, start=1):
        customer.email = _address_of(customer.reference)
        french = number % FRENCH_EVERY == 0
        customer.language = (Language.FRENCH if french else Language.ENGLISH).value
    Customer.objects.bulk_update(known, ["email", "language"], batch_size=500)


def _address_of(reference: str) -> str:
    return f"{slugify(reference)}@{DOMAIN}"


def _welcome_a_newcomer() -> None:
    """Let there be a customer who has not connected a bank yet."""
    reference, name, manager = NEWCOMER
    Customer.objects.get_or_create(
        reference=reference,
        defaults={
            "name": name,
            "email": _address_of(reference),
            "account_manager": User.objects.filter(username=manager).first(),
            "last_activity_at": wiring.clock(),
        },
    )


def _set_price() -> None:
    provider = wiring.provider_row()
    if not provider.cost_per_login_month:
        provider.cost_per_login_month = COST_PER_LOGIN_MONTH
        provider.cost_per_live_call = COST_PER_LIVE_CALL
        provider.save(update_fields=["cost_per_login_month", "cost_per_live_call"])


def _replace_one_login(*, manager: str) -> None:
    """Let one login of a customer with two at one bank be the older: left behind, still paid."""
    theirs = Login.objects.filter(customer__account_manager__username=manager)
    seen: dict[tuple[int, str], Login] = {}
    for login in theirs.active().order_by("pk"):
        older = seen.setdefault((login.customer_id, login.institution), login)
        if older != login:
            older.created_at -= timedelta(days=REPLACED_DAYS_AGO)
            older.save(update_fields=["created_at"])
            return


def _order_a_look_at_who_is_off() -> None:
    """Order a check of the inactive logins: the daily run never asks about them."""
    inactive = Login.objects.filter(status=LoginStatus.INACTIVE, nightly_verified_at__isnull=True)
    if not inactive.exists():
        return
    now = wiring.clock()
    checking.check_schedule(
        provider=wiring.provider_row(),
        logins=inactive,
        by=User.objects.get(username="ops"),
        reason="Are those who left off at the provider?",
        now=now,
        local_date=wiring.local_date(now),
        window=wiring.window(),
    )
