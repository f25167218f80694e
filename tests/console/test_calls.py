"""The trace: exact search, cheap lists, and each answer in plain words."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.console import scoping
from refreshops.tracing.events import Action
from refreshops.tracing.models import Call, Event
from tests.console.conftest import make_attempt, make_call, make_run, page_of

REQUEST_ID = "46d5f682-e9dd-46ba-8cf6-3e5eff34f600"


def found(client, term):
    return client.get("/tracing/call/", {"q": term}).context["cl"].result_count


def test_search_by_login_id_however_it_is_written(signed_in, register):
    client = signed_in("ops")
    login_id = register.own.login_id

    for written in (login_id, login_id.upper(), f"{{{login_id}}}", f"  {login_id} "):
        assert found(client, written) == 1


def test_search_by_request_id(signed_in, register):
    make_call(register.own, register.run, request_id=REQUEST_ID)

    assert found(signed_in("ops"), REQUEST_ID) == 1


def test_search_by_run(signed_in, register):
    assert found(signed_in("ops"), str(register.run.pk)) == 2
    assert found(signed_in("ops"), str(register.run.pk + 1)) == 0


def test_a_part_of_an_id_finds_nothing(signed_in, register):
    assert found(signed_in("ops"), register.own.login_id[:12]) == 0


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"http": "401"}, 1),
        ({"code": "QUESTION_NOT_FOUND"}, 1),
        ({"code": "NEVER_HEARD"}, 0),
        ({"endpoint": "Authorize"}, 2),
        ({"state__exact": "answered"}, 2),
        ({"http": "zzz"}, 0),
        ({"day": "today"}, 2),
        ({"day": "yesterday"}, 0),
        ({"day": "week"}, 2),
        ({"day": "2020-02-29"}, 0),
        ({"day": "2021-02-29"}, 0),
        ({"day": "9999-12-31"}, 0),
        ({"day": "x\0"}, 0),
        ({"attempt": "x"}, 0),
        ({"attempt": "9" * 19}, 0),
    ],
)
def test_filters(signed_in, register, query, rows):
    assert signed_in("ops").get("/tracing/call/", query).context["cl"].result_count == rows


def test_the_list_reads_no_bodies_and_counts_no_further_than_the_cap(signed_in, register):
    for _ in range(60):  # more than one page
        make_call(register.own, register.run)
    client = signed_in("ops")

    with CaptureQueriesContext(connection) as queries:
        client.get("/tracing/call/")

    about_calls = [row["sql"] for row in queries if "tracing_call" in row["sql"]]
    assert len(queries) <= 8
    assert not [sql for sql in about_calls if '"tracing_call"."answer"' in sql]
    assert all("LIMIT" in sql for sql in about_calls)


def test_one_call_says_what_its_code_means_and_what_next(signed_in, register):
    page = signed_in("ops").get(page_of(register.own_call)).content.decode()

    assert "Customer must act" in page
    assert "The customer acts next." in page


@pytest.mark.parametrize(
    "endpoint", ["GenerateAuthorizeToken", "SetScheduledRefresh", "GetNightlyRefreshStatus"]
)
def test_a_call_that_fetches_nothing_is_not_called_fresh(signed_in, register, endpoint):
    call = make_call(register.own, register.run, endpoint=endpoint, http_status_code=200)

    lead = signed_in("ops").get(page_of(call)).context["plain"]

    assert lead.meaning == "The call worked."
    assert lead.next_step == "Nothing to do."


def test_a_refused_order_says_what_is_the_matter_without_a_logins_outcome(signed_in, register):
    refused = {"provider_code": "INVALID_REQUEST", "http_status_code": 400}
    call = make_call(register.own, register.run, endpoint="SetScheduledRefresh", **refused)

    lead = signed_in("ops").get(page_of(call)).context["plain"]

    assert lead.meaning == "Flinks could not read our request: a value is missing or wrong."
    assert lead.who == "Operations acts next."


def test_an_answer_that_worked_leaves_the_age_of_the_data_to_last_refresh(signed_in, register):
    lead = signed_in("ops").get(page_of(register.foreign_call)).context["plain"]

    assert lead.meaning == "The connection worked."
    assert "LastRefresh decides" in lead.next_step


def test_a_call_cut_off_says_why(signed_in, register):
    call = make_call(
        register.own, register.run, state="no_answer", error="Cut off: the worker died"
    )

    assert "Cut off: the worker died" in signed_in("ops").get(page_of(call)).content.decode()


def test_a_call_on_its_way_is_not_shown_as_answered(signed_in, register):
    call = make_call(register.own, register.run, state="sent", answered_at=None)

    page = signed_in("ops").get(page_of(call)).content.decode()

    assert "on its way" in page
    assert "No usable answer" not in page


def test_an_unknown_code_is_shown_as_it_came(signed_in, register):
    call = make_call(
        register.own, register.run, provider_code="Brand_New-Code", http_status_code=401
    )

    page = signed_in("ops").get(page_of(call)).content.decode()

    assert "Brand_New-Code" in page
    assert "Unknown code" in page


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def test_a_hostile_message_is_shown_as_text_everywhere(signed_in, register):
    call = make_call(
        register.own, register.run, message=HOSTILE, provider_code=HOSTILE[:80], error=HOSTILE
    )
    register.own_attempt.message = HOSTILE
    register.own_attempt.save()
    client = signed_in("admin")

    for address in ("/tracing/call/", page_of(call), page_of(register.own), page_of(register.run)):
        page = client.get(address).content.decode()
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert "&lt;img src=x" in page


# What a browser, a terminal or a reader would take for something else: bidi, control, zero width.
UNSEEN = "a\u202ego.exe\u200b\x07"


def test_unseen_characters_are_spelled_out(signed_in, register):
    call = make_call(
        register.own,
        register.run,
        message=UNSEEN,
        error=UNSEEN,
        provider_code=UNSEEN,
        answer={"Message": UNSEEN},
    )
    client = signed_in("ops")

    for address in ("/tracing/call/", page_of(call)):
        page = client.get(address).content.decode()
        assert not [sign for sign in "\u202e\u200b\x07" if sign in page]
        assert "&lt;U+202E&gt;" in page


# --- Days ---


@pytest.fixture
def at_local_midnight(register):
    """Calls around the midnight of Toronto that begins 20 November 2026, and today is the 20th."""
    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
    Call.objects.all().delete()
    for seconds in (-1, 0, 86_399, 86_400):
        make_call(register.own, register.run, sent_at=midnight + timedelta(seconds=seconds))
    with time_machine.travel(midnight + timedelta(hours=30), tick=False):
        yield


@pytest.mark.parametrize(
    ("day", "seconds"),
    [("2026-11-20", [86_399, 0]), ("2026-11-19", [-1]), ("2026-11-22", [])],
)
def test_a_day_is_a_local_day(signed_in, at_local_midnight, day, seconds):
    rows = signed_in("ops").get("/tracing/call/", {"day": day}).context["cl"].result_list

    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert [(row.sent_at - midnight).total_seconds() for row in rows] == seconds


def test_a_date_that_is_none_is_said(signed_in, register):
    page = signed_in("ops").get("/tracing/call/", {"day": "soon"}).content.decode()

    assert "“soon” is no date such as 2026-11-20: nothing is shown." in page


# --- One call among others ---


@pytest.fixture
def three(register):
    """Three calls of one attempt, oldest first, of the manager's login."""
    begun = register.own_call.sent_at - timedelta(hours=1)
    return [
        make_call(
            register.own,
            register.run,
            sent_at=begun + timedelta(seconds=number),
            attempt_id=register.own_attempt.pk,
            endpoint=endpoint,
            request_id="46d5f682-e9dd-46ba-8cf6-3e5eff34f600",
        )
        for number, endpoint in enumerate(("Authorize", "GetAccountsDetail", "GetAccountsDetail"))
    ]


