"""Brings the register in line with a file: what differs is worked out first, then written whole.

An import says who owns a login and where it is. It never moves a login to another customer and
never switches one off or on: a switch is an order with proof (design.md section 3).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import transaction

from refreshops.logins import register_sql
from refreshops.logins.models import Customer, Login, LoginStatus, Provider
from refreshops.logins.register_rows import FAULTS_KEPT, Entry, Faults

BATCH = 2000
# So many new logins at once change how the database should look for them.
MANY = 1000

Row = TypeVar("Row")

IMPORTED_INACTIVE = "Imported as inactive. The provider was not told."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the file says of a customer; an empty text means that it does not say."""

    reference: str
    name: str
    account_manager: str


@dataclass
class Plan:
    """What an import would change. `notes` are differences it leaves alone, one a row."""

    new: list[Entry] = field(default_factory=list)
    changed: list[Entry] = field(default_factory=list)
    unchanged: int = 0
    customers_new: list[Wanted] = field(default_factory=list)
    customers_changed: list[Wanted] = field(default_factory=list)
    customers_unchanged: int = 0
    notes: Faults = field(default_factory=Faults)
    faults: Faults = field(default_factory=Faults)

    @property
    def changes_nothing(self) -> bool:
        """Tell whether the register holds all of the file already."""
        return not (self.new or self.changed or self.customers_new or self.customers_changed)

    @property
    def new_inactive(self) -> int:
        """Count the new logins that are inactive here, and perhaps on at the provider."""
        return sum(entry.status == LoginStatus.INACTIVE for entry in self.new)


def compare(entries: list[Entry]) -> Plan:
    """Work out what `entries` would change in the register. Writes nothing."""
    plan = Plan()
    _compare_customers(plan, entries)
    _refuse_erased(plan, entries)
    _check_managers(plan, entries)
    by_provider: dict[str, list[Entry]] = {}
    for entry in entries:
        by_provider.setdefault(entry.provider, []).append(entry)
    for provider, rows in by_provider.items():
        for chunk in _chunks(rows):
            _compare_logins(plan, provider, chunk)
    plan.faults.kept.sort()
    del plan.faults.kept[FAULTS_KEPT:]
    return plan


def _compare_customers(plan: Plan, entries: list[Entry]) -> None:
    for chunk in _chunks(_wanted_customers(entries)):
        known = {
            reference: (name, manager or "")
            for reference, name, manager in Customer.objects.filter(
                reference__in=[wanted.reference for wanted in chunk]
            ).values_list("reference", "name", "account_manager__username")
        }
        for wanted in chunk:
            if wanted.reference not in known:
                plan.customers_new.append(wanted)
                continue
            name, manager = known[wanted.reference]
            full = Wanted(wanted.reference, wanted.name or name, wanted.account_manager or manager)
            if (full.name, full.account_manager) == (name, manager):
                plan.customers_unchanged += 1
            else:
                plan.customers_changed.append(full)


def _wanted_customers(entries: list[Entry]) -> list[Wanted]:
    """Gather what all rows of a customer say; they do not contradict each other."""
    found: dict[str, Wanted] = {}
    for entry in entries:
        said = found.get(entry.customer)
        name, manager = entry.customer_name, entry.account_manager
        if said is None:
            found[entry.customer] = Wanted(entry.customer, name, manager)
        elif (name and not said.name) or (manager and not said.account_manager):
            found[entry.customer] = Wanted(
                entry.customer, said.name or name, said.account_manager or manager
            )
    return list(found.values())


def _refuse_erased(plan: Plan, entries: list[Entry]) -> None:
    """Bring nobody back who asked to be forgotten."""
    erased: set[str] = set()
    for chunk in _chunks(sorted({entry.customer for entry in entries})):
        rows = Customer.objects.filter(reference__in=chunk, erasure_asked_at__isnull=False)
        erased.update(rows.values_list("reference", flat=True))
    for entry in entries:
        if entry.customer in erased:
            plan.faults.add(
                entry.line,
                f"customer '{entry.customer}' was erased on request: "
                "nothing is written about them any more",
            )


