"""What `make run` fills the register with: logins, customers, prices, and a look at who is off.

Everything here happens once: a second start must not undo what the visitor changed in the first.
"""

import csv
from collections import Counter
from datetime import datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import QuerySet
from django.utils.text import slugify
from django.utils.timezone import make_aware

from refreshops import wiring
from refreshops.logins.models import Customer, Language, Login, LoginStatus
from refreshops.routine import checking
from refreshops.routine.roles import ACCOUNT_MANAGERS
from refreshops.runtime.demo import make_person

# What a login costs a month, what a live refresh does, and in what money.
PRICES = {
    "flinks": (Decimal("1.50"), Decimal("0.30"), "CAD"),
    "flanks": (Decimal("1.20"), Decimal(0), "EUR"),
}
# Nobody's: mails to it reach nobody, even where they are sent.
DOMAIN = "customers.example"
# Of so many customers one is written to in French.
FRENCH_EVERY = 4
# Who has no login yet; reference, name, account manager.
NEWCOMER = ("N-1001", "Nora Newcomer", "manager")
REPLACED_DAYS_AGO = 40
NOON = time(12)


def prepare_register(*, logins: Path, customers: Path) -> dict[str, int]:
    """Fill the register from the simulator's two files unless every login is known already.

    Returns how many logins of each provider the file names. A demo that knew fewer providers gets
    the others' logins, and keeps what the visitor made of the rest.
    """
    rows = _rows_of(logins)
    wanted = {(row["provider"], row["login_id"]) for row in rows}
    before = set(Login.objects.values_list("provider__name", "login_id"))
    if wanted - before:
        for name in sorted({row["account_manager"] for row in rows} - {""}):
            if not User.objects.filter(username=name).exists():
                _manager_without_sign_in(name)
        known = set(Customer.objects.values_list("pk", flat=True))
        call_command("import_logins", str(logins), stdout=StringIO())
        if known:
            _address_customers(Customer.objects.exclude(pk__in=known))
        _date_customers(_rows_of(customers))
        for name in sorted({name for name, _ in wanted} - {name for name, _ in before}):
            _set_price(name)
            _order_a_look_at_who_is_off(name)
        if not before:
            _replace_one_login(manager="manager")
    if not Customer.objects.exclude(email="").exists():
        _address_customers(Customer.objects.all())
        _welcome_a_newcomer()
    counted = Counter(row["provider"] for row in rows)
    return {name: counted[name] for name in wiring.provider_names() if counted[name]}


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


def _address_customers(customers: QuerySet[Customer]) -> None:
    """Give each customer an address for mails; a register of an older demo has none at all."""
    known = list(customers.filter(erased_at__isnull=True).order_by("pk"))
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


def _set_price(name: str) -> None:
    provider = wiring.provider_row(name)
    if not provider.cost_per_login_month:
        provider.cost_per_login_month, provider.cost_per_live_call, provider.currency = PRICES[name]
        provider.save(update_fields=["cost_per_login_month", "cost_per_live_call", "currency"])


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


def _order_a_look_at_who_is_off(name: str) -> None:
    """Order a check of the inactive logins: the daily run never asks about them."""
    theirs = Login.objects.filter(provider__name=name, status=LoginStatus.INACTIVE)
    inactive = theirs.filter(nightly_verified_at__isnull=True)
    if not inactive.exists():
        return
    now = wiring.clock()
    checking.check_schedule(
        provider=wiring.provider_row(name),
        logins=inactive,
        by=User.objects.get(username="ops"),
        reason="Are those who left off at the provider?",
        now=now,
        local_date=wiring.local_date(now),
        window=wiring.window(),
    )
