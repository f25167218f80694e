"""The index page: each number equals the rows it links to, and every empty state says what next."""

from datetime import time, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import strip_tags

from refreshops.console.morning import morning_of
from refreshops.console.words import person
from refreshops.routine.models import Beat
from refreshops.routine.schedules import set_daily_time
from refreshops.rules.outcomes import Outcome
from tests.builders import NOON, make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_call, make_run, page_of


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

    # Both speak of the same second.
    with time_machine.travel(timezone.now(), tick=False):
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
    make_login()
    set_daily_time(time(23, 59), provider="flinks")

    assert "It starts by itself at 23:59" in signed_in("ops").get("/").content.decode()


def test_todays_run_says_how_far_it_is(signed_in, people):
    run = make_run(origin="daily", planned=3)
    make_attempt(run, make_login(), outcome="fresh")
    for login in make_logins(2):
        make_attempt(run, login)
    Beat.objects.create(name="worker", seen_at=timezone.now())

    page = signed_in("ops").get("/").content.decode()

    assert "1 of 3, 20 a minute, done about" in page


def test_a_paused_provider_is_told_with_its_reason_and_the_run_does_not_look_running(
    signed_in, people
):
    run = make_run(origin="daily", planned=1)
    make_attempt(run, make_login())
    provider = make_provider()
    provider.paused_at, provider.paused_reason = timezone.now(), "The key was refused"
    provider.paused_by = people["auditor"]
    provider.save()

    page = signed_in("ops").get("/").content.decode()

    assert f"by {person(people['auditor'])}: The key was refused" in page
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
        assert "No login is known to drop out of the nightly refresh within two days" in page
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


@pytest.mark.parametrize("name", ["ops", "auditor", "manager", "admin"])
@pytest.mark.parametrize("path", ["/", "/morning.json"])
def test_the_page_costs_eight_queries_whatever_there_is(
    signed_in, people, django_assert_max_num_queries, name, path
):
    owned = {"customer": make_customer("OWN-1", account_manager=people["manager"])}
    logins = make_logins(12, outcome="stale", **owned)
    make_logins(4, outcome="institution_unavailable", institution="RBC", **owned)
    make_login(status="inactive", nightly="on", **owned)
    for origin in ("daily", "person", "person"):
        run = make_run(origin=origin, opened_by=people["manager"], planned=12)
        run_purpose = "refresh" if origin == "daily" else "check_schedule"
        for login in logins if origin == "daily" else []:
            make_attempt(run, login, purpose=run_purpose)
    client = signed_in(name)

    with django_assert_max_num_queries(8):
        assert client.get(path).status_code == 200


