"""The trace beside the simulator's own log, and a hunt for planted secrets."""

import json
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from refreshops.simulator.flanks.world import secret_from
from tests.processes.databases import mostly
from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.serving import served
from tests.processes.sides import FLANKS, FLINKS
from tests.simulation import WEBHOOK_KEY

CANARY_KEY = "canary-x-api-key-7f3a9"
CANARY_SECRET = "canary-secret-key-51be2"
CANARY_BEARER = "canary-bearer-c0ffe"
CANARY_CLIENT_SECRET = "canary-client-secret-9d1b4"
USERNAME = "canary.username.48213"
HOLDER = "Canary Q. Holdername"
ACCOUNT_NUMBER = "900123456789"
CARD_NUMBER = "4520 1234 5678 9012"
TOKEN = "canary-token-0ffe1"
# Markup, marks that mirror text, orders of a terminal, line ends; and far more than anybody reads.
HOSTILE = (
    '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    "\u202egnp.exe\u2066 \x1b[31m\x07 \r\nSet-Cookie: a=b\r\n \x00 "
) + "endless " * 125_000
PLANTED = {
    "username": USERNAME,
    "account_number": ACCOUNT_NUMBER,
    "holder_name": HOLDER,
    "echo": f"you sent {CANARY_KEY} and {CANARY_SECRET}: the user {USERNAME} does not exist, "
    f"account holder {HOLDER} of {ACCOUNT_NUMBER}, card {CARD_NUMBER}, is not verified, "
    f"token: {TOKEN}; {HOSTILE}",
}
SECRETS = [
    CANARY_KEY,
    CANARY_SECRET,
    CANARY_BEARER,
    CANARY_CLIENT_SECRET,
    PLANTED["username"],
    PLANTED["account_number"],
    PLANTED["holder_name"],
    CARD_NUMBER,
    TOKEN,
]

DANGEROUS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# As the simulator makes access tokens.
ACCESS_TOKEN = re.compile(rb"flanks-[0-9a-f]{8}-[0-9a-f]{4}")
MARK = re.compile(r"\[hidden:([a-p]{8})\]")

pytestmark = pytest.mark.processes


def test_a_morning_in_pieces_is_traced_one_to_one_with_its_access_tokens(simulate, install):
    simulator = simulate(scenario="morning", logins=0, flanks_logins=60, limit=0, pending_seconds=1)
    place = install("sqlite", simulator, CONCURRENCY="4", **FLANKS.settings(simulator))
    active = [row for row in simulator.register_rows() if row["status"] == "active"]

    found = FLANKS.run(place)

    assert found["done"] == len(active) > 40
    assert_everything_ended_once(place, planned=len(active))
    assert_one_to_one(place, simulator)
    lines = simulator.log_lines()
    traced = place.rows("SELECT endpoint, count(*) FROM tracing_call GROUP BY endpoint")
    assert dict(traced) == Counter(line["endpoint"] for line in lines)
    assert dict(traced)["token"] == simulator.flanks.counts()["tokens_minted"] == 1
    owned = "SELECT count(*) FROM tracing_call WHERE attempt_id IS NOT NULL AND run_id IS NOT NULL"
    assert place.rows(owned) == [(len(lines),)]
    nameless = place.rows("SELECT DISTINCT endpoint FROM tracing_call WHERE login_id = ''")
    assert {endpoint for (endpoint,) in nameless} <= {"token", "credentials/list"}


@mostly("postgresql")
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


