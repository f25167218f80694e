"""An account manager's answers stay the same, byte for byte, whatever others' rows there are.

Each request is made twice, with and without a crowd of foreign rows of every kind. Whatever could
tell of one (a count, a page more, a choice, a message, a status) would make a difference. Left
aside are tokens, and the numbers of runs made by the request itself, for they are given in turn.
"""

import io
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from difflib import unified_diff
from itertools import count

import pytest
import time_machine
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins import cases
from refreshops.logins.leaks import LEAKS
from refreshops.logins.models import (
    ConnectLink,
    Customer,
    How,
    Login,
    Provider,
    ReconnectCase,
    UnknownLogin,
)
from refreshops.routine.models import Attempt, Run
from refreshops.routine.roles import PRIVACY
from refreshops.tracing.events import BY_ITSELF, Action, note
from refreshops.tracing.models import Delivery
from tests.builders import NOON, make_customer, make_login, make_provider
from tests.console.conftest import make_attempt, make_call, make_run
from tests.console.permission_site import undone

CROWD = 60
FOREIGN_ID = "f0f0f0f0-1111-4222-8333-444444444444"
ABSENT = 40_000_000
HINTS = ("FOR-", "Birch", "Farbank", FOREIGN_ID, "FARCODE", "otherperson", "8642")


@pytest.fixture(autouse=True)
def stopped_clock():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def world(people):
    """The manager's own rows, and runs that will hold foreign ones beside them."""
    manager, other = people["manager"], people["other"]
    User.objects.filter(pk=other.pk).update(first_name="otherperson", last_name="otherperson")
    Provider.objects.create(name="flanks", currency="EUR", cost_per_login_month="2.00")
    now = timezone.now()
    customer = make_customer(
        "OWN-1", name="Maple", account_manager=manager, last_activity_at=now - timedelta(days=200)
    )
    make_customer("OWN-2", name="Without logins", account_manager=manager)
    own = make_login(customer=customer, institution="TD", outcome="stale", nightly="on")
    off = make_login(customer=customer, institution="TD", status="inactive", nightly="on")
    mine = make_run(opened_by=manager, purpose="switch_off", planned=9, reason="Mine")
    waiting = make_run(
        opened_by=manager, purpose="switch_on", state="waiting", needs_approval=True, planned=9
    )
    daily = make_run(origin="daily", planned=9)
    theirs = make_run(opened_by=people["ops"], purpose="switch_off", planned=9, reason="Cleaning")
    attempts = [
        make_attempt(mine, own, outcome="fresh", verified=True),
        make_attempt(theirs, off, outcome="unknown"),
        make_attempt(daily, own, outcome="stale"),
    ]
    make_attempt(waiting, off, not_before=now + timedelta(days=9))
    case = ReconnectCase.objects.create(login=own, reason="mfa", opened_at=now)
    calls = [
        make_call(own, run, provider_code="QUESTION_NOT_FOUND", attempt_id=attempts[0].pk)
        for run in (mine, theirs, daily)
    ]
    return {
        "customer": customer,
        "own": own,
        "off": off,
        "mine": mine,
        "waiting": waiting,
        "daily": daily,
        "theirs": theirs,
        "attempt": attempts[0],
        "case": case,
        "call": calls[1],
    }


@pytest.fixture
def crowd(world, people):
    """Return a function that adds the foreign rows, always the same."""

    def add():
        numbers = count(ABSENT)
        customers = Customer.objects.bulk_create(
            Customer(
                pk=next(numbers),
                reference=f"FOR-{n}",
                name="Birch Steel",
                account_manager=people["other"] if n % 5 else None,
                last_activity_at=NOON - timedelta(days=400),
            )
            for n in range(CROWD)
        )
        logins = Login.objects.bulk_create(
            foreign_login(n, customer, pk=next(numbers)) for n, customer in enumerate(customers)
        )
        foreign_work(world, logins, people)
        foreign_cases(logins, people)
        foreign_evidence(world, logins, people)

    return add


