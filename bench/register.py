"""`python -m bench.register --logins 100000 --database URL`: a database to measure pages on."""

import os
import time
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

import django

# What settings insist on and a measurement does not care about; the caller's own values win.
USUAL = {
    "DJANGO_SETTINGS_MODULE": "refreshops.settings",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "only-for-benchmarks-" + "x" * 50,
    "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "HTTPS_ONLY": "false",
    "FLINKS_API_URL": "http://127.0.0.1:9/v3/",
    "FLINKS_CUSTOMER_ID": "43387ca6-0391-4c82-857d-70d95f087ecb",
    "LOG_LEVEL": "WARNING",
}
# And where a second provider is in use as well.
WITH_A_SECOND = {
    "FLANKS_API_URL": "http://127.0.0.1:9/",
    "FLANKS_CLIENT_ID": "bench",
    "FLANKS_CLIENT_SECRET": "only-for-benchmarks",
}


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.register", description=__doc__)
    parser.add_argument("--logins", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--customers", type=int, default=0, help="default: seven of ten logins")
    parser.add_argument("--managers", type=int, default=12, help="manager-01 and so on (12)")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal ids (1)")
    parser.add_argument(
        "--database", required=True, metavar="URL", help="as DATABASE_URL: sqlite:///… or postgres"
    )
    return parser.parse_args()


def set_up(database: str) -> None:
    """Point Django at `database` and bring its tables up to date."""
    for name, value in USUAL.items():
        os.environ.setdefault(name, value)
    os.environ["DATABASE_URL"] = database
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def main() -> None:
    given = arguments()
    set_up(given.database)
    from bench.population import Size, fill

    begun = time.monotonic()
    size = Size(given.logins, given.customers, given.managers, given.seed)
    fill(size, now=datetime.now(UTC))
    print(
        f"{size.logins} logins of {size.customers_wanted} customers "
        f"in {time.monotonic() - begun:.1f} s"
    )


if __name__ == "__main__":
    main()