@pytest.mark.parametrize(
    "rows", [pytest.param(8, id="some"), pytest.param(25, id="many", marks=pytest.mark.soak)]
)
def test_no_planted_secret_is_anywhere(rows, simulate, install, tmp_path):
    keys = {"x_api_key": CANARY_KEY, "secret_key": CANARY_SECRET, "bearer": CANARY_BEARER}
    keys |= {"flanks_client_secret": CANARY_CLIENT_SECRET}
    simulator = simulate(
        scenario="codes", logins=60, flanks_logins=1, limit=0, plant=PLANTED, keys=keys
    )
    place = install(
        "sqlite",
        simulator,
        FLINKS_X_API_KEY=CANARY_KEY,
        FLINKS_SECRET_KEY=CANARY_SECRET,
        FLINKS_BEARER_SECRET=CANARY_BEARER,
        FLINKS_WEBHOOK_KEY=WEBHOOK_KEY,
        PUBLIC_URL="http://127.0.0.1:8000",
        LOG_LEVEL="DEBUG",
        WAIT_SCALE="0.0001",
        **FLANKS.settings(simulator) | {"FLANKS_CLIENT_SECRET": CANARY_CLIENT_SECRET},
    )

    done = place.manage("run_routine")
    webhooks = delivered(simulator, place)

    assert place.rows("SELECT count(*) FROM bankdata_snapshot")[0][0] > 10
    refused = place.rows(
        "SELECT login_id FROM logins_login WHERE outcome = 'user_action' ORDER BY length(login_id)"
    )
    assert (len(refused[0][0]), len(refused[-1][0])) == (32, 36), "one of each provider"
    ordered = ""
    for login_id in (refused[-1][0], refused[0][0]):
        order = ("deactivate", "--login-id", login_id, "--reason", "Left", "--json")
        told = place.manage(*order, expect=None)
        ordered += told.stdout + told.stderr
    shown, logged = everything_shown(place, rows=rows)
    where = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    where |= {"webhooks": webhooks.encode()}
    where |= {"order": ordered.encode(), "log": logged.encode()}
    where |= {"database": whole_database(place.database_url, tmp_path)}
    where |= {row["name"]: row["text"].encode() for row in shown}
    secrets = [*SECRETS, *tokens_of_sessions(simulator)]
    leaks = [
        (name, secret)
        for name, text in where.items()
        for secret in secrets
        if secret.encode() in text
    ]
    assert leaks == []
    assert not [name for name, text in where.items() if ACCESS_TOKEN.search(text)]
    assert_sessions_are_for_their_customers(simulator, where)
    assert_hostile_words_are_words(shown, logged=done.stderr + ordered + logged)
    assert_equal_secrets_are_told_equal([row for row in shown if row["name"].endswith(".zip")])


def tokens_of_sessions(simulator) -> list[str]:
    """Return every token that lets a customer, or us, into a session about a credential."""
    names = ("sca_token", "reset_token", "transaction_token")
    tokens = [
        secret_from(login["login_id"], name)
        for login in simulator.flanks.logins()
        for name in names
    ]
    assert len(tokens) > 100
    return tokens


def assert_sessions_are_for_their_customers(simulator, where):
    """Who knows its id may go on in a session: nobody is told but who holds the link."""
    sessions = [session["session_id"].encode() for session in simulator.flanks.sessions()]
    assert sessions, "no customer was sent to a session"
    told = {name for name, text in where.items() for session in sessions if session in text}
    assert told
    assert not [name for name in told if not name.startswith("get /connect/")]


def delivered(simulator, place) -> str:
    """Have a webhook about every login taken, and return what was logged meanwhile."""
    log: list[str] = []
    with served(place, log=log) as url:
        for row in simulator.register_rows():
            if row["provider"] != FLINKS.name:
                continue
            simulator.deliver(row["login_id"], url=url)
    assert place.rows("SELECT count(*) FROM tracing_delivery WHERE digest <> ''")[0][0] > 10
    return "".join(log)


def assert_hostile_words_are_words(shown, *, logged):
    """No markup, no mirrored text, no order to a terminal; and a megabyte is cut short."""
    pages = [row for row in shown if row["kind"].startswith("text/html")]
    assert not [row["name"] for row in pages if "<img src=x" in row["text"]]
    assert not [row["name"] for row in pages if "<script>alert" in row["text"]]
    assert not [row["name"] for row in shown if DANGEROUS.search(row["text"])]
    assert not [row["name"] for row in shown if row["text"].count("endless ") > 20_000]
    assert [row["name"] for row in pages if "onerror=alert(1)" in row["text"]]
    assert not DANGEROUS.search(logged)
    assert max(map(len, logged.splitlines()), default=0) < 5000


def assert_equal_secrets_are_told_equal(bundles):
    """The planted username stands in every refusal: one mark in each bundle, another in each."""
    refusals = [
        re.findall(r'"message": "[^"]* user \[hidden:([a-p]{8})\]', row["text"]) for row in bundles
    ]
    told = [set(marks) for marks in refusals if len(marks) > 1]
    assert len(told) > 1
    assert all(len(marks) == 1 for marks in told)
    assert len(set.union(*told)) == len(told)