def foreign_login(n: int, customer: Customer, *, pk: int) -> Login:
    """Return a login that leaks, drops out or failed, each in another way."""
    kinds = (
        {"status": "inactive", "nightly": "on"},
        {"status": "active", "nightly": "off"},
        {"status": "inactive", "nightly": "off"},
        {"status": "active", "drops_out_at": NOON + timedelta(days=1)},
        {"status": "active", "gone_at": NOON, "nightly": "off"},
    )
    return Login(
        pk=pk,
        provider=make_provider(),
        customer=customer,
        login_id=FOREIGN_ID if n == 0 else str(uuid.UUID(int=n + 1)),
        institution=("Farbank", "TD")[n % 2],
        outcome=("user_action", "our_config", "")[n % 3],
        provider_code="FARCODE",
        **kinds[n % len(kinds)],
    )


def foreign_work(world, logins, people) -> None:
    """Put foreign logins into every run there is, and into runs of others."""
    runs = [world[name] for name in ("mine", "waiting", "daily", "theirs")]
    kept = {"purpose": "switch_off", "planned": CROWD, "reason": "Birch Steel left"}
    runs.append(make_run(opened_by=people["other"], **kept))
    waits = {"state": "waiting", "needs_approval": True}
    runs.append(make_run(opened_by=people["other"], **waits, **kept))
    Run.objects.filter(pk__in=[run.pk for run in runs[:4]]).update(
        brought_forward=7, totals={"done": CROWD, "cancelled": 0, "outcomes": {"unknown": CROWD}}
    )
    ended = {
        "state": "done",
        "outcome": "our_config",
        "provider_code": "FARCODE",
        "message": "Birch Steel said no",
        "finished_at": NOON,
    }
    Attempt.objects.bulk_create(
        Attempt(
            run=run,
            login=login,
            purpose=run.purpose,
            not_before=NOON,
            **({} if run == world["waiting"] else ended),
        )
        for run in runs
        for login in logins
    )


def foreign_cases(logins, people) -> None:
    """Let customers of others have to act, with links and contacts; let a bank of theirs fail."""
    now = timezone.now()
    rows = ReconnectCase.objects.bulk_create(
        ReconnectCase(
            pk=FOREIGN_CASE + n,
            login=login,
            reason="consent",
            provider_code="FARCODE",
            opened_at=now - timedelta(days=n),
            snoozed_until=now + timedelta(days=1) if n % 3 == 0 else None,
            **({"closed_at": now, "closed_as": "fresh"} if n % 4 == 0 else {}),
        )
        for n, login in enumerate(logins)
    )
    for n, case in enumerate(rows[:9]):
        link = ConnectLink.objects.create(
            pk=FOREIGN_LINK + n,
            provider=case.login.provider,
            customer=case.login.customer,
            login=case.login if n % 2 else None,
            case=case,
            institution="Farbank",
            made_at=now,
            made_by=people["other"],
            expires_at=now + timedelta(days=1),
        )
        cases.log(case, how=How.PHONE, by=people["other"], text=f"Birch {link.pk}", now=now)


