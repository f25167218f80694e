"""The index page: each number equals the rows it links to, and every empty state says what next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops.routine.models import Beat
from refreshops.rules.outcomes import Outcome
from tests.builders import make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_run


@pytest.fixture
def every_outcome(people):
    for number, outcome in enumerate(["", *Outcome], start=1):
        make_logins(number, outcome=outcome, institution="TD")
    make_login(outcome="fresh", status="inactive")


@pytest.mark.parametrize("name", ["ops", "auditor", "manager"])
def test_each_number_equals_the_rows_behind_its_link(signed_in, every_outcome, people, name):
    from refreshops.logins.models import Customer

    Customer.objects.update(account_manager=people["manager"])
    client = signed_in(name)

    morning = client.get("/").context["morning"]

    numbers = [*morning.six, *morning.rest]
    assert len(numbers) == len(Outcome) + 1
    for number in numbers:
        assert client.get(number.url).context["cl"].result_count == number.count > 0


def test_the_matrix_cells_equal_the_rows_behind_their_links(signed_in, people):
    make_logins(3, outcome="user_action", provider_code="INVALID_PASSWORD", institution="TD")
    make_logins(2, outcome="stale", institution="RBC")
    client = signed_in("ops")

    matrix = client.get("/").context["morning"].matrix

    cells = [cell for line in matrix.lines for cell in line.cells if cell.count]
    assert [cell.count for cell in cells] == [3, 2]
    for cell in cells:
        assert client.get(cell.url).context["cl"].result_count == cell.count


def test_the_live_answer_draws_the_matrix_as_the_page_does(signed_in, people):
    make_logins(2, outcome="stale", institution="RBC")
    client = signed_in("ops")

    page = client.get("/").content.decode()
    parts = client.get("/morning.json").json()["parts"]

    assert "RBC" in parts["matrix"]
    for name in ("matrix", "numbers", "today"):
        assert parts[name].strip() in page


def test_an_empty_register_says_what_to_do_first(signed_in, people):
    assert "manage.py import_logins" in signed_in("ops").get("/").content.decode()


def test_a_manager_without_customers_is_told_whom_to_ask(signed_in, people):
    assert "Ask Operations" in signed_in("manager").get("/").content.decode()


def test_before_the_run_the_page_says_when_it_starts(signed_in, people):
    from datetime import time

    from refreshops.routine.schedules import set_daily_time

    make_login()
    set_daily_time(time(11, 15))

    assert "It starts by itself at 11:15" in signed_in("ops").get("/").content.decode()


def test_todays_run_says_how_far_it_is(signed_in, people):
    run = make_run(origin="daily", planned=3)
    make_attempt(run, make_login(), outcome="fresh")
    for login in make_logins(2):
        make_attempt(run, login)

    page = signed_in("ops").get("/").content.decode()

    assert "1 of 3, 20 a minute, done about" in page


def test_a_paused_provider_is_told_with_its_reason_and_the_run_does_not_look_running(
    signed_in, people
):
    run = make_run(origin="daily", planned=1)
    make_attempt(run, make_login())
    provider = make_provider()
    provider.paused_at, provider.paused_reason = timezone.now(), "The key was refused"
    provider.save()

    page = signed_in("ops").get("/").content.decode()

    assert "The key was refused" in page
    assert "held up" in page
    assert "></i>running" not in page


@pytest.mark.parametrize(
    ("age_s", "words"), [(5, "Worker alive"), (61, "No worker: last seen"), (None, "No worker has")]
)
def test_the_worker_is_alive_only_with_a_fresh_beat(signed_in, people, age_s, words):
    if age_s is not None:
        Beat.objects.create(name="worker", seen_at=timezone.now() - timedelta(seconds=age_s))

    assert words in signed_in("ops").get("/").content.decode()


def test_the_environment_is_named(signed_in, people):
    assert "simulator</span>" in signed_in("ops").get("/").content.decode()


def test_the_number_of_queries_does_not_grow(signed_in, people, django_assert_max_num_queries):
    for _ in range(3):
        make_run(planned=5)
    make_logins(60, outcome="stale")
    client = signed_in("ops")

    with django_assert_max_num_queries(70):
        client.get("/")


def test_other_lists_cost_few_queries(signed_in, people, django_assert_max_num_queries):
    make_logins(60, outcome="stale")
    client = signed_in("ops")

    with django_assert_max_num_queries(12):
        client.get("/logins/login/")
