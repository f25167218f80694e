"""The trace: exact search, cheap lists, and each answer in plain words."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.console.conftest import make_call, page_of

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
    assert len(queries) <= 10
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


def test_a_list_beyond_the_cap_does_not_claim_to_have_counted_it(signed_in, register, monkeypatch):
    monkeypatch.setattr("refreshops.console.machine_rows.COUNT_CAP", 1)

    page = signed_in("ops").get("/tracing/call/").content.decode()

    assert "The newest 1 calls" in page