def foreign_evidence(world, logins, people) -> None:
    """Write foreign calls, bank data, journal entries, and a twin of an own LoginId elsewhere."""
    flanks = Provider.objects.get(name="flanks")
    twin = make_login(
        provider=flanks, login_id=world["own"].login_id, customer=logins[0].customer, nightly="on"
    )
    for login, provider in [(twin, "flanks"), *((login, "flinks") for login in logins)]:
        make_call(login, world["mine"], provider=provider, provider_code="FARCODE")
    make_call(Login(login_id="", institution="Farbank"), world["mine"], endpoint="Report")
    for number, login in enumerate(logins[:5]):
        snapshot = Snapshot.objects.create(
            login=login,
            attempt_id=1,
            fetched_at=NOON,
            payload=b"x",
            account_count=1,
            transaction_count=1,
        )
        BankAccount.objects.create(login=login, snapshot=snapshot, title="8642", last_four="8642")
        UnknownLogin.objects.create(
            provider=flanks, login_id=f"{FOREIGN_ID}{number}", first_seen_at=NOON, last_seen_at=NOON
        )
    for number, login in enumerate([*logins[:5], Login(login_id=str(uuid.uuid4()))]):
        Delivery.objects.create(
            received_at=NOON,
            last_received_at=NOON,
            provider="flinks",
            kind="GetAccountsDetail",
            digest=f"digest-{number}",
            size=1,
            login_id=login.login_id,
            institution="Farbank",
            provider_code="FARCODE",
        )
    foreign_story(world, logins, people)
    for person in ("manager", "other"):
        LogEntry.objects.create(
            user=people[person],
            content_type=ContentType.objects.get_for_model(Customer),
            object_id=str(logins[0].customer_id),
            object_repr="FOR-0 Birch Steel",
            action_flag=CHANGE,
        )


def foreign_story(world, logins, people) -> None:
    """Tell what others did to their own rows and runs, and a machine to all of a run."""
    for login in logins[:5]:
        about = {"subject": ("login", login.pk), "reason": "Birch Steel called"}
        note(Action.NOTE, by=people["other"], at=NOON, **about)
        about["subject"] = ("customer", login.customer_id)
        note(Action.CHANGE_ROW, by=people["ops"], at=NOON, **about)
    for name in ("theirs", "daily"):
        note(Action.PAUSE_RUN, by=people["ops"], at=NOON, run_id=world[name].pk, reason="Birch")
    for name in ("mine", "waiting", "theirs", "daily"):
        run = {"run_id": world[name].pk, "number": CROWD}
        note(Action.END_RUN, by=BY_ITSELF, at=NOON, details={"cancelled": CROWD}, **run)


# --- What is asked ---

