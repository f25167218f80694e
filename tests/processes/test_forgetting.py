"""Forgetting against a provider that keeps its own books, and a hunt for what should be gone."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.processes.evidence import assert_one_to_one

pytestmark = pytest.mark.processes

NAME = "Canary Q. Personname"
REFERENCE = "CANARY-REFERENCE-5512"
WHY_OFF = "canary left us in March"
EMAIL = "canary.person@customers.example"
SAID = "Canary calls back on Monday, after work"
CLAIMED = "0ca0a01e-5a1d-4b0c-9c3e-00000000c1a0"
HOLDER = "Canary Q. Holdername"
ACCOUNT_NUMBER = "900123456789"
USERNAME = "canary.username.48213"
PLANTED = {
    "username": USERNAME,
    "account_number": ACCOUNT_NUMBER,
    "holder_name": HOLDER,
    "echo": f"the user {USERNAME}, account holder {HOLDER} of {ACCOUNT_NUMBER}",
}

IN_USE = {
    "kind": "code",
    "endpoint": "DeleteCard",
    "times": 1,
    "status": 400,
    "code": "CARD_IN_USE",
}

NAME_THEM = f"""
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from datetime import timedelta
from django.utils import timezone
from refreshops.logins import cases
from refreshops.logins.models import ConnectLink, How, Letter, Login, ReconnectCase
customer = Login.objects.get(login_id={{login_ids[0]!r}}).customer
Login.objects.filter(login_id__in={{login_ids!r}}).update(
    customer=customer, status_reason={WHY_OFF!r})
customer.name, customer.reference, customer.email = {NAME!r}, {REFERENCE!r}, {EMAIL!r}
customer.save()
now = timezone.now()
login = customer.logins.first()
case = ReconnectCase.objects.create(login=login, reason="mfa", opened_at=now)
cases.log(case, how=How.PHONE, text={SAID!r}, now=now)
for mine, brought in ((login, ""), (None, {CLAIMED!r})):
    link = ConnectLink.objects.create(provider=login.provider, customer=customer, login=mine,
        case=case, claimed_login_id=brought, made_at=now, expires_at=now + timedelta(days=7))
    Letter.objects.create(kind="connect", link=link, to={EMAIL!r}, queued_at=now, not_before=now,
        error="No such mailbox: " + {EMAIL!r})
LogEntry.objects.create(user=User.objects.create_user("ops"), action_flag=CHANGE,
    content_type=ContentType.objects.get_for_model(customer), object_id=str(customer.pk),
    object_repr=str(customer), change_message=str(customer))
"""

ERASE = f"""
import json
from refreshops import wiring
from refreshops.logins.models import Customer
from refreshops.routine import foreground, privacy
now = wiring.clock()
opened = privacy.erase_customer(
    Customer.objects.get(reference={REFERENCE!r}), by=None, reason="A letter of 3 March", now=now,
    local_date=wiring.local_date(now), window=wiring.window(), offers=wiring.can_forget)
for row in opened:
    found = foreground.drive_to_the_end(row.run)
    print(json.dumps([found.state, found.outcomes]))
"""


def shell(place, text, **more):
    return place.manage("shell", "--verbosity", "0", "--command", text, **more).stdout


@pytest.fixture
def world(simulate, install, database):
    """Logins with bank data, fetched a moment ago; all but one are the person's to be erased."""
    simulator = simulate(
        scenario="calm", logins=5, limit=0, body_kb=5, plant=PLANTED, card_busy_seconds=0
    )
    place = install(database, simulator, WAIT_SCALE="0.002")
    other, *login_ids = [row["login_id"] for row in simulator.register_rows()]
    shell(place, NAME_THEM.format(login_ids=login_ids))
    place.run_routine()
    return simulator, place, login_ids, other


def test_a_customer_is_erased_there_and_here(world):
    simulator, place, login_ids, other = world
    for login_id in login_ids:
        simulator.change(login_id, faults=[IN_USE])

    said = json.loads(shell(place, ERASE).splitlines()[-1])

    assert said == ["closed", {"fresh": len(login_ids)}]
    assert {row["login_id"] for row in simulator.logins(deleted=True)} == set(login_ids)
    # The first orders found the cards in use.
    orders = [line for line in simulator.log_lines() if line["endpoint"] == "DeleteCard"]
    assert len(orders) == 2 * len(login_ids)
    assert set(
        place.rows(
            "SELECT http_status_code, provider_code, message FROM tracing_call "
            "WHERE endpoint = 'DeleteCard'"
        )
    ) == {(400, "CARD_IN_USE", ""), (200, "", "")}
    for table in ("bankdata_snapshot", "bankdata_bankaccount"):
        rows = place.rows(
            f"SELECT DISTINCT l.login_id FROM {table} d JOIN logins_login l ON l.id = d.login_id"
        )
        assert rows == [(other,)]
    assert place.rows(
        "SELECT DISTINCT l.status, l.nightly, l.gone_at IS NULL, c.name, c.erased_at IS NULL "
        "FROM logins_login l JOIN logins_customer c ON c.id = l.customer_id WHERE l.login_id <> ?",
        other,
    ) == [("inactive", "off", False, "", False)]
    assert_one_to_one(place, simulator)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_byte_of_the_database_names_the_person_any_more(world):
    _, place, _, _ = world

    before = traces_of_the_person(place)

    with somebody_else_in(place):
        shell(place, ERASE)
        after = traces_of_the_person(place)

    assert set(before) == {NAME, REFERENCE, WHY_OFF, EMAIL, SAID, CLAIMED}
    assert after == []


def bank_data_of(place, login_id):
    return tuple(
        place.rows(
            f"SELECT count(*) FROM {table} d JOIN logins_login l ON l.id = d.login_id "
            "WHERE l.login_id = ?",
            login_id,
        )[0][0]
        for table in ("bankdata_snapshot", "bankdata_bankaccount")
    )


OPEN_IT = """
import sqlite3, sys
link = sqlite3.connect(sys.argv[1])
link.execute("SELECT count(*) FROM logins_login").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def somebody_else_in(place):
    """Have another process keep the database open, so that its log does not go by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN_IT, str(path_of(place))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()


def traces_of_the_person(place):
    """Return which of the planted words some byte of the database still holds: file, log, dump."""
    path = path_of(place)
    files = b"".join(found.read_bytes() for found in path.parent.glob(f"{path.name}*"))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as link:
        text = files + "\n".join(link.iterdump()).encode()
    ours = (NAME, REFERENCE, WHY_OFF, EMAIL, SAID, CLAIMED)
    planted = (*ours, HOLDER, ACCOUNT_NUMBER, USERNAME)
    return [word for word in planted if word.encode() in text]


def path_of(place):
    return Path(place.database_url.removeprefix("sqlite:///"))
