"""From ticked rows to one run: the question, the reason, the order that counts once."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import RequestFactory
from django.utils import timezone
from django_q.models import OrmQ

from refreshops.console import confirm
from refreshops.console.confirm import reason_of
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import Purpose
from tests.builders import make_login, make_logins
from tests.console.conftest import make_attempt, make_run, page_of

LIST = "/logins/login/"
LATER = timezone.now() + timedelta(days=1)


def asked(client, action, logins, **fields):
    """Tick rows and choose an action: the confirmation page."""
    form = {"action": action, "_selected_action": [row.pk for row in logins], "index": 0, **fields}
    return client.post(fields.pop("path", LIST), form)


def confirmed(client, page, *, path=LIST, **fields):
    """Send the confirmation form as the browser would."""
    question = page.context["question"]
    form = {**dict(question.hidden), "token": page.context["token"], **fields}
    return client.post(path, form)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        (
            "ops",
            {
                "refresh_now",
                "refresh_live",
                "switch_off",
                "switch_on",
                "check_schedule",
                "export_csv",
            },
        ),
        ("manager", {"switch_off", "switch_on", "check_schedule", "export_csv"}),
        ("auditor", {"export_csv"}),
        (
            "admin",
            {
                "refresh_now",
                "refresh_live",
                "switch_off",
                "switch_on",
                "check_schedule",
                "forget",
                "export_csv",
            },
        ),
    ],
)
def test_only_permitted_orders_are_offered(signed_in, register, name, offered):
    page = signed_in(name).get(LIST)

    form = page.context["action_form"]
    choices = {value for value, _ in form.fields["action"].choices if value} if form else set()
    assert choices == offered


def test_an_order_asks_first_and_changes_nothing(signed_in, register):
    page = asked(signed_in("ops"), "switch_off", [register.own])

    assert page.status_code == 200
    assert "Reason (required)" in page.content.decode()
    assert dict(page.context["question"].facts)["Will be touched"] == "1"
    assert not Run.objects.filter(purpose="switch_off").exists()


def test_refresh_now_opens_one_run(signed_in, register, people):
    client = signed_in("ops")

    answer = confirmed(client, asked(client, "refresh_now", [register.own, register.foreign]))

    run = Run.objects.get(origin="person")
    assert answer["Location"] == page_of(run)
    assert (run.purpose, run.planned, run.opened_by) == ("refresh", 2, people["ops"])


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_switch_without_a_reason_is_asked_again(signed_in, register, reason):
    client = signed_in("ops")

    answer = confirmed(client, asked(client, "switch_off", [register.own]), reason=reason)

    assert answer.status_code == 400
    assert "Say why" in answer.content.decode()
    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.ACTIVE


def test_a_switch_off_marks_the_login_at_once_but_not_the_provider(signed_in, register):
    client = signed_in("ops")

    confirmed(client, asked(client, "switch_off", [register.own]), reason="Contract ended")

    login = Login.objects.get(pk=register.own.pk)
    run = Run.objects.get(purpose="switch_off")
    assert (login.status, login.nightly) == (LoginStatus.INACTIVE, Nightly.UNKNOWN)
    assert run.reason == "Contract ended"


def test_the_same_form_sent_twice_makes_one_order(signed_in, register):
    client = signed_in("ops")
    page = asked(client, "switch_off", [register.own])

    first = confirmed(client, page, reason="Left")
    second = confirmed(client, page, reason="Left")

    assert first["Location"] == second["Location"]
    assert Run.objects.filter(purpose="switch_off").count() == 1


def test_two_forms_for_the_same_login_double_nothing(signed_in, register):
    ops, admin = signed_in("ops"), signed_in("admin")
    pages = [(client, asked(client, "refresh_now", [register.own])) for client in (ops, admin)]

    for client, page in pages:
        confirmed(client, page)

    assert Attempt.objects.filter(login=register.own, state="due").count() == 1


def test_many_confirmed_forms_open_one_run(signed_in, register):
    client = signed_in("ops")
    pages = [asked(client, "refresh_now", [register.own]) for _ in range(4)]

    answers = [confirmed(client, page) for page in pages]

    run = Run.objects.get(origin="person")
    assert {answer["Location"] for answer in answers} == {page_of(run)}
    said = client.get(page_of(run)).content.decode()
    assert f'wait already in <a href="{page_of(run)}">run {run.pk}</a>' in said


def test_many_switch_offs_open_one_run(signed_in, register):
    client = signed_in("ops")
    pages = [asked(client, "switch_off", [register.own]) for _ in range(4)]

    for page in pages:
        confirmed(client, page, reason="Left")

    assert Run.objects.filter(purpose="switch_off").count() == 1


def test_a_run_that_is_not_ones_own_is_not_linked(signed_in, register):
    ops, manager = signed_in("ops"), signed_in("manager")
    pages = [(client, asked(client, "switch_off", [register.own])) for client in (ops, manager)]

    for client, page in pages:
        answer = confirmed(client, page, reason="Left")

    run = Run.objects.get(purpose="switch_off")
    said = manager.get(answer["Location"]).content.decode()
    assert answer["Location"] == LIST
    assert "wait already in another person’s run" in said
    assert page_of(run) not in said


def test_one_login_that_does_not_wait_yet_is_enough_for_a_run(signed_in, register):
    client = signed_in("ops")
    confirmed(client, asked(client, "refresh_now", [register.own]))

    confirmed(client, asked(client, "refresh_now", [register.own, register.foreign]))

    newest = Run.objects.filter(origin="person").order_by("pk").last()
    assert (newest.planned, newest.brought_forward) == (1, 1)


@pytest.mark.parametrize(
    ("attempt", "run", "rank"),
    [
        pytest.param({"rank": 10}, {}, 5, id="behind-the-daily-run"),
        pytest.param({"rank": 5}, {"state": "paused"}, 5, id="behind-a-pause"),
        pytest.param({"rank": 5, "not_before": LATER}, {}, 5, id="resting"),
        pytest.param({"rank": 0, "not_before": LATER}, {}, 0, id="a-customer-s-stays-in-front"),
    ],
)
def test_logins_that_an_order_brings_forward_get_their_run(signed_in, people, attempt, run, rank):
    login = make_login()
    waiting = make_attempt(make_run(planned=1, **run), login, **attempt)
    client = signed_in("ops")

    confirmed(client, asked(client, "refresh_now", [login]))

    waiting.refresh_from_db()
    assert Run.objects.count() == 2
    assert waiting.rank == rank
    assert waiting.not_before < LATER


def test_a_switch_that_was_reversed_meanwhile_is_ordered_anew(signed_in, register):
    """The first order is being called for, so that the contrary one could not call it off."""
    client = signed_in("ops")
    confirmed(client, asked(client, "switch_off", [register.own]), reason="Left")
    Attempt.objects.filter(purpose="switch_off").update(state="calling", lease_until=LATER)
    confirmed(client, asked(client, "switch_on", [register.own]), reason="Back")

    confirmed(client, asked(client, "switch_off", [register.own]), reason="Left again")

    login = Login.objects.get(pk=register.own.pk)
    assert (login.status, login.status_reason) == (LoginStatus.INACTIVE, "Left again")
    assert not Attempt.objects.filter(purpose="switch_on", state="due").exists()


def test_select_all_reaches_over_every_page(signed_in, people):
    logins = make_logins(70)
    client = signed_in("ops")
    page = asked(client, "refresh_now", logins[:50], select_across=1)

    confirmed(client, page)

    assert Run.objects.get().planned == 70


def test_select_all_keeps_to_the_filter(signed_in, people):
    wanted = make_logins(3, institution="TD")
    make_logins(2, institution="RBC")
    client = signed_in("ops")
    path = f"{LIST}?institution=TD"

    page = asked(client, "refresh_now", wanted[:1], select_across=1, path=path)
    confirmed(client, page, path=path)

    planned = set(Attempt.objects.values_list("login_id", flat=True))
    assert planned == {row.pk for row in wanted}


def test_what_was_shown_is_what_is_ordered(signed_in, people):
    shown = make_logins(2, institution="TD", outcome="stale")
    client = signed_in("ops")
    path = f"{LIST}?outcome=stale"
    page = asked(client, "refresh_now", shown, select_across=1, path=path)
    Login.objects.filter(pk=shown[0].pk).update(outcome="fresh")
    make_login(outcome="stale")

    confirmed(client, page, path=path)

    planned = set(Attempt.objects.values_list("login_id", flat=True))
    assert planned == {row.pk for row in shown}


def test_beyond_the_carried_ids_the_filter_is_carried(signed_in, people, monkeypatch):
    monkeypatch.setattr("refreshops.console.order_pages.IDS_CARRIED", 2)
    make_logins(3, institution="TD")
    make_login(institution="RBC")
    client = signed_in("ops")
    path = f"{LIST}?institution=TD"

    page = asked(client, "refresh_now", Login.objects.all()[:1], select_across=1, path=path)
    assert "rows" not in dict(page.context["question"].hidden)
    confirmed(client, page, path=path)

    assert Run.objects.get().planned == 3


def test_what_is_left_out_is_said(signed_in, people):
    active, inactive = make_login(), make_login(status=LoginStatus.INACTIVE)

    page = asked(signed_in("ops"), "refresh_now", [active, inactive])

    facts = dict(page.context["question"].facts)
    assert facts["Chosen"] == "2"
    assert facts["Will be touched"] == "1"
    assert facts["Left out"].startswith("1: inactive")


def test_nothing_left_to_do_offers_no_button(signed_in, people):
    login = make_login(status=LoginStatus.INACTIVE)

    page = asked(signed_in("ops"), "refresh_now", [login])

    assert not page.context["question"].possible
    assert "Nothing is left to do" in page.content.decode()


def test_the_question_says_how_long_it_takes(signed_in, people):
    logins = make_logins(41)

    page = asked(signed_in("ops"), "refresh_now", logins)

    # 20 a minute: 20 at once, 20 after a minute, the last after two.
    assert dict(page.context["question"].facts)["Takes"] == "about 2 minutes (Flinks 20 a minute)"


def test_a_switch_says_what_it_saves(signed_in, people):
    login = make_login()
    login.provider.cost_per_login_month = "0.50"
    login.provider.save()

    page = asked(signed_in("ops"), "switch_off", [login])

    assert dict(page.context["question"].facts)["Money"] == "Saves 0.50 CAD a month"


def test_an_order_is_driven_once_it_is_committed(
    signed_in, register, django_capture_on_commit_callbacks
):
    client = signed_in("ops")
    page = asked(client, "refresh_now", [register.own])

    with django_capture_on_commit_callbacks(execute=True):
        confirmed(client, page)

    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("path", [LIST, "/leaks/check/"])
def test_a_form_of_more_rows_than_any_of_ours_carries_is_refused(
    signed_in, register, monkeypatch, path
):
    monkeypatch.setattr("refreshops.console.lookups.MOST_ROWS", 2)
    form = {
        "action": "check_schedule",
        "_selected_action": [register.own.pk],
        "confirmed": "yes",
        "token": "t",
    }
    client = signed_in("ops")

    refused = client.post(path, {**form, "rows": f"{register.own.pk},41,42"})
    taken = client.post(path, {**form, "rows": ",".join([str(register.own.pk)] * 5)})

    assert refused.status_code == 400
    assert taken.status_code == 302


def test_an_order_that_is_not_ones_to_give_is_ignored(signed_in, register):
    form = {"action": "refresh_now", "_selected_action": [register.own.pk], "confirmed": "yes"}

    signed_in("manager").post(LIST, {**form, "rows": str(register.own.pk), "token": "t"})

    assert not Run.objects.filter(origin="person").exists()


def test_a_get_changes_nothing(signed_in, register):
    query = {"action": "switch_off", "_selected_action": register.own.pk, "confirmed": "yes"}

    signed_in("ops").get(LIST, {**query, "reason": "x"})

    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.ACTIVE


def test_an_order_without_csrf_token_is_refused(people, register):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(people["ops"])

    answer = client.post(LIST, {"action": "switch_off", "_selected_action": register.own.pk})

    assert answer.status_code == 403


@pytest.mark.parametrize("purpose", [Purpose.REFRESH, Purpose.SWITCH_OFF])
def test_the_login_page_offers_the_orders(signed_in, register, purpose):
    page = signed_in("ops").get(page_of(register.own))

    assert purpose in {kind.purpose for kind in page.context["orders"]}


def test_ten_thousand_logins_are_ordered_quickly_enough(signed_in, register):
    template = make_login()
    Login.objects.bulk_create(
        Login(provider=template.provider, customer=template.customer, login_id=f"{i:036d}")
        for i in range(10_000)
    )
    client = signed_in("ops")
    page = asked(client, "refresh_now", [template], select_across=1)

    answer = confirmed(client, page)

    assert answer.status_code == 302
    assert Run.objects.get(origin="person").planned == Login.objects.count()


def test_a_look_at_inactive_logins_says_what_asking_does(signed_in, people):
    page = asked(signed_in("ops"), "check_schedule", [make_login(status=LoginStatus.INACTIVE)])

    assert ["keep a login alive" in row for row in page.context["question"].notices] == [True]


def test_a_look_at_the_schedule_needs_no_reason_and_changes_no_login(signed_in, register):
    client = signed_in("manager")

    confirmed(client, asked(client, "check_schedule", [register.own]))

    assert Run.objects.get(purpose="check_schedule").planned == 1
    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.ACTIVE


@pytest.mark.parametrize("typed", ["", "forget", "FORGET!"])
def test_forgetting_wants_the_word_typed(signed_in, register, typed):
    client = signed_in("admin")
    page = asked(client, "forget", [register.own])

    answer = confirmed(client, page, reason="Privacy request", typed=typed)

    assert answer.status_code == 400
    assert "Type FORGET" in answer.content.decode()
    assert "Privacy request</textarea>" in answer.content.decode()
    assert not Run.objects.filter(purpose="forget").exists()


def test_forgetting_opens_one_run(signed_in, register):
    client = signed_in("admin")

    confirmed(client, asked(client, "forget", [register.own]), reason="Asked", typed=" FORGET ")

    assert Run.objects.get(purpose="forget").planned == 1
    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.INACTIVE


@pytest.mark.parametrize("name", ["ops", "manager"])
def test_forgetting_is_its_own_permission(signed_in, register, name):
    asked(signed_in(name), "forget", [register.own], confirmed="yes", reason="x", typed="FORGET")

    assert not Run.objects.filter(purpose="forget").exists()


@pytest.mark.parametrize(
    ("fields", "status", "found"),
    [
        pytest.param({"nightly": "on"}, "inactive", "off_here_on_there", id="money"),
        pytest.param({"nightly": "off"}, "active", "on_here_off_there", id="silently-stale"),
        pytest.param({"nightly": "unknown"}, "active", "never_verified", id="never-verified"),
    ],
)
def test_the_list_is_narrowed_by_leak(signed_in, people, fields, status, found):
    leaking = make_login(status=status, **fields)
    make_login(nightly="on")

    rows = signed_in("ops").get(LIST, {"leak": found}).context["cl"].result_list

    assert [row.pk for row in rows] == [leaking.pk]


@pytest.mark.parametrize(
    ("value", "found"),
    [("2", ["soon"]), ("out", ["out"]), ("x", []), ("", ["late", "off", "out", "soon"])],
)
def test_the_list_is_narrowed_by_the_seven_day_clock(signed_in, people, value, found):
    now = timezone.now()
    for name, hours in (("out", -1), ("soon", 47), ("late", 49)):
        make_login(institution=name, drops_out_at=now + timedelta(hours=hours))
    make_login(institution="off", drops_out_at=now, nightly=Nightly.OFF)

    rows = signed_in("ops").get(LIST, {"drops_out": value}).context["cl"].result_list

    assert sorted(row.institution for row in rows) == found


def test_an_alarm_is_a_switch_off_nobody_confirmed_for_a_day(signed_in, people):
    long_ago = timezone.now() - timedelta(hours=25)
    old = make_login(status="inactive", status_changed_at=long_ago)
    make_login(status="inactive", status_changed_at=timezone.now())

    rows = signed_in("ops").get(LIST, {"leak": "unconfirmed"}).context["cl"].result_list

    assert [row.pk for row in rows] == [old.pk]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("The customer\nleft, ciao 👋", "The customer\nleft, ciao 👋", id="words"),
        pytest.param("The\0 customer \ud83dleft\0", "The customer left", id="what-no-column-takes"),
        pytest.param("\0", "", id="nothing-else"),
    ],
)
def test_a_reason_holds_nothing_that_cannot_be_stored(typed, kept):
    request = RequestFactory().post("/")
    request.POST = {"reason": typed}

    assert reason_of(request) == kept


def test_every_page_reads_a_reason_the_same_way():
    folder = Path(confirm.__file__).parent

    raw = [path.name for path in folder.glob("*.py") if 'POST.get("reason"' in path.read_text()]

    assert raw == ["confirm.py"]
