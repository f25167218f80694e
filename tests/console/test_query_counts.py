"""At most eight questions a page, however many rows there are, and none that reads a table through.

What a million rows cost is measured by `python -m bench pages`; here a few rows show how pages ask.
"""

import re
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from refreshops.connect import links
from refreshops.logins import cases
from refreshops.logins.models import How, Letter, LetterKind, Login, Note, ReconnectCase
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Delivery
from tests.builders import make_customer, make_login
from tests.console.conftest import make_attempt, make_call, make_run
from tests.console.permission_site import COLUMNS, lines, make_site

pytestmark = pytest.mark.django_db

MOST = 8
CROWD = 60
PEOPLE = ("operations", "manager, own")
PAGES = [line for line in lines("Addresses") if line.cells["operations"].startswith("200")]
# How the two databases of the tests say that they leave a transaction open.
NO_QUESTION = ("SAVEPOINT", "RELEASE", "ROLLBACK")

LISTS = {
    "calls": "tracing_call",
    "attempts": "routine_attempt",
    "events": "tracing_event",
    "logins": "logins_login",
    "customers": "logins_customer",
    "cases": "logins_reconnectcase",
    "runs": "routine_run",
    "snapshots": "bankdata_snapshot",
    "mails": "logins_letter",
    "deliveries": "tracing_delivery",
}
# These are paged by key: whatever narrows them has an index in the order of the list.
PAGED_BY_KEY = ("calls", "attempts", "events", "snapshots", "mails", "deliveries")
PAGE_ENDS = "LIMIT 51"
BESIDE = {"bankdata_bankaccount", "logins_note", "logins_contact", "logins_connectlink"}
LARGE = {*LISTS.values(), *BESIDE} - {"routine_run"}


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_site()
        transaction.set_rollback(True)


@contextmanager
def asking():
    """Note every statement but those that hold a transaction open."""
    asked = []

    def note_down(execute, sql, params, many, context):
        if not sql.startswith(NO_QUESTION):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note_down):
        yield asked


def questions(site, column):
    """Return what each page of a person asks, by the page's name."""
    client, found = site.client(COLUMNS[column]), {}
    for line in PAGES:
        if line.cells[column].startswith("200"):
            with asking() as asked:
                answer = client.get(site.address(line, column))
            assert answer.status_code == 200, line.name
            if not answer.get("Content-Disposition", "").startswith("attachment"):
                found[line.name] = [sql for sql, _ in asked]
    return found


def make_crowd(site):
    """Give the manager's customer a history, and its banks company."""
    now = timezone.now()
    own = Login.objects.get(pk=site.own["login"])
    daily = make_run(origin="daily", local_date=now.date() - timedelta(days=9), planned=CROWD)
    for number in range(CROWD):
        at = now - timedelta(minutes=number)
        login = make_login(
            customer=own.customer if number % 2 else make_customer(f"CROWD-{number}"),
            institution=f"Bank {number % 7}",
            outcome=("user_action", "fresh")[number % 2],
            data_state="fresh",
            last_refresh_at=now,
            provider_code=f"CODE_{number % 5}",
            nightly="on",
        )
        run = make_run(opened_by=site.people["manager"], opened_at=at, purpose="switch_off")
        make_attempt(run, own, outcome="fresh")
        make_attempt(daily, login, outcome="user_action", provider_code="INVALID_PASSWORD")
        make_call(own, run, sent_at=at)
        make_work(site, login, at=at, own=own)
        Note.objects.create(login=own, written_at=at, written_by=site.people["ops"], text="Called")
        subject = ("login", own.pk)
        note(Action.NOTE, by=site.people["manager"], at=at, subject=subject, run_id=run.pk)


def make_work(site, login, *, at, own):
    """Open a case of the login, and lengthen that of the manager's own."""
    case = ReconnectCase.objects.create(login=login, opened_at=at, reason="mfa")
    known = ReconnectCase.objects.get(pk=site.own["case"])
    for row in (case, known):
        cases.log(row, how=How.PHONE, by=site.people["ops"], now=at)
        link = links.make(
            provider=own.provider,
            customer=row.login.customer,
            by=site.people["ops"],
            now=at,
            lives=timedelta(days=1),
            login=row.login,
            case=row,
        )
        kind = LetterKind.RECONNECT.value
        sent = {"queued_at": at, "not_before": at, "to": "x@customers.example", "state": "sent"}
        Letter.objects.create(kind=kind, link=link, **sent)
        Delivery.objects.create(
            received_at=at,
            last_received_at=at,
            provider="flinks",
            digest=f"{link.pk}",
            size=5,
            login_id=row.login.login_id,
        )


@pytest.mark.parametrize("column", [*PEOPLE, pytest.param("auditor", marks=pytest.mark.soak)])
def test_a_page_asks_few_questions_and_no_more_when_there_are_more_rows(site, column):
    with transaction.atomic():
        few = questions(site, column)
        make_crowd(site)

        many = questions(site, column)

        transaction.set_rollback(True)
    too_many = {
        name: [len(few[name]), len(asked), *repeated(asked)]
        for name, asked in many.items()
        if len(asked) > MOST or len(asked) > len(few[name]) + 2
    }
    assert too_many == {}


def repeated(asked):
    """Return what was asked several times: it is most often why there are many."""
    return [f"{n} x {sql[:300]}" for sql, n in Counter(asked).items() if n > 1]


# --- How a list asks ---


def narrowings(client, name):
    """Yield each way to narrow a list that it offers itself, and the list as it is."""
    address = reverse(f"admin:{LISTS[name]}_changelist")
    yield "all", address
    changelist = client.get(address).context_data["cl"]
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            if choice.get("query_string") not in (None, "?"):
                yield f"{spec.title}: {choice['display']}", address + choice["query_string"]


def plan_of(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return [row[3] for row in cursor.fetchall()]


def reads_through(sql, plan):
    """Return the steps that read a large table from end to end, and not along an index.

    Along its own numbers it is read in the order of the list: it ends with the page.
    """
    named = dict.fromkeys(LARGE, True)
    # In a question within a question the tables have other names.
    named |= {alias: table in LARGE for table, alias in re.findall(r'"(\w+)" ([UVW]\d+)\b', sql)}
    in_order = " ORDER BY " in sql and not any("B-TREE" in step for step in plan)
    return [
        step
        for step in plan
        if (found := re.match(r"SCAN (\w+)(?! USING)\b", step))
        and named.get(found[1], False)
        and not (in_order and sql.endswith(PAGE_ENDS))
    ]


def asks_of_a_key(sql, plan, *, table, narrowed):
    """Return the steps a list paged by key does not take: to sort, or to pass by what is left out.

    What fits is found by an index that is in the list's order.
    """
    if f'FROM "{table}"' not in sql:
        return []
    passed_by = rf"SCAN {table}\b" if narrowed else "nothing"
    return [step for step in plan if "B-TREE FOR ORDER BY" in step or re.match(passed_by, step)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by size")
@pytest.mark.parametrize("name", LISTS)
def test_no_list_reads_a_table_through_however_it_is_narrowed(site, name):
    client, bad = site.client("ops"), {}

    for label, address in list(narrowings(client, name)):
        with asking() as asked:
            assert client.get(address).status_code == 200
        for sql, params in asked:
            plan = plan_of(sql, params) if sql.startswith("SELECT") else []
            steps = reads_through(sql, plan)
            if name in PAGED_BY_KEY:
                steps += asks_of_a_key(sql, plan, table=LISTS[name], narrowed=label != "all")
            if steps:
                bad[label] = [*steps, sql[:2000]]

    assert bad == {}
