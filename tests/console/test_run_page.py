"""The run's page: progress without a reload, the list of its logins, and the named orders."""

import random
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from refreshops.console import order_kinds
from refreshops.logins.models import Login, Provider
from refreshops.routine import learning
from refreshops.routine.models import Attempt, Beat, Run, RunCells
from refreshops.routine.paces import places
from tests.builders import make_customer, make_login, make_logins
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
        ("?after=999999999", 4),
        ("?after=x", 4),
        ("?before=x", 4),
        ("?before=last", 4),
        ("?outcome=%00", 4),
        ("?outcome=failed", 2),
        ("?outcome=ended", 3),
        ("?code=NO_SUCH_CODE", 0),
        ("?code=-", 4),
        ("?institution=?", 0),
        ("?data=fresh", 0),
        ("?q=C-1", 4),
        ("?q=c-1", 4),
        ("?q=C-", 0),
    ],
)
def test_the_logins_can_be_narrowed(signed_in, mixed, query, rows):
    page = signed_in("ops").get(page_of(mixed) + query)

    assert len(page.context["attempts"].rows) == rows


def test_a_login_is_found_by_its_id(signed_in, mixed):
    login = Login.objects.filter(outcome="stale").get()

    page = signed_in("ops").get(page_of(mixed), {"q": f" {{{login.login_id.upper()}}} "})

    assert [row.login for row in page.context["attempts"].rows] == [login]


def test_the_logins_are_paged_from_both_ends(signed_in, people):
    run = make_run(planned=120)
    whole = [make_attempt(run, login).pk for login in make_logins(120)]
    client = signed_in("ops")

    def follow(label, pages):
        page = client.get(page_of(run) + dict(pages)[label])
        part = page.context["attempts"]
        return [row.pk for row in part.rows], part.pages

    first, pages = follow("First", {"First": ""})
    second, pages = follow("Next", pages)
    third, pages = follow("Next", pages)
    assert [*first, *second, *third] == whole
    assert [label for label, _ in pages] == ["First", "Before"]
    back, pages = follow("Before", pages)
    last, _ = follow("Last", pages)
    assert (back, last) == (second, whole[-50:])


@pytest.mark.parametrize("who", ["ops", "auditor", "manager"])
@pytest.mark.parametrize("state", ["open", "paused", "closed"])
def test_page_and_live_answer_cost_eight_queries(
    signed_in, people, who, state, django_assert_max_num_queries
):
    closed = {"closed_at": timezone.now()} if state == "closed" else {}
    customer = make_customer("OWN-1", account_manager=people["manager"])
    run = make_run(planned=60, opened_by=people["manager"], state=state, **closed)
    for number, login in enumerate(make_logins(60, customer=customer)):
        make_attempt(run, login, **({"outcome": "stale"} if number % 2 else {}))
    client = signed_in(who)

    with django_assert_max_num_queries(8):
        client.get(page_of(run))
    with django_assert_max_num_queries(8):
        progress(client, run)


STEPS_OF = {
    "open": {"pause", "cancel", "retry"},
    "paused": {"resume", "cancel", "retry"},
    "closed": {"retry"},
}


@pytest.mark.parametrize("state", STEPS_OF)
def test_only_fitting_orders_are_offered(signed_in, mixed, state):
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
    Run.objects.filter(pk=mixed.pk).update(state="closed", closed_at=timezone.now())

    answer = signed_in("ops").post(step_url(mixed, "pause"), {"reason": "x"}, follow=True)

    assert "has ended" in answer.content.decode()


def test_who_may_not_forget_may_not_retry_a_forgetting(signed_in, register):
    run = make_run(purpose="forget", state="closed", closed_at=timezone.now(), planned=1)
    make_attempt(run, register.own, outcome="provider_fault")

    assert "Retry failed only" not in signed_in("ops").get(page_of(run)).content.decode()
    assert signed_in("ops").post(f"/routine/run/{run.pk}/order/retry/").status_code == 403


