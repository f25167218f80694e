"""What is taken away from a run: the file of its logins, and the report to print."""

import csv
import io

import pytest
from django.urls import reverse

from refreshops.tracing.models import Event
from tests.builders import make_customer, make_login, make_logins
from tests.console.conftest import make_attempt, make_call, make_run, page_of


@pytest.fixture
def run(people):
    """A run of the manager's over two logins of theirs and one that went to another."""
    run = make_run(planned=3, opened_by=people["manager"], reason="Look again")
    own = make_customer("OWN-1", name="=Maple", account_manager=people["manager"])
    foreign = make_customer("FOR-1", name="Birch", account_manager=people["other"])
    for outcome, code in (("fresh", ""), ("user_action", "QUESTION_NOT_FOUND")):
        login = make_login(customer=own, institution="TD")
        attempt = make_attempt(run, login, outcome=outcome, provider_code=code, message="a\u202eb")
        make_call(login, run, attempt_id=attempt.pk)
    make_attempt(run, make_login(customer=foreign, institution="Farbank"), outcome="stale")
    return run


def exported(client, run, query=""):
    answer = client.post(reverse("admin:run_export", args=[run.pk]) + query)
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_the_file_holds_each_login_once(signed_in, run):
    rows = exported(signed_in("auditor"), run)

    assert [row["outcome"] for row in rows] == ["fresh", "user_action", "stale"]
    assert [row["calls"] for row in rows] == ["1", "1", "0"]
    assert rows[0]["customer name"] == "'=Maple"
    assert rows[0]["first call at"].endswith("Z")
    assert rows[1]["FlinksCode"] == "QUESTION_NOT_FOUND"


def test_the_file_holds_own_logins_only(signed_in, run):
    assert {row["customer"] for row in exported(signed_in("manager"), run)} == {"OWN-1"}


def test_the_file_is_narrowed_as_the_list_is(signed_in, run):
    rows = exported(signed_in("ops"), run, "?outcome=failed")

    assert [row["outcome"] for row in rows] == ["user_action", "stale"]


def test_who_takes_the_file_is_told_in_the_story(signed_in, run):
    exported(signed_in("ops"), run, "?outcome=stale&q=FOR-1")

    event = Event.objects.get(action="export")
    assert (event.actor, event.number, event.run_id) == ("ops", 1, run.pk)
    assert event.details["filters"] == {"outcome": "stale"}


def test_a_file_of_thousands_is_read_in_pieces(
    signed_in, people, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr("refreshops.console.run_export.CHUNK", 10)
    run = make_run(planned=35)
    for login in make_logins(35):
        make_attempt(run, login)
    client = signed_in("ops")

    with django_assert_max_num_queries(20):
        rows = exported(client, run)

    assert len({row["attempt"] for row in rows}) == 35


def test_the_file_is_not_given_by_a_link(signed_in, run):
    assert signed_in("ops").get(reverse("admin:run_export", args=[run.pk])).status_code == 405


class TestReport:
    def read(self, client, run):
        return client.get(reverse("admin:run_report", args=[run.pk]))

    def test_groups_what_failed_by_what_to_do_next(self, signed_in, run):
        page = self.read(signed_in("ops"), run)

        todo = page.context["todo"]
        assert [(step.outcome, step.number, len(step.rows)) for step in todo] == [
            ("stale", 1, 1),
            ("user_action", 1, 1),
        ]
        assert all(step.words for step in todo)
        assert "Look again" in page.content.decode()

    def test_shows_own_logins_only(self, signed_in, run):
        html = self.read(signed_in("manager"), run).content.decode()

        assert "Maple" in html
        assert not [hint for hint in ("Birch", "FOR-1", "Farbank", "Stale") if hint in html]

    def test_shows_nothing_unseen(self, signed_in, run):
        assert "\u202e" not in self.read(signed_in("ops"), run).content.decode()

    def test_of_an_order_leads_to_no_advice_about_refreshing(self, signed_in, people):
        order = make_run(purpose="switch_off", planned=1)
        make_attempt(order, make_login(status="inactive"), outcome="provider_fault")

        assert [step.words for step in self.read(signed_in("ops"), order).context["todo"]] == [""]

    def test_costs_eight_queries_however_much_failed(
        self, signed_in, people, django_assert_max_num_queries
    ):
        run = make_run(planned=60)
        for login in make_logins(60):
            make_attempt(run, login, outcome="stale")
        client = signed_in("ops")

        with django_assert_max_num_queries(8):
            self.read(client, run)

    def test_stands_one_link_from_the_run(self, signed_in, run):
        html = signed_in("auditor").get(page_of(run)).content.decode()

        assert reverse("admin:run_report", args=[run.pk]) in html
