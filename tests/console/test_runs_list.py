"""The list of runs: its filters, its numbers, and what a page of it costs."""

import pytest
from django.utils import timezone

from refreshops.logins.models import Provider
from tests.builders import make_customer, make_login
from tests.console.conftest import make_attempt, make_run

URL = "/routine/run/"


@pytest.fixture
def runs(people):
    """One run of each kind, by name."""
    ended = {"closed_at": timezone.now(), "planned": 4}
    totals = {"done": 3, "cancelled": 1, "outcomes": {"fresh": 3}}
    waits = {"state": "waiting", "needs_approval": True, "purpose": "switch_off"}
    return {
        "daily": make_run(origin="daily", planned=1),
        "closed": make_run(state="closed", totals=totals, opened_by=people["manager"], **ended),
        "cancelled": make_run(state="cancelled", totals=totals, **ended),
        "mine": make_run(opened_by=people["ops"], **waits),
        "theirs": make_run(opened_by=people["manager"], **waits),
        "retry": make_run(origin="retry", state="paused"),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"daily", "closed", "cancelled", "mine", "theirs", "retry"}),
        ("?approval=mine", {"theirs"}),
        ("?approval=everybodys", set()),
        ("?state__exact=waiting", {"mine", "theirs"}),
        ("?state__exact=cancelled", {"cancelled"}),
        ("?purpose__exact=switch_off", {"mine", "theirs"}),
        ("?origin__exact=retry", {"retry"}),
        ("?day=today&origin__exact=daily", {"daily"}),
        ("?day=yesterday", set()),
        ("?q=a+word", set()),
    ],
)
def test_it_is_narrowed(signed_in, runs, query, found):
    page = signed_in("ops").get(URL + query)

    rows = {row.pk for row in page.context["cl"].result_list}
    assert rows == {runs[name].pk for name in found}


def test_a_number_finds_its_run(signed_in, runs):
    page = signed_in("ops").get(URL, {"q": f"#{runs['retry'].pk}"})

    assert [row.pk for row in page.context["cl"].result_list] == [runs["retry"].pk]


def test_a_cancelled_run_counts_what_was_asked(signed_in, runs):
    html = signed_in("ops").get(URL + "?state__exact=cancelled").content.decode()

    assert "3 of 4" in html
    assert "1 cancelled" in html


def test_a_run_of_a_paused_provider_does_not_look_as_if_it_ran(signed_in, runs):
    Provider.objects.update(paused_at=timezone.now(), paused_reason="Keys")

    html = signed_in("ops").get(URL + "?origin__exact=daily").content.decode()

    assert "held up" in html
    assert 'class="badge r-open"' not in html


@pytest.mark.parametrize("who", ["ops", "auditor", "manager"])
def test_a_page_costs_eight_queries(signed_in, people, who, django_assert_max_num_queries):
    login = make_login(customer=make_customer("OWN-1", account_manager=people["manager"]))
    totals = {"done": 1, "cancelled": 0, "outcomes": {"fresh": 1}}
    ended = {"state": "closed", "closed_at": timezone.now(), "totals": totals, "planned": 1}
    for number in range(60):
        run = make_run(opened_by=people["manager"], **(ended if number % 2 else {"planned": 1}))
        make_attempt(run, login, outcome="fresh")
    client = signed_in(who)

    with django_assert_max_num_queries(8):
        page = client.get(URL)

    assert len(page.context["cl"].result_list) == 50
    assert "1 of 1" in page.content.decode()