@pytest.mark.parametrize("name", ["ops", "manager"])
def test_a_call_leads_to_the_one_before_and_after_of_its_login(signed_in, three, name):
    client = signed_in(name)

    first, second, third = (client.get(page_of(call)).context["links"] for call in three)

    assert first["older"] == ""
    assert second["older"] == page_of(three[0])
    assert second["newer"] == page_of(three[2])
    assert third["newer"] == page_of(Call.objects.get(provider_code="QUESTION_NOT_FOUND"))


def test_a_call_shows_the_calls_of_its_attempt(signed_in, three):
    client = signed_in("ops")

    siblings = client.get(page_of(three[1])).context["siblings"]

    assert siblings.rows == three
    listed = client.get(siblings.all_url).context["cl"]
    assert listed.result_list == three[::-1]
    assert "Attempt" in str([spec.lookup_choices for spec in listed.filter_specs])


def test_a_call_of_no_login_stands_alone(signed_in, register):
    call = make_call(register.own, register.run, login_id="", endpoint="GenerateAuthorizeToken")

    page = signed_in("ops").get(page_of(call))

    assert page.context["siblings"] is None
    assert {name: page.context["links"][name] for name in ("login", "older", "newer", "all")} == {
        "login": "",
        "older": "",
        "newer": "",
        "all": "",
    }


def test_a_request_id_is_marked_whole_when_it_is_reached(signed_in, three):
    page = signed_in("ops").get(page_of(three[0])).content.decode()

    assert 'readonly size="38" value="46d5f682-e9dd-46ba-8cf6-3e5eff34f600"' in page


