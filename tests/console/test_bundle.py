"""Support bundles in the browser: what is chosen, what is handed out, and to whom."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.console import bundle_pages, bundle_source
from refreshops.console.addresses import bundle_of, bundle_of_cell
from refreshops.routine.privacy import story_of
from refreshops.tracing.models import Call, Event
from tests.builders import make_login, make_logins
from tests.console.conftest import make_attempt, make_call, make_run

REQUEST_ID = "46d5f682-e9dd-46ba-8cf6-3e5eff34f600"


@pytest.fixture
def traced(register):
    """Return the register with a failed attempt of two calls, the newer one refused."""
    of_attempt = {"attempt_id": register.own_attempt.pk}
    before = register.own_call.sent_at - timedelta(seconds=2)
    minted = {"endpoint": "GenerateAuthorizeToken", "http_status_code": 200, "sent_at": before}
    make_call(register.own, register.run, **minted, **of_attempt)
    refused = {"http_status_code": 401, "provider_code": "QUESTION_NOT_FOUND"}
    asked = {"body": {"LoginId": register.own.login_id, "MostRecentCached": True}}
    register.own_call.delete()
    register.own_call = make_call(
        register.own, register.run, request_id=REQUEST_ID, **refused, **asked, **of_attempt
    )
    register.own_attempt.finished_at = register.own_call.answered_at
    register.own_attempt.save()
    return register


def opened(response):
    """Return the files of a bundle, by name."""
    content = b"".join(response)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def made(client, address, **form):
    response = client.post(address, form)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip"
    assert "no-store" in response["Cache-Control"]
    return opened(response)


def addresses(register):
    return {
        "call": bundle_of("call", register.own_call.pk),
        "login": bundle_of("login", register.own.pk),
        "attempt": bundle_of("attempt", register.own_attempt.pk),
        "run": bundle_of("run", register.run.pk),
        "cell": bundle_of_cell(institution="TD", code="QUESTION_NOT_FOUND", outcome="user_action"),
        "run-cell": bundle_of_cell(
            institution="TD", code="QUESTION_NOT_FOUND", run=register.run.pk
        ),
    }


@pytest.mark.parametrize("kind", ["call", "login", "attempt", "run", "cell", "run-cell"])
def test_from_everywhere_the_page_shows_what_the_zip_holds(signed_in, traced, kind):
    client, address = signed_in("ops"), addresses(traced)[kind]

    with CaptureQueriesContext(connection) as queries:
        page = client.get(address)
    files = made(client, address)

    source = page.context["source"]
    documents = sorted(name for name in files if name.startswith("calls/"))
    assert len(queries) <= 8
    assert [json.loads(files[name])["call"] for name in documents] == [
        call.pk for call in source.calls
    ]
    assert traced.own_call.pk in {call.pk for call in source.calls}
    assert f"RequestId:       {REQUEST_ID}" in files["ticket.txt"].decode()
    assert "401" in page.content.decode()


def test_the_ticket_says_what_went_wrong_and_what_was_expected(signed_in, traced):
    ticket = made(signed_in("ops"), addresses(traced)["attempt"])["ticket.txt"].decode()

    assert f"attempt {traced.own_attempt.pk} of LoginId {traced.own.login_id}" in ticket
    assert "    1 x Authorize: HttpStatusCode 401, QUESTION_NOT_FOUND" in ticket
    assert "1. POST http://127.0.0.1/v3/[customer]/BankingServices/Authorize" in ticket
    assert "We expected:     HttpStatusCode 200 with a RequestId, and a LastRefresh" in ticket
    assert "GenerateAuthorizeToken" not in ticket.split("What went wrong")[1]
    assert ticket.isascii()


def test_the_timeline_tells_calls_and_ends_in_order(signed_in, traced):
    files = made(signed_in("ops"), addresses(traced)["attempt"])

    rows = list(csv.DictReader(io.StringIO(files["timeline.csv"].decode("utf-8-sig"))))

    assert [row["what"] for row in rows] == ["call", "call", "attempt ended"]
    assert [row["endpoint"] for row in rows] == ["GenerateAuthorizeToken", "Authorize", ""]
    assert rows[1]["FlinksCode"] == "QUESTION_NOT_FOUND"
    assert rows[1]["file"] in files
    assert rows[2]["outcome"] == "user_action"


def test_the_manifest_names_each_file_with_its_digest(signed_in, traced):
    files = made(signed_in("ops"), addresses(traced)["login"])

    manifest = json.loads(files.pop("manifest.json"))

    assert {row["name"]: (row["sha256"], row["bytes"]) for row in manifest["files"]} == {
        name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()
    }
    assert manifest["never_stored"]["kept_of_requests"][:2] == ["LoginId", "RequestId"]
    assert "Login.LastRefresh" in manifest["never_stored"]["kept_of_answers"]


def test_no_customer_and_no_person_of_ours_is_in_it(signed_in, traced):
    for address in addresses(traced).values():
        everything = b"".join(made(signed_in("ops"), address, reason="Ask for Maple").values())
        for word in (b"Maple", b"OWN-1", b"manager\n", b"ops"):
            assert word not in everything.replace(NOT_ABOUT_ANYBODY, b""), address


NOT_ABOUT_ANYBODY = b"Customers (reference, name, manager), people of ours"


def test_making_one_is_told_with_its_digest(signed_in, traced):
    client = signed_in("ops")

    # PostgreSQL stores no NUL.
    response = client.post(addresses(traced)["login"], {"reason": "They\0 asked"})
    content = b"".join(response)

    event = Event.objects.get(action="bundle")
    assert (event.actor, event.reason, event.number) == ("ops", "They asked", 2)
    assert (event.subject, event.subject_id) == ("login", traced.own.pk)
    assert event.details["sha256"] == hashlib.sha256(content).hexdigest()
    assert LogEntry.objects.get().change_message == "Made a support bundle of 2 calls."


def test_looking_at_the_page_makes_none(signed_in, traced):
    signed_in("ops").get(addresses(traced)["login"])

    assert not Event.objects.filter(action="bundle").exists()


@pytest.mark.parametrize("who", ["manager", "auditor", "viewer", "privacy", "nobody"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_operations_may(signed_in, traced, who, method):
    for address in addresses(traced).values():
        assert getattr(signed_in(who), method)(address).status_code == 403
    assert getattr(signed_in(who), method)(bundle_of("login", 999)).status_code == 403


def test_a_reader_of_their_own_customers_gets_nothing_foreign(signed_in, people, traced):
    people["manager"].user_permissions.add(Permission.objects.get(codename="bundle_call"))
    client = signed_in("manager")

    foreign = [
        bundle_of("login", traced.foreign.pk),
        bundle_of("call", traced.foreign_call.pk),
        bundle_of("attempt", traced.foreign_attempt.pk),
        bundle_of("run", traced.run.pk),
        bundle_of_cell(institution="Farbank"),
        bundle_of_cell(institution="Farbank", run=traced.run.pk),
    ]
    answers = [client.get(address).status_code for address in foreign]
    own = made(client, addresses(traced)["cell"])

    assert answers == [404] * len(foreign)
    assert traced.foreign.login_id.encode() not in b"".join(own.values())


@pytest.mark.parametrize(
    "address",
    [
        "/bundle/customer/1/",
        "/bundle/login/999/",
        f"/bundle/login/{10**25}/",
        "/bundle/cell/",
        "/bundle/cell/?institution=Nowhere",
        "/bundle/cell/?institution=TD%00",
        "/bundle/cell/?institution=TD&run=x",
        "/bundle/cell/?run=1",
    ],
)
def test_what_is_not_there_is_404(signed_in, traced, address):
    assert signed_in("ops").get(address).status_code == 404


def test_a_row_without_calls_offers_no_bundle(signed_in, traced):
    login = make_login(institution="Quiet")
    client = signed_in("ops")

    page = client.get(bundle_of("login", login.pk))
    posted = client.post(bundle_of("login", login.pk))

    assert "nothing to hand out" in page.content.decode()
    assert posted["Content-Type"].startswith("text/html")
    assert not Event.objects.filter(action="bundle").exists()


def test_of_many_calls_the_newest_go_in_and_the_rest_is_owned_up_to(signed_in, traced, monkeypatch):
    monkeypatch.setattr(bundle_source, "MOST_CALLS", 3)
    newest = [make_call(traced.own, traced.run, http_status_code=200).pk for _ in range(4)]
    client, address = signed_in("ops"), addresses(traced)["login"]

    page = client.get(address)
    manifest = json.loads(made(client, address)["manifest.json"])

    assert [call.pk for call in page.context["source"].calls] == newest[1:]
    assert "3 more are left out" in page.content.decode()
    assert manifest["calls"] == {
        "in_here": 3,
        "rule": "The newest 3 calls of the login",
        "left_out": 3,
    }


def test_of_a_run_each_failed_login_comes_first_with_its_failed_calls(
    signed_in, traced, monkeypatch
):
    monkeypatch.setattr(bundle_source, "MOST_LOGINS", 2)
    monkeypatch.setattr(bundle_source, "CALLS_EACH", 2)
    run = make_run()
    failing = make_login(institution="Down")
    ends = {"fresh": make_login(), "institution_unavailable": failing, "stale": make_login()}
    of = {outcome: make_attempt(run, login, outcome=outcome) for outcome, login in ends.items()}
    at = {"attempt_id": of["institution_unavailable"].pk}
    failed = make_call(failing, run, http_status_code=401, provider_code="RETRY_LATER", **at)
    polled = [make_call(failing, run, http_status_code=202, **at).pk for _ in range(3)]
    make_call(ends["fresh"], run, http_status_code=200, attempt_id=of["fresh"].pk)
    stale = make_call(ends["stale"], run, http_status_code=200, attempt_id=of["stale"].pk)

    page = signed_in("ops").get(bundle_of("run", run.pk))

    assert {call.pk for call in page.context["source"].calls} == {failed.pk, polled[-1], stale.pk}
    assert "3 more are left out" in page.content.decode()


def test_a_call_that_worked_is_told_as_wrong_where_its_data_was_too_old(signed_in, traced):
    run, login = make_run(), make_login()
    attempt = make_attempt(run, login, outcome="stale")
    make_call(login, run, http_status_code=200, attempt_id=attempt.pk)

    ticket = made(signed_in("ops"), bundle_of("attempt", attempt.pk))["ticket.txt"].decode()

    assert "What went wrong" in ticket
    assert "a LastRefresh of the last night" in ticket


def test_how_much_bank_data_came_is_said_only_by_who_may_know(signed_in, people, traced):
    Call.objects.filter(pk=traced.own_call.pk).update(
        answer={"AccountCount": 31, "Holder": "Jane Canary"}
    )
    people["manager"].user_permissions.add(Permission.objects.get(codename="bundle_call"))

    told = {
        who: b"".join(made(signed_in(who), addresses(traced)["login"]).values())
        for who in ("ops", "manager")
    }

    assert b'"AccountCount": 31' in told["ops"]
    assert b"AccountCount" not in told["manager"]
    assert b"Canary" not in told["ops"]


@pytest.mark.parametrize("of_cell", [False, True], ids=["run", "cell"])
def test_the_page_shows_first_what_failed_however_old(signed_in, people, monkeypatch, of_cell):
    monkeypatch.setattr(bundle_pages, "SHOWN", 3)
    run = make_run(state="closed", closed_at=timezone.now())
    ends = [make_login(institution="TD") for _ in range(3)]
    of = [
        {"attempt_id": make_attempt(run, login, outcome=outcome, provider_code="X").pk}
        for login, outcome in zip(ends, ("user_action", "stale", "fresh"), strict=True)
    ]
    refused = make_call(ends[0], run, http_status_code=401, **of[0])
    stale = make_call(ends[1], run, http_status_code=200, **of[1])
    silent = make_call(
        ends[2], run, state="no_answer", error="reset", http_status_code=None, **of[2]
    )
    for _ in range(4):
        make_call(ends[2], run, http_status_code=200, **of[2])
    cell = bundle_of_cell(institution="TD", code="X", run=run.pk)

    page = signed_in("ops").get(cell if of_cell else bundle_of("run", run.pk))

    assert [call.pk for call in page.context["shown"]] == [silent.pk, refused.pk, stale.pk]


@pytest.mark.parametrize("kind", ["call", "login", "attempt", "run", "cell", "run-cell"])
def test_a_customer_is_told_of_every_bundle_that_their_calls_were_in(signed_in, traced, kind):
    files = made(signed_in("ops"), addresses(traced)[kind])
    told = {
        name: [row.action for row in story_of(customer)]
        for name, customer in {"own": traced.customer, "foreign": traced.foreign.customer}.items()
    }

    assert traced.own.login_id in files["timeline.csv"].decode()
    handed_out = traced.foreign.login_id in files["timeline.csv"].decode()
    assert told == {"own": ["bundle"], "foreign": ["bundle"] if handed_out else []}


def test_a_page_names_some_of_the_logins_of_a_bundle_and_the_event_keeps_all(signed_in, traced):
    logins = make_logins(12)
    for login in logins:
        make_attempt(traced.run, login, outcome="unknown")
    made(signed_in("ops"), addresses(traced)["run"])
    event = Event.objects.get(action="bundle")

    page = signed_in("auditor").get(f"/tracing/event/{event.pk}/change/").content.decode()

    every = sorted([*(login.pk for login in logins), traced.own.pk, traced.foreign.pk])
    assert event.details["logins"] == every
    assert f"{', '.join(map(str, every[:10]))} and 4 more" in page
