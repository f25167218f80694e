"""What the lender knows of the simulated logins and customers, as files its imports understand."""

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from refreshops.simulator.flanks.world import Credential, FlanksWorld
from refreshops.simulator.world import Login, World

HEADER = (
    "login_id",
    "institution",
    "customer",
    "customer_name",
    "account_manager",
    "provider",
    "status",
)
LEFT_DAYS_AGO = 120
AnyLogin = Login | Credential
CUSTOMER_HEADER = ("reference", "name", "account_manager", "last_activity_at")


def row_of(login: AnyLogin, *, with_managers: bool) -> tuple[str, ...]:
    """Return what a lender's register says of one login.

    Account managers are people of the installation that imports it: named only on demand.
    """
    customer = login.customer
    return (
        login.login_id,
        login.bank.name,
        customer.reference,
        customer.name,
        customer.account_manager if with_managers else "",
        "flanks" if isinstance(login, Credential) else "flinks",
        login.status,
    )


def write_register(
    world: World, *, path: Path, with_managers: bool = False, flanks: FlanksWorld | None = None
) -> None:
    """Write all registered logins of both providers to `path`; it appears whole or not at all."""
    logins = _registered(world, flanks)
    rows = (row_of(login, with_managers=with_managers) for login in logins)
    _write(path, header=HEADER, rows=rows)


def write_customers(
    world: World,
    *,
    path: Path,
    now: datetime,
    with_managers: bool = False,
    flanks: FlanksWorld | None = None,
) -> None:
    """Write the customers of all registered logins to `path`; it appears whole or not at all."""
    known: dict[str, list[AnyLogin]] = {}
    for login in _registered(world, flanks):
        known.setdefault(login.customer.reference, []).append(login)
    rows = (
        (
            reference,
            theirs[0].customer.name,
            theirs[0].customer.account_manager if with_managers else "",
            (now - timedelta(days=_idle_days(theirs))).date().isoformat(),
        )
        for reference, theirs in known.items()
    )
    _write(path, header=CUSTOMER_HEADER, rows=rows)


def _registered(world: World, flanks: FlanksWorld | None) -> list[AnyLogin]:
    there = flanks.credentials.values() if flanks is not None else ()
    return [login for login in (*world.logins.values(), *there) if login.registered]


def _idle_days(logins: list[AnyLogin]) -> int:
    idle_days = logins[0].customer.idle_days
    # Nobody has a login set to inactive for a client who was here yesterday.
    return max(LEFT_DAYS_AGO, idle_days) if _one_left(logins) else idle_days


def _one_left(logins: list[AnyLogin]) -> bool:
    return any(login.status == "inactive" for login in logins)


def _write(path: Path, *, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    unfinished.replace(path)