def _check_managers(plan: Plan, entries: list[Entry]) -> None:
    known = _ids_of_managers({entry.account_manager for entry in entries})
    for entry in entries:
        if entry.account_manager and entry.account_manager not in known:
            plan.faults.add(
                entry.line,
                f"account_manager '{entry.account_manager}' is no user: "
                "such a person does not exist here",
            )


def _compare_logins(plan: Plan, provider: str, entries: list[Entry]) -> None:
    rows = Login.objects.filter(
        provider__name=provider, login_id__in=[entry.login_id for entry in entries]
    ).values_list("login_id", "customer__reference", "institution", "status")
    known = {login_id: rest for login_id, *rest in rows}
    for entry in entries:
        if entry.login_id not in known:
            plan.new.append(entry)
            continue
        customer, institution, status = known[entry.login_id]
        if customer != entry.customer:
            plan.faults.add(
                entry.line,
                f"login_id {entry.login_id} belongs to customer '{customer}' already, "
                f"not to '{entry.customer}': an import moves no login",
            )
            continue
        if entry.status and entry.status != status:
            plan.notes.add(
                entry.line, f"login_id {entry.login_id} is {status} here, {entry.status} there"
            )
        if entry.institution and entry.institution != institution:
            plan.changed.append(entry)
        else:
            plan.unchanged += 1


def write(plan: Plan, *, provider_row: Callable[[str], Provider], now: datetime) -> None:
    """Carry a plan out, whole or not at all.

    Raises IntegrityError when a login of the plan was registered by somebody else meanwhile.
    """
    if plan.changes_nothing:
        return
    with transaction.atomic():
        _write_customers(plan)
        providers = {entry.provider: 0 for entry in (*plan.new, *plan.changed)}
        for name in providers:
            providers[name] = provider_row(name).pk
        for chunk in _chunks(plan.new):
            register_sql.insert(_new_rows(chunk, providers, now=now), now=now)
        register_sql.set_institutions(
            (entry.institution, providers[entry.provider], entry.login_id) for entry in plan.changed
        )
        if len(plan.new) >= MANY:
            register_sql.count_anew()


def _write_customers(plan: Plan) -> None:
    wanted = (*plan.customers_new, *plan.customers_changed)
    managers = _ids_of_managers({row.account_manager for row in wanted})
    for chunk in _chunks(wanted):
        Customer.objects.bulk_create(
            [
                Customer(
                    reference=row.reference,
                    name=row.name,
                    account_manager_id=managers.get(row.account_manager),
                )
                for row in chunk
            ],
            update_conflicts=True,
            unique_fields=["reference"],
            update_fields=["name", "account_manager"],
        )


def _new_rows(
    entries: list[Entry], providers: dict[str, int], *, now: datetime
) -> Iterator[dict[str, Any]]:
    customers = dict(
        Customer.objects.filter(reference__in={entry.customer for entry in entries}).values_list(
            "reference", "pk"
        )
    )
    for entry in entries:
        inactive = entry.status == LoginStatus.INACTIVE
        yield {
            "provider_id": providers[entry.provider],
            "login_id": entry.login_id,
            "customer_id": customers[entry.customer],
            "institution": entry.institution,
            "status": entry.status or LoginStatus.ACTIVE.value,
            "status_changed_at": now if inactive else None,
            "status_reason": IMPORTED_INACTIVE if inactive else "",
        }


def _ids_of_managers(names: set[str]) -> dict[str, int]:
    users: dict[str, int] = {}
    for chunk in _chunks(sorted(names - {""})):
        found = get_user_model().objects.filter(username__in=chunk)
        users.update(found.values_list("username", "pk"))
    return users


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, BATCH)):
        yield chunk
