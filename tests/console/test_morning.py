"""The index page: each number equals the rows it links to, and every empty state says what next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops.routine.models import Beat
from refreshops.rules.outcomes import Outcome
from tests.builders import make_customer, make_login, make_logins, make_provider
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


class TestAttention:
    """Money, clock, approvals and the alarm."""

    @pytest.fixture
    def troubled(self, people):
        now = timezone.now()
        make_provider(cost_per_login_month="1.50")
        for name in ("manager", "other"):
            owned = {"customer": make_customer(f"C-{name}", account_manager=people[name])}
            make_login(status="inactive", nightly="on", status_changed_at=now, **owned)
            make_login(
                status="inactive",
                nightly="unknown",
                status_changed_at=now - timedelta(days=2),
                **owned,
            )
            make_login(nightly="on", drops_out_at=now + timedelta(days=1), **owned)

    @pytest.mark.parametrize(
        ("name", "rows", "money"), [("ops", 2, "3.00"), ("manager", 1, "1.50")]
    )
    def test_each_line_counts_the_rows_behind_its_link(
        self, signed_in, troubled, name, rows, money
    ):
        client = signed_in(name)

        about = client.get("/").context["morning"].attention

        assert (about.leaking, about.dropping_out, about.unconfirmed) == (rows, rows, rows)
        assert about.money == f"{money} CAD"
        for url in (about.leaking_url, about.dropping_out_url, about.unconfirmed_url):
            assert client.get(url).context["cl"].result_count == rows

    def test_they_stand_on_the_page_and_in_its_live_answer(self, signed_in, troubled):
        client = signed_in("ops")

        page = client.get("/").content.decode()

        assert "2 logins switched off here but on at the provider" in page
        assert "<strong>3.00 CAD a month</strong>" in page
        assert "2 logins drop out of the nightly refresh within two days" in page
        assert "2 switch-offs unconfirmed for more than a day." in page
        assert client.get("/morning.json").json()["parts"]["attention"].strip() in page

    def test_a_quiet_register_says_so(self, signed_in, people):
        make_login(nightly="on")

        page = signed_in("ops").get("/").content.decode()

        assert "No login that is switched off here is known to be on" in page
        assert "Nobody drops out of the nightly refresh within two days" in page
        assert "unconfirmed" not in page

    @pytest.mark.parametrize(
        ("name", "shown"), [("ops", True), ("auditor", False), ("manager", False)]
    )
    def test_orders_that_wait_for_approval_are_told_to_those_who_approve(
        self, signed_in, troubled, people, name, shown
    ):
        waiting = {"purpose": "switch_off", "state": "waiting", "needs_approval": True}
        make_run(opened_by=people["manager"], **waiting)
        make_run(opened_by=people["ops"], **waiting)

        page = signed_in(name).get("/").content.decode()

        assert ("Orders waiting for approval: 1." in page) is shown


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
