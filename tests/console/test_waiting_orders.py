"""Orders that wait: given with a date, or for so many logins that a second person must approve."""

from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops import wiring
from refreshops.console.order_pages import starts_at_of
from refreshops.logins.models import Login, LoginStatus, Provider
from refreshops.routine.models import Attempt, Run
from refreshops.routine.services import Refused
from tests.builders import make_customer, make_logins
from tests.console.conftest import page_of
from tests.console.test_orders import asked, confirmed
from tests.console.test_run_page import step_url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_limit(settings):
    settings.APPROVAL_ABOVE = 3


def today():
    return wiring.local_date(wiring.clock())


def ordered(client, logins, *, action="switch_off", **fields):
    page = asked(client, action, logins)
    return confirmed(client, page, **{"reason": "They left", **fields})


@pytest.fixture
def large(signed_in, people):
    """An order of a manager for four logins of theirs, which waits for approval."""
    customer = make_customer("C-1", account_manager=people["manager"])
    ordered(signed_in("manager"), make_logins(4, customer=customer))
    return Run.objects.get()


def active():
    return Login.objects.filter(status=LoginStatus.ACTIVE).count()


def test_a_date_lets_the_order_wait_and_changes_nothing(signed_in, people):
    logins = make_logins(2)
    on = today() + timedelta(days=10)

    answer = ordered(signed_in("ops"), logins, starts_on=on.isoformat())

    run = Run.objects.get()
    assert answer["Location"] == page_of(run)
    assert (run.state, timezone.localtime(run.starts_at).isoformat()[:16]) == (
        "waiting",
        f"{on}T00:00",
    )
    assert active() == 2


def test_the_run_s_page_says_until_when_it_waits(signed_in, people):
    on = today() + timedelta(days=10)
    client = signed_in("ops")
    ordered(client, make_logins(2), starts_on=on.isoformat())

    page = client.get(page_of(Run.objects.get()))

    assert page.context["card"].waits_because == f"Begins on {on.day} {on:%B %Y}."
    assert "waiting</span>" in page.content.decode()
    assert [step["label"] for step in page.context["steps"]] == ["Withdraw…"]
    assert page.context["card"].sentence.endswith("nothing has changed yet.")


def test_today_and_no_date_begin_at_once(signed_in, people):
    ordered(signed_in("ops"), make_logins(1), starts_on=today().isoformat())
    ordered(signed_in("ops"), make_logins(1), starts_on="")

    assert set(Run.objects.values_list("state", "starts_at")) == {("open", None)}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("tomorrow", "YYYY-MM-DD", id="no-date"),
        pytest.param("2026-13-40", "YYYY-MM-DD", id="no-day-of-the-calendar"),
        pytest.param("2001-01-01", "in the past", id="past"),
        pytest.param("9999-12-31", "year", id="too-far"),
        pytest.param("\0", "YYYY-MM-DD", id="nul"),
    ],
)
def test_a_senseless_date_is_said_and_nothing_typed_is_lost(signed_in, people, text, why):
    answer = ordered(signed_in("ops"), make_logins(1), starts_on=text, reason="Left for good")

    page = answer.content.decode()
    assert answer.status_code == 400
    assert why in answer.context["error"]
    assert "Left for good</textarea>" in page
    assert not Run.objects.exists()
    assert answer.context["starts_on"] == text


@pytest.mark.parametrize("text", ["", "  "])
def test_no_date_means_at_once(text):
    assert starts_at_of(text, today=today()) is None


def test_a_date_before_today_is_refused_even_by_one_day():
    with pytest.raises(Refused, match="past"):
        starts_at_of((today() - timedelta(days=1)).isoformat(), today=today())