class TestTheDay:
    """What the page says of today's run: before it, while it does not move, and when it is late."""

    def words(self, user, *, now):
        """Return the card of the day as `user` reads it at `now`."""
        morning = morning_of(User.objects.get(pk=user.pk), now=now)
        found = render_to_string("console/parts/today.html", {"morning": morning})
        return " ".join(strip_tags(found).split())

    @pytest.mark.parametrize(
        ("starts", "words"),
        [
            pytest.param(time(13, 30), "It starts by itself at 13:30", id="ahead"),
            pytest.param(time(11, 59), "It starts by itself at 11:59", id="any-moment"),
            pytest.param(
                time(11, 57), "is missing: it should have started at 11:57", id="should-have-begun"
            ),
            pytest.param(None, "The daily start is switched off", id="switched-off"),
        ],
    )
    def test_a_run_that_should_have_begun_is_missing(self, people, starts, words):
        make_login()
        set_daily_time(starts, provider="flinks")

        assert words in self.words(people["ops"], now=NOON)

    def test_without_a_worker_the_page_names_the_command(self, people):
        make_login()
        set_daily_time(time(10, 30), provider="flinks")

        assert "start one with manage.py worker" in self.words(people["ops"], now=NOON)

    def test_a_register_that_is_all_off_has_nobody_to_ask(self, people):
        make_login(status="inactive")
        set_daily_time(time(10, 30), provider="flinks")

        assert "There is nobody to ask today" in self.words(people["ops"], now=NOON)

    def test_the_forecast_stands_there_before_the_run(self, people):
        make_provider(logins_per_minute=1)
        make_logins(13)
        set_daily_time(time(13, 30), provider="flinks")

        words = self.words(people["ops"], now=NOON)

        assert "13 logins at 1 a minute take about 12 minutes: done about 20 Nov 13:42" in words
        assert "too short" not in words

    def test_a_day_that_is_too_short_is_told_before_it_begins_and_only_to_who_sees_all(
        self, people, settings
    ):
        settings.THROTTLE_WINDOW_SECONDS = 43_200
        make_provider(logins_per_minute=2)
        make_logins(5, customer=make_customer("OWN-1", account_manager=people["manager"]))
        set_daily_time(time(13, 30), provider="flinks")

        words = self.words(people["ops"], now=NOON)

        assert "The day is too short for Flinks’s daily run" in words
        assert "1 of them would not be asked. 4 fit; all of them from 3 a minute on" in words
        assert "too short" not in self.words(people["manager"], now=NOON)

    @pytest.mark.parametrize(
        ("worker_s", "called_s", "words"),
        [
            pytest.param(600, 10, "nothing moves until one is started", id="no-worker"),
            pytest.param(10, 600, "Nothing moves, though a worker is alive", id="stuck"),
            pytest.param(10, 10, "Waiting for a worker.", id="just-now"),
        ],
    )
    def test_a_run_that_does_not_move_says_so(self, people, worker_s, called_s, words):
        run = make_run(
            origin="daily",
            local_date=NOON.date(),
            opened_at=NOON - timedelta(hours=1),
            planned=1,
        )
        login = make_login()
        make_attempt(run, login, not_before=NOON - timedelta(hours=1), rank=10)
        make_call(login, run, sent_at=NOON - timedelta(seconds=called_s))
        Beat.objects.create(name="worker", seen_at=NOON - timedelta(seconds=worker_s))

        said = self.words(people["ops"], now=NOON)

        assert words in said
        moves = words == "Waiting for a worker."
        assert ("held up" not in said, "done about" in said) == (moves, moves)