LISTS = (
    "logins/login",
    "logins/customer",
    "logins/reconnectcase",
    "routine/run",
    "routine/attempt",
    "tracing/call",
)
FOREIGN_CUSTOMER, FOREIGN_LOGIN = ABSENT, ABSENT + CROWD
FOREIGN_CASE = FOREIGN_LINK = ABSENT
NARROWED = (
    "",
    *(f"q={term}" for term in ("FOR-", "Birch", FOREIGN_ID, "f0f0", "Maple", "OWN", "1", "4")),
    *(f"{name}=Farbank" for name in ("institution", "manager", "code")),
    *(f"leak={name}" for name in (*LEAKS, "unconfirmed")),
    "drops_out=2",
    "drops_out=out",
    "inactive_days=30",
    "manager=nobody",
    "manager=2",
    "code=FARCODE",
    "outcome=our_config",
    "provider=flanks",
    "institution=TD",
    "gone_at__isnull=False",
    f"customer__id__exact={FOREIGN_CUSTOMER}",
    *(f"view={view}" for view in ("snoozed", "bank_down", "proposed", "open", "closed", "lately")),
    "contacted=never",
    "reason=mfa",
    "state__exact=waiting",
    "state__exact=done",
    "status__exact=inactive",
    *(f"o={number}" for number in (1, -1, 2, 3, 4, 5, 6, 7)),
    "p=2",
    "day=today",
    "after=oldest",
    "before=9999999999999999.1",
    "attempt=1",
    f"attempt={ABSENT}",
    "all=",
    "e=1",
    "_facets=True",
    "_popup=1",
    "_to_field=id",
    "_popup=1&_to_field=reference",
    "_changelist_filters=q%3DFOR-0",
    "account_manager__username=other",
    "customer__name__startswith=B",
    "login__customer__reference=FOR-0",
    "opened_at__year=2026",
)
PAGES = (
    "/",
    "/morning.json",
    "/logins/",
    "/routine/",
    "/leaks/",
    "/leaks/check/?sample=500",
    "/logins/customer/export/csv/",
    "/logins/customer/export/csv/?q=FOR",
    "/logins/customer/export/xlsx/?inactive_days=30",
    "/logins/customer/{customer}/change/",
    "/logins/customer/{customer}/history/",
    "/logins/login/{own}/change/",
    "/logins/login/{off}/change/",
    "/logins/login/{own}/change/?before=2026-11-19T00:00:00%2B00:00_ended_1",
    "/logins/login/{own}/note/",
    "/logins/login/{own}/history/",
    "/logins/login/{own}/link/",
    "/logins/customer/{customer}/link/",
    "/logins/reconnectcase/{case}/change/",
    "/logins/reconnectcase/{case}/history/",
    "/logins/reconnectcase/recovery/",
    "/logins/login/{own}/receipt/{attempt}/",
    "/logins/login/{own}/change/?_changelist_filters=q%3DFOR-0",
    "/routine/run/{mine}/change/",
    "/routine/run/{mine}/change/?outcome=our_config",
    "/routine/run/{mine}/change/?institution=Farbank&code=FARCODE&after=2",
    "/routine/run/{mine}/change/?q=FOR-0",
    "/routine/run/{mine}/progress.json",
    "/routine/run/{mine}/report/",
    "/routine/run/{theirs}/report/",
    "/routine/run/{mine}/receipt/",
    "/routine/run/{mine}/receipt/?page=2",
    "/routine/run/{mine}/receipt.csv",
    "/routine/run/{mine}/receipt.json",
    "/routine/run/{mine}/history/",
    "/routine/run/{waiting}/change/",
    "/routine/run/{waiting}/receipt/",
    "/routine/run/{waiting}/order/withdraw/",
    "/routine/run/{theirs}/change/",
    "/routine/run/{daily}/progress.json",
    "/routine/attempt/{attempt}/change/",
    "/tracing/call/{call}/change/",
    "/tracing/call/?attempt={attempt}",
)
FOREIGN_PAGES = (
    *(f"/logins/customer/{FOREIGN_CUSTOMER}/{end}" for end in ("change/", "history/", "delete/")),
    f"/logins/customer/{FOREIGN_CUSTOMER}/change/?_to_field=id",
    "/logins/customer/FOR-0/change/?_to_field=reference",
    f"/logins/login/{FOREIGN_LOGIN}/change/",
    f"/logins/login/{FOREIGN_LOGIN}/history/",
    f"/logins/login/{FOREIGN_ID}/change/?_to_field=login_id",
    f"/logins/login/{FOREIGN_LOGIN}/receipt/1/",
    f"/logins/login/{FOREIGN_LOGIN}/note/",
    f"/logins/login/{FOREIGN_LOGIN}/link/",
    f"/logins/customer/{FOREIGN_CUSTOMER}/link/",
    f"/logins/reconnectcase/{FOREIGN_CASE}/change/",
    f"/logins/login/{{own}}/receipt/{FOREIGN_LOGIN}/",
)
AUTOCOMPLETES = [
    f"/autocomplete/?app_label={app}&model_name={model}&field_name={field}&term={term}"
    for app, model, field in (
        ("logins", "login", "customer"),
        ("logins", "login", "provider"),
        ("logins", "customer", "account_manager"),
        ("routine", "attempt", "login"),
        ("routine", "attempt", "run"),
        ("routine", "run", "retry_of"),
        ("routine", "run", "opened_by"),
        ("bankdata", "bankaccount", "login"),
        ("bankdata", "bankaccount", "snapshot"),
        ("bankdata", "snapshot", "login"),
    )
    for term in ("", "FOR", FOREIGN_ID, "B")
]
SHORTCUTS = [f"/r/{{{kind}}}/{FOREIGN_LOGIN}/" for kind in ("kind_of_login", "kind_of_customer")]

