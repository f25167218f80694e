"""The run's page: progress without a reload, the list of its logins, and the named orders."""

import pytest
from django.urls import reverse
from django.utils import timezone

from refreshops.routine.models import Attempt, Run
from tests.builders import make_login, make_logins
from tests.console.conftest import make_attempt, make_run, page_of


def step_url(run, step):
    return reverse("admin:run_step", args=[run.pk, step])


def progress(client, run, query=""):
    return client.get(reverse("admin:run_progress", args=[run.pk]) + query).json()


@pytest.fixture
def mixed(people):
    """A run of four logins: fresh, stale, customer must act, and one still waiting."""
    run = make_run(planned=4, opened_by=people["ops"], reason="Look again")
    for outcome in ("fresh", "stale", "user_action"):
        make_attempt(run, make_login(outcome=outcome, institution="TD"), outcome=outcome)
    make_attempt(run, make_login(institution="RBC"))
    return run


def test_the_live_answer_counts_the_run(signed_in, mixed):
    found = progress(signed_in("ops"), mixed)

    assert (found["state"], found["planned"], found["done"], found["percent"]) == ("open", 4, 3, 75)
    assert found["outcomes"] == {"fresh": 1, "stale": 1, "user_action": 1}


def test_the_live_answer_moves_with_the_run(signed_in, mixed):
    client = signed_in("ops")
    before = progress(client, mixed)

    Attempt.objects.filter(run=mixed, state="due").update(state="done", outcome="fresh")
    after = progress(client, mixed)

    assert before["parts"]["progress"] != after["parts"]["progress"]
    assert (before["percent"], after["percent"]) == (75, 100)


def test_the_live_answer_is_never_kept(signed_in, mixed):
    answer = signed_in("ops").get(reverse("admin:run_progress", args=[mixed.pk]))

    assert "no-store" in answer["Cache-Control"]


def test_an_open_run_is_asked_about_more_often(signed_in, mixed):
    client = signed_in("ops")
    open_ms = progress(client, mixed)["again_ms"]
    Run.objects.filter(pk=mixed.pk).update(state="paused", state_reason="Lunch")

    assert progress(client, mixed)["again_ms"] > open_ms


def test_the_page_shows_what_its_live_answer_shows(signed_in, mixed):
    client = signed_in("ops")

    page = client.get(page_of(mixed)).content.decode()

    assert progress(client, mixed)["parts"]["matrix"].strip() in page


def test_the_page_says_who_and_why(signed_in, mixed):
    page = signed_in("auditor").get(page_of(mixed)).content.decode()

    assert "<b>ops</b>" in page
    assert "Look again" in page


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", 4),
        ("?outcome=fresh", 1),
        ("?outcome=waiting", 1),
        ("?outcome=cancelled", 0),
        ("?institution=TD", 3),
        ("?institution=TD&outcome=stale", 1),
        ("?page=999", 4),
        ("?page=x", 4),
        ("?outcome=%00", 4),
        ("?code=NO_SUCH_CODE", 0),
    ],
)
def test_the_logins_can_be_narrowed(signed_in, mixed, query, rows):
    page = signed_in("ops").get(page_of(mixed) + query)

    assert len(page.context["attempts"].page.object_list) == rows


def test_the_logins_are_paged(signed_in, people):
    run = make_run(planned=60)
    for login in make_logins(60):
        make_attempt(run, login)

    page = signed_in("ops").get(page_of(run) + "?page=2")

    assert len(page.context["attempts"].page.object_list) == 10


def test_the_number_of_queries_does_not_grow(signed_in, people, django_assert_max_num_queries):
    run = make_run(planned=50)
    for login in make_logins(50):
        make_attempt(run, login, outcome="fresh")
    client = signed_in("ops")

    with django_assert_max_num_queries(30):
        client.get(page_of(run))


STEPS_OF = {
    "open": {"pause", "cancel", "retry"},
    "paused": {"resume", "cancel", "retry"},
    "closed": {"retry"},
}


