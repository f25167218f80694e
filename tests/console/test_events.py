"""The list of events: its filters, its search, its file, and who may read it."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from refreshops.tracing.events import AT_THE_COMMAND_LINE, BY_ITSELF, Action, note
from refreshops.tracing.models import Event
from tests.console.conftest import make_attempt, make_run

LIST = "/tracing/event/"
EXPORT = f"{LIST}export/"
DANGEROUS = '=HYPERLINK("https://evil.example")'


@pytest.fixture
def world(register, people):
    """Return the events of a small story by name; signing in makes more of them."""
    now = timezone.now()
    order = make_run(opened_by=people["manager"], purpose="switch_off")
    make_attempt(order, register.own)
    own = ("login", register.own.pk)
    long_ago = now - timedelta(days=40)
    found = {
        "order": note(
            Action.ORDER,
            by=people["manager"],
            at=now,
            reason=DANGEROUS,
            number=1,
            run_id=order.pk,
            details={"purpose": "switch_off"},
        ),
        "end": note(
            Action.END_RUN,
            by=BY_ITSELF,
            at=now,
            number=2,
            run_id=register.run.pk,
            details={"purpose": "refresh", "outcomes": {"fresh": 2}},
        ),
        "note": note(Action.NOTE, by=people["ops"], at=now, subject=own),
        "retry": note(
            Action.RETRY_RUN, by=people["ops"], at=now, run_id=987_654, subject=("run", order.pk)
        ),
        "old": note(Action.PRUNE, by=None, at=long_ago, number=7, provider="flinks"),
    }
    return {**found, "register": register, "people": people, "run": order}


def shown(page, world):
    """Return the names of the events that a list shows."""
    keys = {row.pk for row in page.context["cl"].result_list}
    return {name for name, row in world.items() if isinstance(row, Event) and row.pk in keys}


def test_the_list_says_who_did_what_why_to_how_many(signed_in, world):
    page = signed_in("auditor").get(LIST)

    text = page.content.decode()
    assert shown(page, world) == {"order", "end", "note", "retry", "old"}
    for words in ("Ordered: switch off", "Run ended: refresh", "2 Fresh", AT_THE_COMMAND_LINE):
        assert words in text
    assert f'href="/logins/login/{world["register"].own.pk}/change/"' in text
    assert f'href="/routine/run/{world["run"].pk}/change/"' in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({"action__exact": "order"}, {"order"}, id="what"),
        pytest.param({"day": "today"}, {"order", "end", "note", "retry"}, id="day"),
        pytest.param({"who": "{ops}"}, {"note", "retry"}, id="who"),
        pytest.param({"who": BY_ITSELF}, {"end"}, id="who-is-no-person"),
        pytest.param({"who": "nobody we know"}, set(), id="who-is-unknown"),
        pytest.param({"q": "{run}"}, {"order", "retry"}, id="a-run"),
        pytest.param({"q": "{{{login_id}}}"}, {"order", "note"}, id="a-login-and-its-orders"),
        pytest.param({"before": "x", "who": "{ops}"}, {"note", "retry"}, id="a-senseless-page"),
    ],
)
def test_filters_and_search_narrow_it(signed_in, world, query, found):
    numbers = {
        "ops": world["people"]["ops"].pk,
        "run": world["run"].pk,
        "login_id": world["register"].own.login_id,
    }

    asked = {name: value.format(**numbers) for name, value in query.items()}
    page = signed_in("auditor").get(LIST, asked)

    assert shown(page, world) == found


@pytest.mark.parametrize("name", ["ops", "auditor"])
def test_a_page_takes_few_questions(signed_in, world, name, django_assert_max_num_queries):
    client = signed_in(name)
    client.get(LIST)

    with django_assert_max_num_queries(8):
        client.get(LIST, {"who": BY_ITSELF})
    with django_assert_max_num_queries(8):
        client.get(f"{LIST}{world['order'].pk}/change/")


def test_one_event_is_told_whole(signed_in, world):
    page = signed_in("auditor").get(f"{LIST}{world['end'].pk}/change/")

    text = page.content.decode()
    for words in ("Run ended: refresh", BY_ITSELF, "2 Fresh", f"run/{world['register'].run.pk}/"):
        assert words in text


def test_a_subject_that_the_reader_may_not_see_is_no_link(signed_in, people, world):
    note(Action.CHANGE_ROW, by=people["admin"], at=timezone.now(), subject=("user", 5))

    pages = {name: signed_in(name).get(LIST).content.decode() for name in ("ops", "auditor")}

    assert "user 5" in pages["ops"]
    assert "/auth/user/5/change/" not in pages["ops"]
    assert "/auth/user/5/change/" in pages["auditor"]


def test_the_file_holds_the_list_newest_first_and_runs_in_no_spreadsheet(signed_in, world):
    answer = signed_in("auditor").post(f"{EXPORT}?day=today")

    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    order = next(row for row in rows if row["event"] == str(world["order"].pk))
    assert order["why"] == f"'{DANGEROUS}"
    assert (order["who"], order["how many"], order["what"]) == (
        "manager",
        "1",
        "Ordered: switch off",
    )
    assert [row["timestamp"] for row in rows] == sorted(
        (row["timestamp"] for row in rows), reverse=True
    )
    assert str(world["old"].pk) not in {row["event"] for row in rows}
    told = Event.objects.get(action="export")
    assert told.details == {"what": "events", "as": "csv", "filters": {"day": "today"}}
    assert told.number == len(rows) - 1


def test_an_account_manager_given_the_permission_reads_of_their_own_alone(
    signed_in, people, world, register
):
    people["manager"].user_permissions.add(Permission.objects.get(codename="view_event"))
    other = make_run(opened_by=people["other"])
    note(Action.ORDER, by=people["other"], at=timezone.now(), run_id=other.pk, number=1)
    note(Action.NOTE, by=people["ops"], at=timezone.now(), subject=("login", register.foreign.pk))
    client = signed_in("manager")

    page = client.get(LIST)
    by_foreign_id = client.get(LIST, {"q": register.foreign.login_id})

    told = Event.objects.filter(pk__in=[row.pk for row in page.context["cl"].result_list])
    assert shown(page, world) == {"order", "note"}
    assert not told.filter(actor="other").exists()
    assert not told.filter(subject_id=register.foreign.pk).exists()
    assert by_foreign_id.context["cl"].result_count == 0
    assert client.get(f"{LIST}{world['end'].pk}/change/").status_code == 404


def test_nobody_adds_changes_or_deletes_one(signed_in, world):
    client, one = signed_in("admin"), f"{LIST}{world['order'].pk}/"

    assert client.post(f"{LIST}add/").status_code == 403
    assert client.post(f"{one}change/", {"reason": "x"}).status_code == 405
    assert client.post(f"{one}delete/", {"post": "yes"}).status_code == 403