class TestFourteenMornings:
    """The chart: a column a day, and a day without a run is seen."""

    def days(self, user, *, now=NOON):
        return morning_of(User.objects.get(pk=user.pk), now=now).mornings.days

    def daily(self, days_ago, **outcomes):
        done = sum(outcomes.values())
        return make_run(
            origin="daily",
            local_date=NOON.date() - timedelta(days=days_ago),
            opened_at=NOON - timedelta(days=days_ago),
            state="closed",
            closed_at=NOON - timedelta(days=days_ago),
            planned=done + 2,
            totals={"done": done, "cancelled": 2, "outcomes": outcomes},
        )

    def test_a_day_without_a_run_is_missing_once_there_has_been_one(self, people):
        self.daily(5, fresh=3)
        self.daily(2, fresh=3)

        days = self.days(people["ops"])

        assert [day.missed for day in days] == [False] * 9 + [True, True, False, True, False]
        assert [len(day.columns) for day in days] == [0] * 8 + [1, 0, 0, 1, 0, 0]
        assert days[-1].ahead

    def test_an_older_run_makes_every_empty_day_missing(self, people):
        self.daily(20, fresh=3)
        self.daily(1, fresh=3)

        assert sum(day.missed for day in self.days(people["ops"])) == 12

    @pytest.mark.parametrize(
        ("days_ago", "words"),
        [
            pytest.param(0, "", id="today"),
            pytest.param(1, "", id="yesterday"),
            pytest.param(
                2,
                "No daily run of Flinks was finished since that of Wednesday 18 November.",
                id="a-day-is-missing",
            ),
            pytest.param(
                20,
                "No daily run of Flinks was finished since that of Saturday 31 October.",
                id="long-ago",
            ),
        ],
    )
    def test_the_numbers_say_so_when_no_run_stands_behind_them(self, people, days_ago, words):
        make_login(outcome="fresh")
        self.daily(days_ago, fresh=2)
        if days_ago:
            make_run(origin="daily", local_date=NOON.date(), planned=1)

        said = self.numbers(people["ops"])

        assert ("No daily run" in said) == bool(words)
        assert words in said

    @pytest.mark.parametrize("name", ["ops", "manager"])
    @pytest.mark.parametrize("days_ago", [1, 2, 13, 20])
    def test_everybody_is_told_that_a_morning_is_missing(self, people, name, days_ago):
        owned = {"customer": make_customer("OWN-1", account_manager=people["manager"])}
        make_login(outcome="fresh", **owned)
        self.daily(days_ago, fresh=2)

        said = "No daily run of Flinks was finished" in self.numbers(people[name])
        assert said == (days_ago > 1)

    @pytest.mark.parametrize(
        ("ended_h", "asked", "colour", "label"),
        [
            pytest.param(23, 3, "fresh", "Fresh", id="within-a-day"),
            pytest.param(25, 3, "due", "Was fresh", id="more-than-a-day-ago"),
            pytest.param(3, 1, "due", "Was fresh", id="stood-still-all-day"),
        ],
    )
    @pytest.mark.parametrize("name", ["ops", "manager"])
    def test_nothing_is_green_that_was_not_asked_for_a_day(
        self, people, signed_in, name, ended_h, asked, colour, label
    ):
        owned = {"customer": make_customer("OWN-1", account_manager=people["manager"])}
        make_login(outcome="fresh", institution="TD", **owned)
        run = self.daily(1, fresh=asked)
        run.planned, run.closed_at = 4, NOON - timedelta(hours=ended_h)
        run.save()
        morning = morning_of(User.objects.get(pk=people[name].pk), now=NOON)

        fresh = morning.six[0]

        assert (fresh.kind, fresh.count, fresh.colour, fresh.label) == ("fresh", 1, colour, label)
        said = self.numbers(people[name])
        assert ("o-fresh" in said) == (colour == "fresh")
        assert ("As of the daily run that ended" in said) == (asked == 3)

    def numbers(self, user):
        """Return the part of the page with the six numbers, as `user` reads it."""
        morning = morning_of(User.objects.get(pk=user.pk), now=NOON)
        return render_to_string("console/parts/numbers.html", {"morning": morning})

    def test_todays_is_missing_when_it_should_have_begun(self, people):
        make_login()
        self.daily(1, fresh=3)
        set_daily_time(time(11, 0), provider="flinks")

        assert self.days(people["ops"])[-1].missed

    def test_a_column_shows_what_was_not_asked_too(self, people):
        self.daily(1, fresh=3, stale=1)

        (column,) = self.days(people["ops"])[-2].columns

        assert column.parts == [("fresh", 3), ("stale", 1), ("not_done", 2)]
        assert column.words == "3 fresh, 1 stale, 2 not asked"

    def test_each_column_leads_to_its_run_and_the_table_says_the_same(self, people, signed_in):
        run = make_run(origin="daily", planned=1)
        make_attempt(run, make_login(), outcome="fresh")

        page = signed_in("ops").get("/").content.decode()

        assert f'<a href="{page_of(run)}" title=' in page
        assert "<td>1</td><td>1 fresh</td>" in page

    def test_an_account_manager_sees_no_chart_of_others(self, people, signed_in):
        self.daily(1, fresh=3)

        assert self.days(people["manager"]) == []
        assert "Fourteen mornings" not in signed_in("manager").get("/").content.decode()


def test_of_many_institutions_the_rest_is_one_link_away(signed_in, people):
    for number in range(30):
        make_login(institution=f"Bank {number:02}", outcome="stale")
    client = signed_in("ops")

    first = client.get("/").content.decode()

    assert "And 5 more institutions" in first
    assert "Bank 29" not in first
    assert "Bank 29" in client.get("/?institutions=all").content.decode()
    assert "Bank 29" in client.get("/morning.json?institutions=all").json()["parts"]["matrix"]


def test_an_outage_says_since_when_and_counts_own_logins_only(signed_in, people):
    now = timezone.now()
    owned = {"customer": make_customer("OWN-1", account_manager=people["manager"])}
    down = {"outcome": "institution_unavailable", "institution": "RBC"}
    make_logins(3, fresh_at=now - timedelta(days=3), **down, **owned)
    make_login(fresh_at=now - timedelta(days=1), **down)

    ops, manager = (signed_in(name).get("/").content.decode() for name in ("ops", "manager"))

    assert "4 of 4 logins failed on the bank’s side" in ops
    assert "24 h ago" in ops
    assert "3 of 3 logins failed on the bank’s side" in manager
    assert "3 d ago" in manager
    assert "Nobody is asked to reconnect for it." in manager
    assert ("Support bundle" in ops, "Support bundle" in manager) == (True, False)


def test_other_lists_cost_few_queries(signed_in, people, django_assert_max_num_queries):
    make_logins(60, outcome="stale")
    client = signed_in("ops")

    with django_assert_max_num_queries(12):
        client.get("/logins/login/")