BOTH = f"{{own}},{FOREIGN_LOGIN},{FOREIGN_LOGIN + 1}"
SURE = {"confirmed": "yes", "reason": "They left", "token": "t", "typed": "FORGET"}


def ordered(action: str, row: object, **fields: object) -> dict[str, object]:
    return {"action": action, "_selected_action": ["{own}", row], "select_across": "0", **fields}


POSTS = [
    *(
        ("/logins/login/", ordered(action, FOREIGN_LOGIN, **fields))
        for action in (
            "switch_off",
            "switch_on",
            "check_schedule",
            "refresh_now",
            "refresh_live",
            "forget",
        )
        for fields in ({}, {"rows": BOTH}, {**SURE, "rows": BOTH})
    ),
    ("/logins/login/{own}/note/", {"text": "Called them"}),
    (f"/logins/login/{FOREIGN_LOGIN}/note/", {"text": "Called them"}),
    *(
        (f"/logins/reconnectcase/{case}/{step}/", {"how": "phone", "days": "3", "token": "t"})
        for case in ("{case}", FOREIGN_CASE)
        for step in ("contact", "snooze")
    ),
    *(
        (
            "/logins/reconnectcase/",
            {"action": action, "_selected_action": ["{case}", FOREIGN_CASE], **fields},
        )
        for action in ("send_link", "snooze", "switch_off")
        for fields in ({}, {"select_across": "1"})
    ),
    *(
        (
            "/logins/reconnectcase/",
            {
                "action": action,
                "_selected_action": [FOREIGN_CASE],
                "rows": f"{{case}},{FOREIGN_CASE}",
                "days": "3",
                **SURE,
            },
        )
        for action in ("send_link", "snooze")
    ),
    (f"/logins/login/{FOREIGN_LOGIN}/link/", {"token": "t"}),
    (f"/logins/customer/{FOREIGN_CUSTOMER}/link/", {"token": "t"}),
    (f"/logins/customer/link/{FOREIGN_LINK}/revoke/", {}),
    ("/logins/login/", ordered("export_csv", FOREIGN_LOGIN)),
    ("/logins/login/", ordered("export_csv", FOREIGN_LOGIN, select_across="1")),
    ("/logins/login/", ordered("switch_off", FOREIGN_LOGIN, select_across="1")),
    ("/logins/login/?leak=off_here_on_there", ordered("switch_off", FOREIGN_LOGIN)),
    (
        "/logins/login/",
        {
            "action": "switch_off",
            "_selected_action": [FOREIGN_LOGIN],
            "rows": FOREIGN_LOGIN,
            **SURE,
        },
    ),
    (
        "/logins/customer/",
        {"action": "switch_off_all", "_selected_action": ["{customer}", FOREIGN_CUSTOMER]},
    ),
    (
        "/logins/customer/",
        {"action": "switch_off_all", "_selected_action": [FOREIGN_CUSTOMER], **SURE},
    ),
    (
        "/logins/customer/",
        {"action": "switch_on_all", "_selected_action": ["{customer}"], "select_across": "1"},
    ),
    ("/tracing/call/export/", {}),
    ("/routine/run/{mine}/export/", {}),
    ("/routine/run/{mine}/export/?institution=Farbank", {}),
    ("/routine/run/{theirs}/export/", {}),
    ("/leaks/check/", {"rows": BOTH, "token": "t"}),
    ("/leaks/check/", {"rows": FOREIGN_LOGIN, "token": "t"}),
    *(
        ("/logins/login/list/", {"words": f"OWN-1\nFOR-0 {FOREIGN_ID}\nFOR-1\nNOT-1", **fields})
        for fields in (
            {"order": "switch_off"},
            {"order": "switch_on", "answer": "csv"},
            {"order": "check_schedule"},
        )
    ),
    ("/routine/run/{waiting}/order/withdraw/", {"reason": "A mistake"}),
    ("/routine/run/{waiting}/order/approve/", {}),
    ("/routine/run/{mine}/order/cancel/", {"reason": "A mistake"}),
    (f"/logins/customer/{FOREIGN_CUSTOMER}/erase/", {**SURE, "typed": "FOR-0"}),
    (f"/logins/customer/{FOREIGN_CUSTOMER}/export/", {}),
    ("/logins/customer/{customer}/erase/", {**SURE, "typed": "OWN-1"}),
    (f"/logins/customer/{FOREIGN_CUSTOMER}/change/", {"reference": "FOR-1", "name": "X"}),
]
OF_PRIVACY = re.compile("forget|/erase/|/export/")
IMPORTED = [
    pytest.param(text, id=text.split("\n", 1)[1].split("\n")[0] or "empty")
    for text in (
        "reference,name\nFOR-0,Stolen\nOWN-1,Maple Foods\nNOT-1,None\n",
        "reference,account_manager\nOWN-1,other\n",
        "reference,account_manager\nOWN-1,nosuchperson\n",
        "reference,account_manager\nOWN-2,manager\nFOR-0,manager\n",
        "reference,last_activity_at\n for-0 ,2026-01-01\nOWN-2,2026-01-01\n",
    )
]


