"""What the permission matrix is tested with: the document, and a site with rows of two managers."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from refreshops import wiring
from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.console.login_page import VIEWED
from refreshops.logins import uploads
from refreshops.logins.models import (
    ConnectLink,
    Letter,
    LetterText,
    Login,
    ReconnectCase,
    UnknownLogin,
)
from refreshops.routine.models import Beat, Run, Slot
from refreshops.rules.lifecycle import Purpose, RunState
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Delivery, Event
from tests.builders import make_provider
from tests.console.conftest import (
    Register,
    make_attempt,
    make_call,
    make_people,
    make_register,
    make_run,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
VISITOR, FOREIGN = "visitor", "manager, foreign"
# The columns of the document, and who of the test's people stands for each.
COLUMNS = {
    VISITOR: "",
    "no group": "nobody",
    "manager, own": "manager",
    FOREIGN: "manager",
    "operations": "ops",
    "auditor": "auditor",
    "data viewer": "viewer",
    "privacy": "privacy",
    "superuser": "admin",
}
NO_ROW = "–"
# Stands in the bank data of every login.
BANK_DATA = "Savings of 7531.86"
# Written by the sign-in and the session, not by a page.
NOT_COMPARED = {"django_session"}
# What a page that is only read writes down of its reader.
NOTED = {
    LogEntry._meta.db_table: f" WHERE action_flag <> {VIEWED}",
    Event._meta.db_table: (
        f" WHERE action NOT IN ('{Action.VIEW_BANK_DATA.value}', '{Action.EXPORT.value}')"
    ),
}


@dataclass(frozen=True)
class Line:
    """A row of a table: its first cell, and a cell for each column."""

    name: str
    cells: dict[str, str]

    @property
    def has_row(self) -> bool:
        """Tell whether the address names a row."""
        return "{" in self.name


def lines(heading: str) -> list[Line]:
    """Return the rows of every table under a second-level heading of the document."""
    rows = re.findall(r"^\| `([^`]+)` \|(.+)\|$", _section(heading), re.MULTILINE)
    found = []
    for name, rest in rows:
        cells = [cell.strip() for cell in rest.split("|")]
        found.append(Line(name, dict(zip(COLUMNS, cells, strict=True))))
    return found


def header(heading: str) -> list[tuple[str, ...]]:
    """Return the head of each table under a second-level heading."""
    rows = re.findall(r"^\| ([^`\n]+) \|\n\|---", _section(heading), re.MULTILINE)
    return [tuple(cell.strip() for cell in row.split("|")) for row in rows]


def _section(heading: str) -> str:
    return DOCUMENT.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def routes() -> set[str]:
    """Return the route of every pattern of the URLconf, as a resolved request names it."""
    return set(_routes(get_resolver().url_patterns, ""))


def _routes(patterns: list[Any], before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route


@dataclass
class Site:
    """Rows of "manager" (`own`) and of "other" (`foreign`) by the names of the document."""

    people: dict[str, User]
    own: dict[str, object]
    foreign: dict[str, object]
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def address(self, line: Line, column: str) -> str:
        """Return the address of a line, with the rows of a column put in."""
        rows = self.foreign if column == FOREIGN else self.own
        return line.name.format(**rows)

    def form(self, column: str) -> dict[str, Any]:
        """Return one form that holds what any page asks for: what is permitted is carried out."""
        rows = self.foreign if column == FOREIGN else self.own
        asked = {
            "reason": "The customer left",
            "token": "a-token",
            "confirmed": "yes",
            "post": "yes",
            "typed": rows["reference"],
            "rows": rows["login"],
            "words": rows["reference"],
            "text": "Called them",
            "subject": "A mail",
            "body": "Please open {link}",
            "key": rows["upload"],
            "import_file": SimpleUploadedFile("customers.csv", b"reference,name\nOWN-1,Maple\n"),
            "starts_at": "11:15",
            "how": "phone",
            "days": "3",
        }
        return {**asked, **_register_entries(rows)}

    def client(self, name: str) -> Client:
        """Return the client of a person, or of a visitor for an empty name, as if just signed in.

        The same every time: to make one takes longer than most requests.
        """
        if name not in self.clients:
            self.clients[name] = Client(raise_request_exception=False)
        client = self.clients[name]
        client.cookies.clear()
        for key, value in self.cookies.get(name, {}).items():
            client.cookies[key] = value
        return client

    def sign_everybody_in(self) -> None:
        """Open a session for each person."""
        for name, person in self.people.items():
            client = Client()
            client.force_login(person)
            self.cookies[name] = {key: row.value for key, row in client.cookies.items()}


def _register_entries(rows: dict[str, object]) -> dict[str, Any]:
    """Return what the forms of the register and of people ask for."""
    return {
        "reference": "NEW-1",
        "name": "New Name",
        "email": "new@customers.example",
        "language": "fr",
        "customer": rows["customer"],
        "institution": "TD",
        "provider": rows["provider"],
        "login_id": str(uuid.uuid4()),
        "logins_per_minute": "15",
        "fresh_within": "1 12:00:00",
        "usable_within": "7 00:00:00",
        "cost_per_login_month": "1.00",
        "cost_per_live_call": "0.00",
        "currency": "CAD",
        "username": "newcomer",
        "usable_password": "true",
        "password1": "a good long one",
        "password2": "a good long one",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
    }


def make_site() -> Site:
    """Write the rows and return them."""
    people = make_people()
    register = make_register(people)
    site = Site(
        people,
        own={**_of_everybody(register), **_rows(people["manager"], register.own)},
        foreign={**_of_everybody(register), **_rows(people["other"], register.foreign)},
    )
    site.own |= _of_register(register, "own")
    site.foreign |= _of_register(register, "foreign")
    # Nobody sees the upload of somebody else, not even a person who sees everything.
    site.foreign["upload"] = _upload(people["ops"])
    site.sign_everybody_in()
    return site


def _of_everybody(register: Register) -> dict[str, object]:
    """Return the rows that belong to no customer."""
    now = timezone.now()
    provider = make_provider()
    unknown = UnknownLogin.objects.create(
        provider=provider, login_id=str(uuid.uuid4()), first_seen_at=now, last_seen_at=now
    )
    return {
        "provider": provider.pk,
        "unknown": unknown.pk,
        "slot": Slot.objects.create(provider=provider, free_at=now).pk,
        "event": note(Action.SIGN_IN, by=None, at=now).pk,
        "beat": Beat.objects.create(name=f"seat {uuid.uuid4()}", seen_at=now).pk,
        "user": User.objects.create_user(f"colleague-{uuid.uuid4()}").pk,
        "group": Group.objects.create(name=f"Readers {uuid.uuid4()}").pk,
        "letter": Letter.objects.create(
            kind="test", to="x@lender.example", state="failed", queued_at=now, not_before=now
        ).pk,
        "lettertext": LetterText.objects.get_or_create(kind="test", language="en")[0].pk,
        "kind": ContentType.objects.get_for_model(Login).pk,
    }


def _of_register(register: Register, side: str) -> dict[str, object]:
    login = getattr(register, side)
    return {
        "customer": login.customer_id,
        "reference": login.customer.reference,
        "login": login.pk,
        "call": getattr(register, f"{side}_call").pk,
    }


def _rows(person: User, login: Login) -> dict[str, object]:
    """Return rows about a login of a person's: orders in each state, bank data, an upload."""
    order = _order(person, login, Purpose.SWITCH_OFF, state=RunState.OPEN.value)
    waits = {"state": RunState.WAITING.value, "needs_approval": True}
    held = {"state": RunState.PAUSED.value, "state_reason": "A question"}
    snapshot = Snapshot.objects.create(
        login=login,
        attempt_id=1,
        fetched_at=timezone.now(),
        payload=wiring.vault().seal({"Title": BANK_DATA}),
        account_count=1,
        transaction_count=1,
    )
    account = BankAccount.objects.create(login=login, snapshot=snapshot, title=BANK_DATA)
    attempt = order.attempts.get()
    make_call(login, order, attempt_id=attempt.pk, endpoint="SetScheduledRefresh")
    return {
        "run": order.pk,
        "attempt": attempt.pk,
        "waiting": _order(person, login, Purpose.SWITCH_ON, **waits).pk,
        "paused": _order(person, login, Purpose.CHECK_SCHEDULE, **held).pk,
        "failed": _failed(person, login).pk,
        "snapshot": snapshot.pk,
        "account": account.pk,
        "upload": _upload(person),
        "delivery": _delivery(login).pk,
        **_case(person, login),
    }