@pytest.mark.parametrize(("number", "needed"), [(3, False), (4, True)])
@pytest.mark.parametrize("action", ["switch_off", "switch_on"])
def test_a_large_order_says_before_that_somebody_must_approve(
    signed_in, people, number, needed, action
):
    status = LoginStatus.ACTIVE if action == "switch_off" else LoginStatus.INACTIVE
    logins = make_logins(number, status=status)

    page = asked(signed_in("ops"), action, logins)

    assert any("second person" in row for row in page.context["question"].notices) is needed
    confirmed(signed_in("ops"), page, reason="Left")
    assert Run.objects.get().state == ("waiting" if needed else "open")


def test_looking_and_refreshing_need_no_approval(signed_in, people):
    for action in ("refresh_now", "check_schedule"):
        ordered(signed_in("ops"), make_logins(5), action=action)

    assert set(Run.objects.values_list("state", flat=True)) == {"open"}


def test_the_approver_reads_who_why_how_many_and_what_it_saves(signed_in, large):
    Provider.objects.update(cost_per_login_month="1.50")

    question = signed_in("ops").get(step_url(large, "approve")).context["question"]

    facts = dict(question.facts)
    assert facts["Ordered by"] == "manager"
    assert facts["Reason"] == "They left"
    assert facts["Logins"] == "4"
    assert facts["Money"] == "Saves 6.00 CAD a month"
    assert len(question.sample) == 4


@pytest.mark.parametrize(
    ("action", "words"),
    [("switch_off", "the logins count as inactive"), ("forget", "Nobody can undo it")],
)
def test_the_approver_reads_what_the_order_will_do(signed_in, people, action, words):
    ordered(signed_in("admin"), make_logins(4), action=action, typed="FORGET")

    question = signed_in("ops").get(step_url(Run.objects.get(), "approve")).context["question"]

    assert words in question.consequence
    assert question.grave


def test_a_second_person_lets_it_begin(signed_in, large, people):
    client = signed_in("ops")
    assert active() == 4

    answer = client.post(step_url(large, "approve"), follow=True)

    large.refresh_from_db()
    assert (large.state, large.approved_by) == ("open", people["ops"])
    assert active() == 0
    assert "is approved. It has begun" in answer.content.decode()
    assert "approved by <b>ops</b>" in answer.content.decode()


def test_an_approved_order_with_a_date_still_waits_for_it(signed_in, people):
    on = today() + timedelta(days=3)
    ordered(signed_in("ops"), make_logins(4), starts_on=on.isoformat())
    run = Run.objects.get()

    answer = signed_in("admin").post(step_url(run, "approve"), follow=True)

    assert Run.objects.get().state == "waiting"
    assert "Begins on" in answer.content.decode()
    assert active() == 4


def test_nobody_approves_their_own_order(signed_in, people):
    client = signed_in("ops")
    ordered(client, make_logins(4))
    run = Run.objects.get()

    steps = [step["label"] for step in client.get(page_of(run)).context["steps"]]
    answer = client.post(step_url(run, "approve"), follow=True)
    asked = client.get(step_url(run, "approve"), follow=True)

    assert steps == ["Withdraw…"]
    for page in (answer, asked):
        assert "Nobody approves their own order" in page.content.decode()
        assert "Somebody else ordered this" not in page.content.decode()
    assert Run.objects.get().state == "waiting"


def test_a_withdrawn_order_does_not_say_that_it_begins(signed_in, people):
    client = signed_in("ops")
    ordered(client, make_logins(2), starts_on=(today() + timedelta(days=10)).isoformat())
    run = Run.objects.get()
    waiting = client.get(page_of(run)).content.decode()

    page = client.post(step_url(run, "withdraw"), {"reason": "Not after all"}, follow=True)

    assert " · begins " in waiting
    assert " · begins " not in page.content.decode()
    assert " · was to begin " in page.content.decode()


@pytest.mark.parametrize("name", ["manager", "auditor"])
def test_who_may_not_approve_is_refused(signed_in, large, name):
    assert signed_in(name).post(step_url(large, "approve")).status_code == 403