def test_a_cancelled_run_says_how_many_were_asked_and_called_off(signed_in, mixed):
    client = signed_in("ops")

    client.post(step_url(mixed, "cancel"), {"reason": "Wrong list"})

    found = progress(client, mixed)
    assert found["percent"] == 75
    assert "3 of 4 asked, 1 called off, cancelled" in found["parts"]["progress"]
    assert "Wrong list." in found["parts"]["progress"]


def test_a_pause_is_told_with_who_when_and_why(signed_in, mixed):
    client = signed_in("ops")

    client.post(step_url(mixed, "pause"), {"reason": "Bank asks us to wait"})

    part = progress(client, mixed)["parts"]["progress"]
    assert part.count("Bank asks us to wait") == 1
    assert "Paused by <b>ops</b> <time" in part


def test_a_new_limit_shows_at_once(signed_in, people):
    run = make_run(planned=50)
    for login in make_logins(50):
        make_attempt(run, login)
    client = signed_in("ops")
    before = progress(client, run)["parts"]["progress"]

    Provider.objects.update(logins_per_minute=5)

    after = progress(client, run)["parts"]["progress"]
    assert "20 a minute" in before
    assert "5 a minute" in after


def test_a_waiting_run_says_how_long_it_will_take(signed_in, people):
    run = make_run(planned=100, state="waiting", needs_approval=True)
    for login in make_logins(100):
        make_attempt(run, login)

    card = signed_in("ops").get(page_of(run)).context["card"]

    assert card.sentence.startswith("100 logins ordered, which take about 4 minutes at 20")


def test_what_no_longer_changes_is_asked_about_no_more(signed_in, mixed):
    ended = timezone.now() - timedelta(hours=2)
    Run.objects.filter(pk=mixed.pk).update(state="closed", closed_at=ended)

    assert progress(signed_in("ops"), mixed)["again_ms"] == 0


def test_an_ended_run_keeps_its_numbers_and_says_that_its_attempts_are_gone(signed_in, people):
    totals = {"done": 9, "cancelled": 1, "outcomes": {"fresh": 9}, "data_states": {}, "calls": 1}
    run = make_run(state="closed", closed_at=timezone.now(), totals=totals, planned=10)

    html = signed_in("ops").get(page_of(run)).content.decode()

    assert "9 of 10 asked, 1 called off" in html
    assert "10 of these logins’ attempts are past the time" in html
    assert "1 call<" in html


class TestEachNumber:
    """Every number of the page leads to exactly as many rows."""

    @pytest.fixture
    def various(self, people):
        chance = random.Random(7)
        run = make_run(planned=90)
        codes = {"stale": ["", "X"], "user_action": ["QUESTION_NOT_FOUND"], "fresh": [""]}
        for login in make_logins(90):
            Login.objects.filter(pk=login.pk).update(institution=chance.choice(["TD", "RBC", ""]))
            outcome = chance.choice([*codes, ""])
            code = chance.choice(codes.get(outcome, [""]))
            state = {} if outcome else {"state": chance.choice(["due", "cancelled"])}
            make_attempt(run, login, outcome=outcome, provider_code=code, **state)
        Attempt.objects.create(
            run=run, purpose="refresh", state="done", outcome="fresh", not_before=timezone.now()
        )
        return run

    @pytest.fixture
    def follow(self, signed_in, various):
        def rows(query):
            page = signed_in("ops").get(page_of(various) + query)
            return len(page.context["attempts"].rows)

        return rows

    def test_of_the_legend(self, signed_in, various, follow):
        legend = signed_in("ops").get(page_of(various)).context["card"].legend

        assert len(legend) == 5
        assert {kind: follow(f"?outcome={kind}") for kind, _, _ in legend} == {
            kind: number for kind, _, number in legend
        }

    def test_of_the_matrix(self, signed_in, various, follow):
        matrix = signed_in("ops").get(page_of(various)).context["matrix"]

        cells = [cell for line in matrix.lines for cell in line.cells if cell.count]
        assert len(cells) >= 6
        assert [follow(cell.url) for cell in cells] == [cell.count for cell in cells]
        totals = [(line.total_url, line.total) for line in matrix.lines]
        fresh = [(line.fresh_url, line.fresh) for line in matrix.lines]
        assert all(follow(url) == number for url, number in (*totals, *fresh))


