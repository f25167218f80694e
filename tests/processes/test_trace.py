"""The trace beside the simulator's own log, and a hunt for planted secrets."""

import sqlite3
from pathlib import Path

import pytest

from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one

CANARY_KEY = "canary-x-api-key-7f3a9"
CANARY_SECRET = "canary-secret-key-51be2"
CANARY_BEARER = "canary-bearer-c0ffe"
USERNAME = "canary.username.48213"
HOLDER = "Canary Q. Holdername"
ACCOUNT_NUMBER = "900123456789"
PLANTED = {
    "username": USERNAME,
    "account_number": ACCOUNT_NUMBER,
    "holder_name": HOLDER,
    "echo": f"you sent {CANARY_KEY} and {CANARY_SECRET}: the user {USERNAME} does not exist, "
    f"account holder {HOLDER} of {ACCOUNT_NUMBER} is not verified",
}
SECRETS = [
    CANARY_KEY,
    CANARY_SECRET,
    CANARY_BEARER,
    PLANTED["username"],
    PLANTED["account_number"],
    PLANTED["holder_name"],
]

pytestmark = pytest.mark.processes


def test_three_hundred_logins_are_traced_one_to_one(database, simulate, install):
    simulator = simulate(scenario="morning", logins=320, limit=0, body_kb=5, pending_seconds=0.5)
    place = install(database, simulator)
    active = [row for row in simulator.register_rows() if row["status"] == "active"]

    found = place.run_routine()

    assert found["done"] == len(active) >= 300
    assert_everything_ended_once(place, planned=len(active))
    assert_one_to_one(place, simulator)
    answered = place.rows(
        "SELECT count(*) FROM tracing_call WHERE state = 'answered' "
        "AND answered_at >= sent_at AND url LIKE 'http://127.0.0.1%BankingServices/%'"
    )
    assert answered == place.rows("SELECT count(*) FROM tracing_call")


def test_no_planted_secret_is_anywhere(simulate, install, tmp_path):
    keys = {"x_api_key": CANARY_KEY, "secret_key": CANARY_SECRET, "bearer": CANARY_BEARER}
    simulator = simulate(scenario="codes", logins=60, limit=0, plant=PLANTED, keys=keys)
    place = install(
        "sqlite",
        simulator,
        FLINKS_X_API_KEY=CANARY_KEY,
        FLINKS_SECRET_KEY=CANARY_SECRET,
        FLINKS_BEARER_SECRET=CANARY_BEARER,
        LOG_LEVEL="DEBUG",
    )

    done = place.manage("run_routine")

    assert place.rows("SELECT count(*) FROM bankdata_snapshot")[0][0] > 10
    where = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    where |= {"database": whole_database(place.database_url, tmp_path)}
    where |= {"pages": "\n".join(rendered_pages(place)).encode()}
    leaks = [
        (name, secret)
        for name, text in where.items()
        for secret in SECRETS
        if secret.encode() in text
    ]
    assert leaks == []


def whole_database(url: str, folder: Path) -> bytes:
    """Return every byte of the database: the file, its write-ahead log, and a plain dump."""
    path = Path(url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as link:
        dump = "\n".join(link.iterdump())
    files = [found.read_bytes() for found in folder.glob(f"{path.name}*")]
    return b"".join(files) + dump.encode()


PAGES = """
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.apps import apps
user = User.objects.create_superuser("canary", password="x")
client = Client(SERVER_NAME="localhost"); client.force_login(user)
def show(url):
    page = client.get(url)
    print("PAGE", page.status_code, url)
    print(page.content.decode() if not page.streaming else b"".join(page).decode())
show(reverse("admin:index"))
for label in ("logins.login", "logins.customer", "logins.provider", "routine.run",
              "tracing.call", "bankdata.snapshot", "bankdata.bankaccount"):
    model = apps.get_model(label)
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    show(reverse(f"admin:{name}_changelist"))
    for row in model.objects.all()[:40]:
        show(reverse(f"admin:{name}_change", args=[row.pk]))
"""


def rendered_pages(place) -> list[str]:
    """Return the pages a superuser sees; each must have been found."""
    done = place.manage("shell", "--verbosity", "0", "--command", PAGES)
    heads = [line for line in done.stdout.splitlines() if line.startswith("PAGE")]
    assert len(heads) > 100
    assert not [head for head in heads if " 200 " not in head]
    return [done.stdout]
