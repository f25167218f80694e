"""The lender's register of the simulated logins, as a file its import understands."""

import csv
from pathlib import Path

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


def row_of(login: Login, *, with_managers: bool) -> tuple[str, ...]:
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
        "flinks",
        login.status,
    )


def write_register(world: World, *, path: Path, with_managers: bool = False) -> None:
    """Write all logins to `path`; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(
            row_of(login, with_managers=with_managers) for login in world.logins.values()
        )
    unfinished.replace(path)