class TestRetryFailedOnly:
    """The confirmation says per outcome how many are asked again, and who is left out and why."""

    def test_says_how_many_of_what(self, signed_in, mixed):
        later = timezone.now() + timedelta(minutes=5)
        settled = make_login()
        make_attempt(mixed, settled, outcome="provider_fault")
        make_attempt(make_run(), settled, outcome="fresh", finished_at=later)
        make_attempt(mixed, make_login(status="inactive"), outcome="stale")

        question = signed_in("ops").get(step_url(mixed, "retry")).context["question"]

        facts = dict(question.facts)
        assert facts["Asked again"] == "1 login"
        assert "1 Stale" in facts["Of these"]
        assert "20 a minute" in facts["Takes"]
        for words in ("1 Fresh", "1 Customer must act", "1 answered since", "1 switched here"):
            assert words in facts["Left out"]

    def test_offers_nothing_where_nothing_is_left(self, signed_in, mixed):
        Attempt.objects.filter(outcome="stale").update(outcome="login_gone")

        question = signed_in("ops").get(step_url(mixed, "retry")).context["question"]

        assert not question.possible


def test_a_bundle_is_offered_of_the_run_and_of_a_cell(signed_in, mixed):
    page = signed_in("ops").get(page_of(mixed) + "?outcome=stale&institution=TD")

    assert page.context["bundle_url"] == f"/bundle/run/{mixed.pk}/"
    query = f"outcome=stale&institution=TD&run={mixed.pk}"
    assert page.context["attempts"].bundle_url == f"/bundle/cell/?{query}"
    assert "bundle" not in signed_in("auditor").get(page_of(mixed)).content.decode()


@pytest.mark.parametrize("purpose", list(order_kinds.KINDS))
def test_a_run_takes_the_places_that_its_order_was_told(purpose):
    kind = order_kinds.KINDS[purpose]

    assert places(purpose.value, logins=10) == 10 * kind.paced_calls


def test_without_a_worker_a_run_does_not_look_as_if_it_ran(signed_in, mixed):
    client = signed_in("ops")

    still = client.get(page_of(mixed)).context["card"]
    Beat.objects.create(name="worker", seen_at=timezone.now())
    moving = client.get(page_of(mixed)).context["card"]

    assert "held up" in still.mark
    assert still.waits_because.startswith("No worker is running")
    assert "done about" not in still.sentence
    assert "running" in moving.mark
    assert "done about" in moving.sentence


def test_an_ended_runs_page_is_the_same_from_kept_cells_as_from_its_attempts(signed_in, people):
    run = make_run(planned=3, opened_by=people["ops"])
    for bank, outcome in (("TD", "fresh"), ("TD", "user_action"), ("RBC", "our_config")):
        make_attempt(run, make_login(outcome=outcome, institution=bank), outcome=outcome)
    learning.close_run(run, now=timezone.now())
    client = signed_in("ops")

    kept = progress(client, run)["parts"]
    RunCells.objects.all().delete()

    assert progress(client, run)["parts"] == kept
    assert "RBC" in kept["matrix"]


def test_a_bank_renamed_by_hand_is_renamed_in_ended_runs(signed_in, people):
    run = make_run(planned=1, opened_by=people["ops"])
    login = make_login(outcome="user_action", institution="TD")
    make_attempt(run, login, outcome="user_action")
    learning.close_run(run, now=timezone.now())
    client = signed_in("admin")

    client.post(
        reverse("admin:logins_login_change", args=[login.pk]),
        {"customer": login.customer_id, "institution": "Tangerine"},
    )

    matrix = progress(client, run)["parts"]["matrix"]
    assert "Tangerine" in matrix
    assert "TD" not in matrix