@pytest.mark.parametrize("state", STEPS_OF)
def test_only_fitting_orders_are_offered(signed_in, mixed, state):
    from django.utils import timezone

    closed_at = timezone.now() if state == "closed" else None
    Run.objects.filter(pk=mixed.pk).update(state=state, closed_at=closed_at)

    steps = signed_in("ops").get(page_of(mixed)).context["steps"]

    assert {row["url"].split("/")[-2] for row in steps} == STEPS_OF[state]


@pytest.mark.parametrize("step", ["pause", "resume", "retry", "cancel"])
def test_an_auditor_is_offered_none_and_may_give_none(signed_in, mixed, step):
    client = signed_in("auditor")

    assert client.get(page_of(mixed)).context["steps"] == []
    assert client.post(step_url(mixed, step), {"reason": "x"}).status_code == 403


def test_an_unknown_order_is_not_there(signed_in, mixed):
    assert signed_in("ops").post(step_url(mixed, "explode")).status_code == 404


def test_asking_for_an_order_changes_nothing(signed_in, mixed):
    for step in ("pause", "cancel", "retry"):
        assert signed_in("ops").get(step_url(mixed, step)).status_code == 200

    mixed.refresh_from_db()
    assert mixed.state == "open"
    assert Run.objects.count() == 1


@pytest.mark.parametrize("step", ["pause", "cancel"])
def test_pausing_and_cancelling_need_a_reason(signed_in, mixed, step):
    answer = signed_in("ops").post(step_url(mixed, step), {"reason": " "})

    assert answer.status_code == 400
    mixed.refresh_from_db()
    assert mixed.state == "open"


def test_pause_and_resume(signed_in, mixed):
    client = signed_in("ops")

    client.post(step_url(mixed, "pause"), {"reason": "Bank asks us to wait"})
    mixed.refresh_from_db()
    assert mixed.state == "paused"
    assert "Bank asks us to wait" in client.get(page_of(mixed)).content.decode()

    client.post(step_url(mixed, "resume"))
    mixed.refresh_from_db()
    assert mixed.state == "open"


def test_cancelling_spares_the_logins_not_asked(signed_in, mixed):
    signed_in("ops").post(step_url(mixed, "cancel"), {"reason": "Wrong list"})

    mixed.refresh_from_db()
    assert mixed.state == "cancelled"
    assert Attempt.objects.get(run=mixed, state="cancelled")


def test_retry_takes_the_failed_only_and_once(signed_in, mixed):
    client = signed_in("ops")
    token = client.get(step_url(mixed, "retry")).context["token"]

    first = client.post(step_url(mixed, "retry"), {"token": token})
    second = client.post(step_url(mixed, "retry"), {"token": token})

    retry = Run.objects.get(retry_of=mixed)
    assert first["Location"] == second["Location"] == page_of(retry)
    assert [row.login.outcome for row in retry.attempts.all()] == ["stale"]


def test_an_ended_run_refuses_with_a_sentence(signed_in, mixed):
    from django.utils import timezone

    Run.objects.filter(pk=mixed.pk).update(state="closed", closed_at=timezone.now())

    answer = signed_in("ops").post(step_url(mixed, "pause"), {"reason": "x"}, follow=True)

    assert "has ended" in answer.content.decode()


def test_the_list_of_runs_costs_few_queries(signed_in, people, django_assert_max_num_queries):
    from django.utils import timezone

    totals = {"done": 1, "cancelled": 0, "outcomes": {"fresh": 1}}
    for _ in range(40):
        make_run(state="closed", closed_at=timezone.now(), totals=totals, planned=1)
    client = signed_in("ops")

    with django_assert_max_num_queries(12):
        client.get("/routine/run/")


def test_who_may_not_forget_may_not_retry_a_forgetting(signed_in, register):
    run = make_run(purpose="forget", state="closed", closed_at=timezone.now(), planned=1)
    make_attempt(run, register.own, outcome="provider_fault")

    assert "Retry failed only" not in signed_in("ops").get(page_of(run)).content.decode()
    assert signed_in("ops").post(f"/routine/run/{run.pk}/order/retry/").status_code == 403