# --- The comparison ---


@pytest.fixture
def fill(world):
    """Return a function that puts the rows' numbers into an address or a form."""
    numbers = {name: row.pk for name, row in world.items()}
    for model in (Login, Customer):
        kind = ContentType.objects.get_for_model(model).pk
        numbers[f"kind_of_{model._meta.model_name}"] = kind

    def put(text):
        if isinstance(text, dict):
            return {name: put(value) for name, value in text.items()}
        if isinstance(text, list):
            return [put(value) for value in text]
        return text.format(**numbers) if isinstance(text, str) else text

    return put


@pytest.fixture
def check(people, crowd):
    """Return what asks everything with the crowd and without it, and compares."""
    client = Client(raise_request_exception=False)

    def all_alike(asks, *, name="manager"):
        client.force_login(people[name])
        with undone():
            crowd()
            with_crowd = {key: told(ask, client) for key, ask in asks.items()}
        alone = {key: told(ask, client) for key, ask in asks.items()}
        return {
            key: differences(alone[key], with_crowd[key])
            for key in asks
            if alone[key] != with_crowd[key] or alone[key].status >= 500
        }

    return all_alike


@dataclass(frozen=True)
class Told:
    """All that an answer tells, without what differs from one to the next."""

    status: int
    way: list[str]
    kind: str
    text: str


SECRETS = (
    r'name="(csrfmiddlewaretoken|token|key)" value="[^"]*"',
    r"(?i)(?<=run[ /])\d+",
    r"(?<=/call/\?q=)\d+",
    r"(?<=customer/import/)[0-9a-f-]{36}",
    r"(?<=Number <code>)[0-9a-f]{8}",
)


def told(ask, client) -> Told:
    """Return what one request tells, and take back what it did."""
    with undone():
        answer = ask(client)
        body = b"".join(answer)
    kind = answer.get("Content-Type", "")
    # A spreadsheet is packed: its files have times of their own.
    text = sheet(body) if "spreadsheet" in kind else body.decode()
    for secret in SECRETS:
        text = re.sub(secret, "", text)
    way = [re.sub(r"\d+", "", where) for where, _ in getattr(answer, "redirect_chain", ())]
    return Told(answer.status_code, way, kind, text)


def sheet(body: bytes) -> str:
    rows = load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
    return "\n".join(map(str, rows))


def differences(alone: Told, with_crowd: Told) -> list[object]:
    """Return what is not the same; the lines that differ first."""
    lines = unified_diff(alone.text.splitlines(), with_crowd.text.splitlines(), n=0)
    said = [line for line in lines if line[0] in "+-"]
    return [said, (alone.status, alone.way), (with_crowd.status, with_crowd.way)]


