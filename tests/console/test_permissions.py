"""Every address of the site, for every kind of person, as docs/permissions.md says.

A new address or action without a line there fails, and so does a line without an address.
"""

import re
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse

from refreshops.console.run_steps import STEPS
from tests.console.permission_site import (
    BANK_DATA,
    COLUMNS,
    FOREIGN,
    NO_ROW,
    VISITOR,
    Site,
    ask,
    everything_stored,
    header,
    lines,
    make_site,
    routes,
    undone,
)

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST")
ADDRESSES, ACTIONS = lines("Addresses"), lines("Actions")
# People of two groups, and whose column they share: what the add-on gives stands in the document.
WITH_ADD_ONS = {
    "both_add_ons": {"erase": "200 302"},
    "curious_manager": {},
    "private_manager": {"erase": "200 302"},
}
# What two add-ons together do not give, none of them gives.
THE_MOST = "both_add_ons"

# Each page that says no has one of its own.
NUMBER = re.compile(rb"(?<=Number <code>)[0-9a-f]{8}")
SIGNED = {"/webhooks/flinks/"}
SHOWING_BANK_DATA = {"/logins/login/{login}/change/", "/bankdata/bankaccount/"}
SHOWN_BANK_DATA = {"data viewer", "superuser"}

each_address = pytest.mark.parametrize("line", ADDRESSES, ids=lambda line: line.name)
each_action = pytest.mark.parametrize("line", ACTIONS, ids=lambda line: line.name)
each_with_row = pytest.mark.parametrize(
    "line", [line for line in ADDRESSES if line.has_row], ids=lambda line: line.name
)


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker):
    """One site for all tests: each request is taken back when it is answered."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_site()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stored(site):
    return everything_stored()


@dataclass(frozen=True)
class Heard:
    """The statuses of GET and POST, as a cell of the document has them, and all that was said."""

    statuses: str
    said: bytes = b""


def heard(site: Site, line, column, *, name=None) -> Heard:
    """Send both methods; what the POST writes is taken back."""
    client = site.client(COLUMNS[column] if name is None else name)
    address, form = site.address(line, column), site.form(column)
    read = ask(client, "GET", address, form)
    with undone():
        written = ask(client, "POST", address, form)
    statuses = f"{read.status_code} {written.status_code}"
    return Heard(statuses, b"".join(read) + b"".join(written))


# --- Every address ---


def test_the_tables_have_the_columns_that_are_tested():
    assert set(header("Addresses")) == set(header("Actions")) == {("address", *COLUMNS)}


def test_every_address_of_the_site_has_a_line_and_every_line_an_address(site):
    written = [resolve(site.address(line, VISITOR).split("?")[0]).route for line in ADDRESSES]

    assert sorted(routes() - set(written)) == []
    assert sorted(set(written) - routes()) == []
    assert len({line.name for line in ADDRESSES}) == len(ADDRESSES)


@pytest.mark.parametrize(
    ("address", "steps"), [("run", set(STEPS)), ("provider", {"pause", "resume"})]
)
def test_every_step_of_an_order_has_a_line(address, steps):
    named = [line.name.split("/") for line in ADDRESSES if "/order/" in line.name]

    assert {parts[-2] for parts in named if parts[2] == address} == steps


@each_address
def test_everybody_gets_what_the_document_says_and_reading_changes_nothing(site, line, stored):
    found = {
        column: Heard(NO_ROW)
        if column == FOREIGN and not line.has_row
        else heard(site, line, column)
        for column in COLUMNS
    }

    assert {column: answer.statuses for column, answer in found.items()} == line.cells
    shown = {column for column, answer in found.items() if BANK_DATA.encode() in answer.said}
    assert shown <= SHOWN_BANK_DATA
    assert everything_stored() == stored


@each_address
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == THE_MOST else pytest.mark.soak)
        for name in WITH_ADD_ONS
    ],
)
def test_an_add_on_shows_an_account_manager_nothing_more(site, line, name):
    names = ("curious_manager", "private_manager") if name == THE_MOST else (name,)
    groups = Group.objects.filter(user__in=[site.people[each] for each in names])
    site.people["manager"].groups.set(groups.distinct())
    allowed = WITH_ADD_ONS[name].get(line.name.strip("/").split("/")[-1])

    found = [heard(site, line, column, name="manager") for column in asked_for(line)]

    usual = [line.cells[column] for column in asked_for(line)]
    assert [answer.statuses for answer in found] == ([allowed, "404 404"] if allowed else usual)
    assert not any(BANK_DATA.encode() in answer.said for answer in found)


def asked_for(line) -> list[str]:
    """Return the columns of an account manager that differ for an address."""
    return ["manager, own", FOREIGN] if line.has_row else ["manager, own"]


def test_data_viewers_are_shown_bank_data(site):
    pages = [line for line in ADDRESSES if line.name in SHOWING_BANK_DATA]

    for line in pages:
        answer = site.client("viewer").get(site.address(line, VISITOR))
        assert BANK_DATA in answer.content.decode(), line.name
    assert len(pages) == len(SHOWING_BANK_DATA)


@each_address
def test_a_disabled_person_is_a_visitor_though_their_session_lives(site, line):
    User.objects.update(is_active=False)

    assert heard(site, line, "superuser").statuses == line.cells[VISITOR]


@each_address
def test_a_visitor_is_sent_to_sign_in_and_nowhere_else(site, line):
    for method in METHODS:
        answer = ask(site.client(""), method, site.address(line, VISITOR), {})

        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/?next=/") or line.name == "/logout/"


@each_address
def test_a_form_without_its_token_is_refused(site, line, strict_client):
    for name in ("", "admin"):
        answer = strict_client(site, name).post(site.address(line, VISITOR), site.form(VISITOR))

        # Nobody's browser is led to what a machine signs: its signature is looked for instead.
        assert answer.status_code == (401 if line.name in SIGNED else 403), name


@pytest.fixture(scope="module")
def strict_client():
    """Return a client of a person that brings no token and finds that it is wanted."""
    clients: dict[str, Client] = {}

    def of(site, name):
        if name not in clients:
            clients[name] = Client(enforce_csrf_checks=True)
            for key, value in site.cookies.get(name, {}).items():
                clients[name].cookies[key] = value
        return clients[name]

    return of


@each_address
@pytest.mark.parametrize("name", ["admin", pytest.param("manager", marks=pytest.mark.soak)])
def test_no_other_method_changes_anything(site, line, stored, name):
    for method in ("head", "options", "put", "patch", "delete"):
        answer = getattr(site.client(name), method)(site.address(line, "manager, own"))
        assert answer.status_code < 500, method

    assert everything_stored() == stored


@each_with_row
@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_row_reads_like_one_that_is_not_there(site, line, method):
    absent = {name: row for name, row in site.foreign.items() if not isinstance(row, str)}
    nowhere = {name: 987654321 + number for number, name in enumerate(absent)}
    texts = {"upload": "00000000-0000-4000-8000-000000000000", "reference": "NOT-1"}
    shared = {name: row for name, row in site.foreign.items() if site.own[name] == row}

    answers = []
    for rows in (site.foreign, {**nowhere, **texts, **shared}):
        address = line.name.format(**rows)
        with undone():
            answer = ask(site.client("manager"), method, address, site.form("manager, own"))
        leads_to = answer.get("Location", "").removeprefix(address)
        answers.append((answer.status_code, leads_to, NUMBER.sub(b"", b"".join(answer))))

    assert answers[0] == answers[1]


# --- Every action of a list ---


def test_every_action_has_a_line_and_every_line_an_action():
    offered = {
        f"{model._meta.label_lower} {name}"
        for model, found in admin.site._registry.items()
        for name in actions_of(found)
    }

    assert sorted(offered ^ {line.name for line in ACTIONS}) == []


def actions_of(model_admin) -> set[str]:
    """Return the actions a list could offer to anybody at all."""
    if model_admin.actions is None:
        return set()
    own = {name for _, name, _ in model_admin._get_base_actions()}
    deletes = type(model_admin).has_delete_permission is not admin.ModelAdmin.has_delete_permission
    return own - {"delete_selected"} if deletes else own


@each_action
def test_an_action_is_carried_out_for_its_people_alone(site, line, stored):
    for column, name in COLUMNS.items():
        if column == FOREIGN:
            continue
        with undone():
            asked = site.client(name).post(*action(site, line, {}))
            may = is_carried_out(asked)
        with undone():
            ask(site.client(name), "POST", *action(site, line, site.form(column)))
            changed = everything_stored() != stored

        assert ("yes" if may else "no") == line.cells[column], column
        assert may or not changed, column


def action(site: Site, line, form) -> tuple[str, dict]:
    """Return the address of a list and the form that orders an action about one of its rows."""
    label, name = line.name.split(" ")
    table = label.split(".")[1]
    row = {"unknownlogin": "unknown", "reconnectcase": "case"}.get(table, table)
    fields = {"action": name, "_selected_action": site.own[row], "rows": site.own[row]}
    address = reverse(f"admin:{label.replace('.', '_')}_changelist")
    return address, {**form, **fields} if form else {**fields, "rows": ""}


def is_carried_out(answer) -> bool:
    """Tell whether an action asked its question or gave its file: the list itself is a no."""
    if answer.status_code != 200:
        return False
    return answer.streaming or "cl" not in answer.context