def test_a_manager_is_led_to_runs_of_their_own_alone(signed_in, people, register):
    mine = make_run(opened_by=people["manager"], purpose="switch_off")
    make_attempt(mine, register.own)
    calls = [register.own_call, make_call(register.own, mine)]
    client = signed_in("manager")

    runs = [client.get(page_of(call)).context["links"]["run"] for call in calls]

    assert runs == ["", page_of(mine)]
    assert f'href="{page_of(mine)}"' not in client.get("/tracing/call/").content.decode()


@pytest.mark.parametrize(("name", "may"), [("ops", True), ("auditor", False), ("manager", False)])
def test_a_bundle_is_offered_to_who_may_make_one(signed_in, register, name, may):
    page = signed_in(name).get(page_of(register.own_call))

    assert bool(page.context["links"]["bundle"]) == may
    assert ("Support bundle" in page.content.decode()) == may


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
def test_a_calls_page_asks_few_questions(signed_in, three, name):
    client = signed_in(name)

    with CaptureQueriesContext(connection) as queries:
        client.get(page_of(three[1]))

    assert len(queries) <= 8


# --- An account manager ---


@pytest.mark.parametrize("few", [0, 600], ids=["of-many-logins", "of-few-logins"])
@pytest.mark.parametrize("model", ["call", "attempt"])
def test_a_manager_sees_the_same_however_it_is_asked(signed_in, register, monkeypatch, few, model):
    monkeypatch.setattr(scoping, "FEW_LOGINS", few)
    place = {"call": "/tracing/call/", "attempt": "/routine/attempt/"}[model]

    rows = signed_in("manager").get(place).context["cl"].result_list

    assert rows == [getattr(register, f"own_{model}")]


# --- Export ---


def exported(client, query=""):
    """Return the header and the rows of the exported list."""
    answer = client.post(f"/tracing/call/export/{query}")
    assert answer.status_code == 200
    text = answer.getvalue().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    return head, [dict(zip(head, row, strict=True)) for row in rows]


def test_an_export_has_the_seeds_columns_first(signed_in, register):
    head, _ = exported(signed_in("ops"))

    assert head[:8] == [
        "timestamp",
        "URL",
        "body (parameters used)",
        "HttpStatusCode",
        "FlinksCode",
        "Message",
        "LoginId",
        "RequestId",
    ]


def test_an_export_holds_every_page_of_the_list_newest_first(signed_in, register):
    made = [make_call(register.own, register.run, endpoint="DeleteCard") for _ in range(60)]

    _, rows = exported(signed_in("auditor"), "?endpoint=DeleteCard&before=1.1&p=2")

    assert [int(row["call"]) for row in rows] == sorted((row.pk for row in made), reverse=True)


def test_an_export_says_what_was_sent_and_came_back(signed_in, register):
    make_call(
        register.own,
        register.run,
        sent_at=datetime(2026, 11, 20, 10, 15, 0, 123456, tzinfo=UTC),
        body={"LoginId": register.own.login_id, "MostRecentCached": True},
        http_status_code=401,
        provider_code="=cmd()",
        message="\u202e=1+1",
        request_id=REQUEST_ID,
    )

    _, (row,) = exported(signed_in("ops"), f"?q={REQUEST_ID}")

    assert row["timestamp"] == "2026-11-20T10:15:00.123456Z"
    assert row["body (parameters used)"].startswith('{"LoginId": "')
    assert row["HttpStatusCode"] == "401"
    assert row["FlinksCode"] == "'=cmd()"
    assert row["LoginId"] == register.own.login_id


def test_an_export_is_told_in_the_story(signed_in, register):
    exported(signed_in("ops"), "?http=401&q=&before=1.1")

    event = Event.objects.get(action=Action.EXPORT.value)
    assert (event.actor, event.number) == ("ops", 1)
    assert event.details == {"what": "calls", "as": "csv", "filters": {"http": "401"}}


def test_words_that_were_searched_for_are_not_kept(signed_in, register):
    exported(signed_in("ops"), "?q=Mrs+Birch")

    assert Event.objects.get(action=Action.EXPORT.value).details["filters"] == {"q": "(words)"}


def test_a_list_offers_its_export_to_who_may(signed_in, register):
    asked = {name: signed_in(name).get("/tracing/call/?http=401") for name in ("ops", "manager")}

    assert asked["ops"].context["export_url"] == "/tracing/call/export/?http=401"
    assert "Export (CSV)" in asked["ops"].content.decode()
    assert "Export (CSV)" not in asked["manager"].content.decode()
    assert signed_in("manager").post("/tracing/call/export/").status_code == 403


def test_a_filter_that_makes_no_sense_exports_nothing(signed_in, register):
    client = signed_in("ops")
    client.raise_request_exception = False

    assert client.post("/tracing/call/export/?message__regex=a").status_code == 400
    assert not Event.objects.filter(action=Action.EXPORT.value).exists()