def _case(person: User, login: Login) -> dict[str, object]:
    """Return a reconnect case that is open, with a link that was made for it."""
    now = timezone.now()
    case = ReconnectCase.objects.create(login=login, reason="mfa", opened_at=now)
    link = ConnectLink.objects.create(
        provider=login.provider,
        customer=login.customer,
        login=login,
        case=case,
        made_at=now,
        made_by=person,
        expires_at=now + timedelta(days=7),
    )
    return {"case": case.pk, "link": link.pk}


def _order(person: User, login: Login, purpose: Purpose, **fields: Any) -> Run:
    run = make_run(opened_by=person, purpose=purpose.value, planned=1, reason="Left", **fields)
    make_attempt(run, login, not_before=timezone.now() + timedelta(days=1))
    return run


def _failed(person: User, login: Login) -> Run:
    """Return a closed run of a person's that may be retried."""
    run = make_run(opened_by=person, planned=1, reason="Again")
    make_attempt(run, login, outcome="provider_fault")
    run.step_to(RunState.CLOSED, at=timezone.now())
    return run


def _delivery(login: Login) -> Delivery:
    """Return a webhook about a login."""
    now = timezone.now()
    return Delivery.objects.create(
        received_at=now,
        last_received_at=now,
        provider="flinks",
        kind="GetAccountsDetail",
        digest=uuid.uuid4().hex,
        size=1234,
        login_id=login.login_id,
        answer={"HttpStatusCode": 200, "AccountCount": 1},
        state="applied",
    )


def _upload(person: User) -> str:
    content = b"reference,name\nOWN-1,Maple\nno such reference,\n"
    kept = uploads.keep(
        content, name="customers.csv", by=person, now=timezone.now(), seal=wiring.vault().seal
    )
    return str(kept.pk)


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is written inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client: Client, method: str, address: str, form: dict[str, Any]) -> HttpResponse:
    """Send one request and read its answer whole; a POST carries `form`."""
    answer: Any = client.post(address, form) if method == "POST" else client.get(address)
    if answer.streaming:
        answer.streaming_content = [answer.getvalue()]
    return answer


def everything_stored() -> dict[str, list[Any]]:
    """Return every row of every table, but sessions and the notes of who viewed or took away."""
    found: dict[str, list[Any]] = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - NOT_COMPARED):
            where = NOTED.get(table, "")
            cursor.execute(f'SELECT * FROM "{table}"{where}')
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found