def test_approving_twice_says_so(signed_in, large):
    client = signed_in("ops")
    client.post(step_url(large, "approve"))

    answer = client.post(step_url(large, "approve"), follow=True)

    assert "was approved by ops already" in answer.content.decode()


def test_the_manager_withdraws_their_own_order(signed_in, large):
    client = signed_in("manager")
    assert "Withdraw…" in [row["label"] for row in client.get(page_of(large)).context["steps"]]

    client.post(step_url(large, "withdraw"), {"reason": "They came back"})

    large.refresh_from_db()
    assert large.state == "cancelled"
    assert "They came back" in large.state_reason
    assert active() == 4
    assert set(Attempt.objects.values_list("state", flat=True)) == {"cancelled"}


def test_withdrawing_needs_a_reason(signed_in, large):
    answer = signed_in("manager").post(step_url(large, "withdraw"), {"reason": " "})

    assert answer.status_code == 400
    assert Run.objects.get().state == "waiting"


@pytest.mark.parametrize(("name", "status"), [("other", 404), ("auditor", 403)])
def test_nobody_else_withdraws_it(signed_in, large, name, status):
    answer = signed_in(name).post(step_url(large, "withdraw"), {"reason": "x"})

    assert answer.status_code == status
    assert Run.objects.get().state == "waiting"


def test_what_has_begun_cannot_be_withdrawn(signed_in, large):
    signed_in("ops").post(step_url(large, "approve"))

    answer = signed_in("manager").post(step_url(large, "withdraw"), {"reason": "x"}, follow=True)

    assert "does not wait any more" in answer.content.decode()
    assert Run.objects.get().state == "open"


@pytest.mark.parametrize("state", ["paused", "closed", "cancelled"])
def test_what_has_ended_or_rests_cannot_be_withdrawn(signed_in, large, state):
    ended = timezone.now() if state in ("closed", "cancelled") else None
    Run.objects.update(state=state, closed_at=ended, approved_at=timezone.now())

    answer = signed_in("manager").post(step_url(large, "withdraw"), {"reason": "x"}, follow=True)

    assert "does not wait any more" in answer.content.decode()
    assert Run.objects.get().state == state


def test_asking_about_a_step_changes_nothing(signed_in, large):
    for step in ("approve", "withdraw"):
        assert signed_in("ops").get(step_url(large, step)).status_code == 200

    assert Run.objects.get().state == "waiting"


def test_waiting_orders_can_be_found(signed_in, large):
    page = signed_in("ops").get("/routine/run/?state__exact=waiting")

    assert [row.pk for row in page.context["cl"].result_list] == [large.pk]
    assert "waiting</span>" in page.content.decode()


def test_the_same_large_order_again_opens_nothing(signed_in, large):
    client = signed_in("manager")

    answer = ordered(client, Login.objects.all())

    assert Run.objects.count() == 1
    assert f"run {large.pk}" in client.get(answer["Location"]).content.decode().lower()


def test_a_question_links_the_runs_that_hold_its_logins(signed_in, large):
    for name, linked in (("ops", True), ("manager", True)):
        page = asked(signed_in(name), "switch_off", Login.objects.all()[:1])
        fact = dict(page.context["question"].facts)["Waiting already"]
        assert (page_of(large) in fact) is linked


def test_a_manager_who_may_control_runs_stops_none_that_holds_foreign_logins(signed_in, large):
    from django.contrib.auth.models import Permission

    signed_in("ops").post(step_url(large, "approve"))
    large.opened_by.user_permissions.add(Permission.objects.get(codename="control_run"))
    moved = Login.objects.first()
    moved.customer = make_customer("ELSEWHERE")
    moved.save()

    answer = signed_in("manager").post(step_url(large, "pause"), {"reason": "x"}, follow=True)

    assert "not yours any more" in answer.content.decode()
    assert Run.objects.get().state == "open"