def whole_database(url: str, folder: Path) -> bytes:
    """Return every byte of the database: the file, its write-ahead log, and a plain dump."""
    path = Path(url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as link:
        dump = "\n".join(link.iterdump())
    files = [found.read_bytes() for found in folder.glob(f"{path.name}*")]
    return b"".join(files) + dump.encode()


EVERYTHING = """
import io, json, zipfile
from datetime import timedelta
from django.apps import apps
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse
from django.utils import timezone
from refreshops.connect import letters, links, tasks as mails
from refreshops.console.addresses import bundle_of, bundle_of_cell
from refreshops.logins.models import ConnectLink, Customer, ReconnectCase
from refreshops.routine import foreground, tasks
from refreshops.routine.models import Run
from tests.console.permission_site import lines

setup_test_environment()
user = User.objects.create_superuser("canary", password="x")
client = Client(SERVER_NAME="localhost"); client.force_login(user)

def show(url, method="get", **form):
    page = getattr(client, method)(url, form)
    content = b"".join(page) if page.streaming else page.content
    kind, name, text = page["Content-Type"], f"{method} {url}", ""
    if kind == "application/zip":
        name += ".zip"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text = "".join(archive.read(file).decode() for file in archive.namelist())
    print(json.dumps({"name": name, "status": page.status_code, "kind": kind,
                      "text": text or content.decode()}))

tasks.apply_deliveries("flinks")
Customer.objects.update(email="somebody@customers.example")
asked = ReconnectCase.objects.filter(closed_at=None)
letters.queue_for_cases(asked, by=user, now=timezone.now(), lives=timedelta(days=7))
mails.send_letters()
def both_ends(rows):
    # One provider's rows came first, the other's last.
    found = list(rows)
    return found if len(found) <= ROWS else [*found[: ROWS // 2], *found[-ROWS // 2 :]]

given = [f"/connect/{links.token_of(link)}/" for link in both_ends(ConnectLink.objects.all())]
for public in given:
    show(public)
    show(public + "start", "post")
for run in Run.objects.filter(closed_at=None, origin="connect"):
    foreground.drive_to_the_end(run)
for public in given:
    show(public + "state")

rows = {}
for label in ("logins.login", "logins.customer", "logins.provider", "routine.run",
              "routine.attempt", "tracing.call", "tracing.event", "bankdata.snapshot",
              "bankdata.bankaccount", "tracing.delivery", "logins.reconnectcase",
              "logins.letter", "logins.lettertext"):
    model = apps.get_model(label)
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    short = {"bankaccount": "account", "reconnectcase": "case"}
    short = short.get(model._meta.model_name, model._meta.model_name)
    for row in both_ends(model.objects.order_by("pk")):
        rows[short] = row.pk
        show(reverse(f"admin:{name}_change", args=[row.pk]))
order = apps.get_model("routine.attempt").objects.filter(purpose="switch_off").first()
rows |= {"login": order.login_id, "attempt": order.pk, "run": order.run_id}
for line in lines("Addresses"):
    cell = line.cells["superuser"]
    try:
        url = line.name.format(**rows)
    except KeyError:
        continue
    if cell.startswith("200"):
        show(url)
    elif cell == "405 200" and url != "/logout/":
        show(url, "post")
show(reverse("admin:logins_login_changelist"), "post", action="export_csv", select_across="1",
     _selected_action=[rows["login"]])
for kind in ("call", "login", "attempt", "run"):
    model = apps.get_model({"call": "tracing.call", "login": "logins.login"}.get(
        kind, f"routine.{kind}"))
    for row in both_ends(model.objects.order_by("pk")):
        show(bundle_of(kind, row.pk), "post")
show(bundle_of_cell(outcome="user_action"), "post")
print(json.dumps({"name": "mail", "status": 200, "kind": "mail",
                  "text": "".join(str(sent.message()) for sent in mail.outbox)}))
"""


def everything_shown(place, *, rows) -> tuple[list[dict], str]:
    """Return every page, file and bundle that a superuser gets, and what was logged meanwhile.

    Of each model the pages of `rows` rows. Each must have been found.
    """
    done = place.manage(
        "shell", "--verbosity", "0", "--command", EVERYTHING.replace("ROWS", str(rows))
    )
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(shown) > 8 * rows
    assert not [row["name"] for row in shown if row["status"] not in (200, 303)]
    public = [row for row in shown if "/connect/" in row["name"]]
    assert len(public) > 5
    assert next(row for row in shown if row["kind"] == "mail")["text"].count("/connect/") > 1
    assert sum(row["kind"] == "application/zip" for row in shown) > 30
    assert sum(row["kind"].startswith("text/csv") for row in shown) >= 4
    return shown, done.stderr
