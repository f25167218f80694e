"""One login's page: what is the matter and by when, everything that happened, notes of staff."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.bankdata.vault import Vault
from refreshops.console.timeline import timeline_of
from refreshops.console.timeline_entries import cursor_of
from refreshops.logins.models import Login, Note
from refreshops.routine.disclosure import everything_about
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Call, Event
from tests.builders import NOON, make_login, make_logins
from tests.console.conftest import make_attempt, make_call, make_run, page_of

NOT_PLAIN = "<script>alert(1)</script>\nRenée\u202e said\x00 so"


def note_page(login: Login) -> str:
    return page_of(login).replace("change", "note")


def make_past(login: Login, *, days: int, calls: int = 2) -> None:
    """Ask about the login in a daily run on each of so many days, some calls each time."""
    now = timezone.now()
    runs = Run.objects.bulk_create(
        Run(
            provider=login.provider,
            purpose="refresh",
            origin="daily",
            local_date=timezone.localdate() - timedelta(days=n),
            opened_at=now - timedelta(days=n),
            state="closed",
            closed_at=now,
        )
        for n in range(1, days + 1)
    )
    ended = {"purpose": "refresh", "state": "done", "outcome": "fresh", "not_before": now}
    attempts = Attempt.objects.bulk_create(
        Attempt(run=run, login=login, finished_at=run.opened_at, **ended) for run in runs
    )
    sent = {"provider": "flinks", "endpoint": "Authorize", "login_id": login.login_id}
    Call.objects.bulk_create(
        Call(sent_at=row.finished_at, run_id=row.run_id, attempt_id=row.pk, **sent)
        for row in attempts
        for _ in range(calls)
    )


def every_page(user, login: Login) -> list:
    """Read the timeline to its end, as somebody who always follows "Older"."""
    found, below = [], None
    while True:
        timeline = timeline_of(user, login, now=timezone.now(), below=below, shown=7)
        found += timeline.entries
        if not timeline.older:
            return found
        below = cursor_of(timeline.older)


# --- The timeline ---


def test_it_tells_everything_once_and_newest_first(people, register):
    make_past(register.own, days=20)
    run = make_run(opened_by=people["ops"], purpose="switch_off", reason="Contract ended")
    make_attempt(run, register.own, outcome="fresh")
    same_moment = timezone.now()
    for text in "abcdefghij":
        Note.objects.create(
            login=register.own, written_at=same_moment, written_by=people["ops"], text=text
        )
    note(Action.CHANGE_ROW, by=people["admin"], at=same_moment, subject=("login", register.own.pk))
    make_attempt(make_run(), make_login(), outcome="stale")

    entries = every_page(people["ops"], register.own)

    kinds = [row.kind for row in entries]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "ended": 20 + 1 + 1,
        "ordered": 1,
        "note": 10,
        "event": 1,
        "a_birth": 1,
    }
    assert [row.at for row in entries] == sorted((row.at for row in entries), reverse=True)
    assert len({(row.kind, row.key) for row in entries}) == len(entries)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("9999-12-31T23:59:59-23:59_note_1", id="after-the-calendar"),
        pytest.param("0001-01-01T00:00:00+23:59_note_1", id="before-the-calendar"),
        pytest.param("2026-11-20T12:00:00_note_1", id="no-zone"),
        pytest.param("2026-11-20T12:00:00Z_note_²", id="no-number"),
        pytest.param("2026-11-20T12:00:00Z_word_1", id="no-kind"),
        pytest.param("2026-02-30T12:00:00Z_note_1", id="no-day"),
    ],
)
def test_a_senseless_place_is_the_newest(signed_in, register, place):
    page = signed_in("ops").get(page_of(register.own), {"before": place})

    assert page.status_code == 200
    assert page.context["timeline"].is_first


def test_what_waits_stands_on_top_and_says_so(people, register):
    make_attempt(make_run(), register.own, not_before=NOON - timedelta(days=9), waits_for="a slot")

    first = every_page(people["ops"], register.own)[0]

    assert (first.kind, first.words) == ("open", "a slot")


def test_an_order_says_who_and_why_and_its_calls_stand_below(signed_in, people, register):
    people["ops"].first_name, people["ops"].last_name = "Anna", "Moss"
    people["ops"].save()
    run = make_run(opened_by=people["ops"], purpose="switch_off", reason="Left <b>us</b>")
    attempt = make_attempt(run, register.own, outcome="fresh", verified=True)
    call = make_call(register.own, run, attempt_id=attempt.pk, endpoint="SetScheduledRefresh")

    body = signed_in("ops").get(page_of(register.own)).content.decode()

    assert "Switch off ordered</strong> by Anna Moss" in body
    assert "Left &lt;b&gt;us&lt;/b&gt;" in body
    assert "<summary>1 call</summary>" in body
    assert page_of(call) in body


@pytest.mark.parametrize(("name", "sees"), [("ops", True), ("auditor", True), ("manager", False)])
def test_events_are_for_those_who_may_read_the_story(signed_in, people, register, name, sees):
    now = timezone.now()
    note(Action.BUNDLE, by=people["ops"], at=now, subject=("login", register.own.pk))

    body = signed_in(name).get(page_of(register.own)).content.decode()

    assert ("Made a support bundle" in body) is sees


def test_a_run_of_somebody_else_is_no_link_for_an_account_manager(signed_in, people, register):
    run = make_run(opened_by=people["ops"])
    make_attempt(run, register.own, outcome="stale")

    body = signed_in("manager").get(page_of(register.own)).content.decode()

    assert f"run {run.pk}" in body
    assert page_of(run) not in body


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-11-19_ended_1", "2026-11-19T00:00:00Z_other_1", "99-99T_ended_1", "_ended_"],
)
def test_a_senseless_beginning_shows_the_newest(signed_in, register, text):
    page = signed_in("ops").get(page_of(register.own), {"before": text})

    assert page.context["timeline"].is_first


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
def test_a_login_with_a_long_past_costs_eight_queries(signed_in, people, register, name):
    make_past(register.own, days=400)
    run = make_run(opened_by=people["ops"], purpose="switch_on")
    make_attempt(run, register.own, outcome="institution_unavailable")
    client = signed_in(name)
    ContentType.objects.get_for_model(Login)  # a process asks for it once

    with CaptureQueriesContext(connection) as asked:
        first = client.get(page_of(register.own))
    with CaptureQueriesContext(connection) as asked_later:
        older = client.get(page_of(register.own), {"before": first.context["timeline"].older})

    assert len(asked) <= 8
    assert len(asked_later) <= 8
    assert "Back to the newest" in older.content.decode()


# --- What is the matter ---


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"outcome": "user_action", "drops_out_at": NOON + timedelta(days=4)},
            "The customer must connect again before <time datetime="
            '"2026-11-24T17:00:00Z" title="2026-11-24 17:00:00 UTC">Tuesday 24 Nov 12:00</time>: '
            "then the provider stops refreshing it at night.",
            id="the-customer",
        ),
        pytest.param(
            {
                "outcome": "user_action",
                "drops_out_at": NOON - timedelta(days=1),
                "data_as_of": NOON - timedelta(days=5),
            },
            "then the data we hold is too old to use.",
            id="the-data-grows-old",
        ),
        pytest.param(
            {"outcome": "provider_fault", "drops_out_at": NOON + timedelta(days=1)},
            "Without a good refresh before",
            id="only-a-refresh-helps",
        ),
        pytest.param(
            {"outcome": "user_action", "drops_out_at": NOON - timedelta(days=1)},
            "Out of the nightly refresh since",
            id="too-late",
        ),
        pytest.param(
            {"outcome": "fresh", "drops_out_at": NOON + timedelta(days=6)}, "", id="all-is-well"
        ),
        pytest.param(
            {"outcome": "stale", "status": "inactive", "drops_out_at": NOON + timedelta(days=1)},
            "",
            id="nobody-wants-it",
        ),
    ],
)
def test_it_says_by_when(signed_in, people, fields, words):
    login = make_login(**fields)

    with time_machine.travel(NOON, tick=False):
        page = signed_in("ops").get(page_of(login))

    if words:
        assert words in page.context["by_when"]
        assert words in page.content.decode()
    else:
        assert not page.context["by_when"]


@pytest.mark.parametrize(("down", "told"), [(3, True), (1, False)])
def test_an_outage_is_the_banks_story_and_asks_nobody_to_reconnect(signed_in, people, down, told):
    failed = {"outcome": "institution_unavailable", "provider_code": "RETRY_LATER"}
    login = make_logins(down, institution="RBC", **failed)[0]
    make_logins(2, institution="RBC", outcome="fresh")

    body = signed_in("ops").get(page_of(login)).content.decode()

    assert ("Most of RBC fails on the bank" in body) is told
    assert ("Nobody needs to reconnect" in body) is told


def test_it_leads_to_the_runbook_and_to_the_row_of_the_code(signed_in, register):
    client = signed_in("ops")

    links = client.get(page_of(register.own)).context["plain"].links

    for _, address in links:
        path, _, anchor = address.partition("#")
        assert f'id="{anchor}"' in client.get(path).content.decode()
    assert [label for label, _ in links] == ["Runbook: Customer must act", "QUESTION_NOT_FOUND"]


@pytest.mark.parametrize("name", ["ops", "auditor"])
def test_the_support_bundle_is_offered_to_those_who_may_make_it(signed_in, register, name):
    body = signed_in(name).get(page_of(register.own)).content.decode()

    assert (f"/bundle/login/{register.own.pk}/" in body) is (name == "ops")


# --- Notes ---


@pytest.mark.parametrize("name", ["ops", "manager"])
def test_a_note_is_kept_and_shown_as_plain_text(signed_in, people, register, name):
    client = signed_in(name)

    answer = client.post(note_page(register.own), {"text": NOT_PLAIN})
    body = client.get(page_of(register.own)).content.decode()

    kept = Note.objects.get()
    assert answer["Location"] == f"{page_of(register.own)}#timeline"
    assert (kept.written_by, kept.text) == (people[name], NOT_PLAIN.translate({0x202E: "", 0: ""}))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nRenée" in body
    assert Event.objects.filter(
        action="note", subject="login", subject_id=register.own.pk, reason=""
    ).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "Write something"), (" \n\x00 ", "Write something"), ("x" * 2001, "2001 characters")],
    ids=["empty", "nothing-to-see", "too-long"],
)
def test_a_note_that_cannot_be_kept_is_asked_again_with_its_text(signed_in, register, text, said):
    answer = signed_in("ops").post(note_page(register.own), {"text": text})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert answer.context["text"] == text
    assert not Note.objects.exists()


def test_nothing_is_written_about_a_customer_who_asked_to_be_forgotten(signed_in, register):
    register.customer.erasure_asked_at = timezone.now()
    register.customer.save()

    answer = signed_in("ops").post(note_page(register.own), {"text": "Called them"})

    assert answer.status_code == 400
    assert not Note.objects.exists()


@pytest.mark.parametrize(("name", "status"), [("auditor", 403), ("other", 404), ("viewer", 403)])
def test_a_note_is_written_by_those_who_may_and_about_ones_own(signed_in, register, name, status):
    answer = signed_in(name).post(note_page(register.own), {"text": "Called them"})

    assert answer.status_code == status
    assert not Note.objects.exists()


def test_notes_are_part_of_what_is_disclosed(people, register):
    Note.objects.create(
        login=register.own, written_at=NOON, written_by=people["ops"], text="Called them"
    )
    Note.objects.create(
        login=register.foreign, written_at=NOON, written_by=people["ops"], text="Not theirs"
    )
    register.snapshot.delete()

    vault = Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
    document = "".join(everything_about(register.customer, vault=vault, now=NOON))

    assert "Called them" in document
    assert "Not theirs" not in document


@pytest.mark.parametrize(
    ("hours", "badge"),
    [
        pytest.param(3, '<span class="badge o-fresh"><i></i>Fresh</span>', id="fresh"),
        pytest.param(60, '<span class="badge o-due"><i></i>Was fresh</span>', id="grown-old"),
    ],
)
def test_a_login_is_not_green_on_its_page_or_in_the_list_once_its_data_is_old(
    signed_in, people, hours, badge
):
    refreshed_at = timezone.now() - timedelta(hours=hours)
    login = make_login(outcome="fresh", data_state="fresh", last_refresh_at=refreshed_at)
    client = signed_in("ops")

    pages = [client.get(path).content.decode() for path in (page_of(login), "/logins/login/")]

    assert [badge in page for page in pages] == [True, True]
    assert ["o-fresh" in page for page in pages] == ["o-fresh" in badge] * 2