def getting(addresses):
    """Return a request for each address."""
    return {
        address: lambda client, address=address: client.get(address, follow=True)
        for address in addresses
    }


in_turn = pytest.mark.parametrize(
    "whole",
    [pytest.param(False, id="in-turn"), pytest.param(True, id="all", marks=pytest.mark.soak)],
)


@in_turn
@pytest.mark.parametrize("listing", LISTS)
def test_no_list_however_narrowed(check, listing, whole):
    """Each way to narrow is tried on two of the lists in turn, and in the soak on all of them."""
    chosen = NARROWED if whole else ("", *NARROWED[1 + LISTS.index(listing) % 3 :: 3])

    assert check(getting(f"/{listing}/?{query}" for query in chosen)) == {}


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(PAGES, id="own-pages"),
        pytest.param(FOREIGN_PAGES, id="guessed-numbers"),
        pytest.param(SHORTCUTS, id="shortcuts"),
        pytest.param(AUTOCOMPLETES, id="autocompletes"),
    ],
)
def test_no_page(check, fill, addresses):
    assert check(getting(map(fill, addresses))) == {}


@in_turn
@pytest.mark.parametrize("private", [False, True], ids=["manager", "with-privacy"])
def test_no_order_and_no_message(check, fill, people, private, whole):
    """Who may forget, too, sends what has to do with that alone, and in the soak everything."""
    if private:
        people["manager"].groups.add(Group.objects.get(name=PRIVACY))

    asks = {
        f"{number} {address} {form}": lambda client, address=address, form=form: client.post(
            fill(address), fill(form), follow=True
        )
        for number, (address, form) in enumerate(POSTS)
        if whole or not private or OF_PRIVACY.search(f"{address} {form}")
    }

    assert check(asks) == {}


@pytest.mark.parametrize("content", IMPORTED)
def test_no_import(check, content):
    def faults(client):
        key = previewed(client, content).context["upload"].pk
        return client.get(f"/logins/customer/import/{key}/faults/")

    def carried_out(client):
        key = previewed(client, content).context["upload"].pk
        return client.post("/logins/customer/process_import/", {"key": key}, follow=True)

    preview = {"preview": lambda client: previewed(client, content)}
    assert check({**preview, "faults": faults, "carried out": carried_out}) == {}


def previewed(client, content: str):
    file = SimpleUploadedFile("customers.csv", content.encode())
    return client.post("/logins/customer/import/", {"import_file": file})


def test_the_same_requests_do_tell_who_sees_everything(check):
    addresses = {"/", "/leaks/", *(f"/{listing}/" for listing in LISTS)}

    assert set(check(getting(addresses), name="ops")) == addresses


def test_no_hint_of_a_foreign_row_is_told(people, crowd, fill):
    client = Client()
    client.force_login(people["manager"])
    crowd()

    for address in (*(f"/{listing}/" for listing in LISTS), *PAGES):
        page = b"".join(client.get(fill(address), follow=True)).decode(errors="replace")
        asked = address.replace("%3D", "=")
        assert not [hint for hint in HINTS if hint in page and hint not in asked], address


def test_an_order_of_foreign_rows_touches_none(people, crowd, fill):
    people["manager"].groups.add(Group.objects.get(name=PRIVACY))
    client = Client()
    client.force_login(people["manager"])
    crowd()
    foreign = Login.objects.exclude(customer__account_manager=people["manager"])
    before, known = list(foreign.values()), set(Attempt.objects.values_list("pk", flat=True))

    for number, (address, form) in enumerate(POSTS):
        client.post(fill(address), fill({**form, "token": f"t{number}"}))

    made = Attempt.objects.exclude(pk__in=known)
    assert {"switch_off", "check_schedule", "forget"} <= set(made.values_list("purpose", flat=True))
    assert not made.exclude(login__customer__account_manager=people["manager"]).exists()
    assert list(foreign.values()) == before
