"""The index page of one provider or of all: the switch, a pause that hides nothing, own days."""

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import strip_tags

from refreshops.console.morning import morning_of
from refreshops.logins.models import Provider
from refreshops.routine.schedules import set_daily_time
from tests.builders import NOON, make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def flanks():
    return Provider.objects.create(name="flanks", currency="EUR", logins_per_minute=10)


def switch(page):
    return page.content.decode().partition('<nav class="switch"')[2].partition("</nav>")[0]


@pytest.mark.parametrize(
    ("address", "here"),
    [
        pytest.param("/", "All", id="all"),
        pytest.param("/?provider=flanks", "Flanks", id="one"),
        pytest.param("/?provider=nobody", "All", id="unknown"),
        pytest.param("/?provider=%00", "All", id="senseless"),
    ],
)
def test_the_switch_marks_what_the_address_asks_for(signed_in, people, address, here):
    links = switch(signed_in("ops").get(address))

    assert links.count("<a ") == 3
    assert links.count("aria-current") == 1
    assert f'aria-current="page">{here}' in links


def test_with_one_provider_there_is_nothing_to_switch(signed_in, people, settings):
    settings.FLANKS_API_URL = ""

    page = signed_in("ops").get("/?provider=flanks")

    assert switch(page) == ""
    assert page.context["morning"].switch.chosen == ""


@pytest.mark.parametrize("chosen", ["", "flinks", "flanks"])
def test_a_pause_names_its_provider_and_hides_no_other(signed_in, people, flanks, chosen):
    make_logins(2, outcome="fresh")
    make_logins(3, outcome="stale", provider=flanks)
    flanks.paused_at, flanks.paused_reason = timezone.now(), "The key was refused"
    flanks.save()

    page = signed_in("ops").get("/", {"provider": chosen})

    assert "<strong>Flanks is paused</strong>" in page.content.decode()
    assert switch(page).count("paused") > 0
    total = {"": 5, "flinks": 2, "flanks": 3}[chosen]
    morning = page.context["morning"]
    assert sum(row.count for row in (*morning.six, *morning.rest)) == total


def test_each_provider_has_its_day_with_its_own_time_and_limit(people, flanks):
    make_provider(logins_per_minute=20)
    make_logins(2)
    make_logins(20, provider=flanks)
    set_daily_time(time(13, 30), provider="flinks")
    set_daily_time(time(11, 0), provider="flanks")

    words = strip_tags(day_of(people["ops"]))

    assert "It starts by itself at 13:30" in words
    assert "2 logins at 20 a minute" in words
    assert "Today’s run of Flanks is missing: it should have started at 11:00" in words


def test_with_a_choice_the_other_is_not_spoken_of(people, flanks):
    make_login()
    make_login(provider=flanks)
    for provider in (make_provider(), flanks):
        make_run(provider=provider, origin="daily", local_date=NOON.date(), planned=1)

    assert day_of(people["ops"]).count('class="card today"') == 2
    assert "Flanks" not in day_of(people["ops"], chosen="flinks")


def test_what_grew_old_at_one_provider_takes_no_green_from_the_other(people, flanks):
    for provider, days_ago, number in ((make_provider(), 0, 2), (flanks, 3, 4)):
        at = NOON - timedelta(days=days_ago)
        make_logins(number, outcome="fresh", provider=provider)
        make_run(
            provider=provider,
            origin="daily",
            local_date=at.date(),
            opened_at=at,
            state="closed",
            closed_at=at,
            planned=number,
            totals={"done": number, "outcomes": {"fresh": number}},
        )

    morning = morning_of(User.objects.get(pk=people["ops"].pk), now=NOON)

    fresh, was = morning.six[0], morning.rest[0]
    assert (fresh.label, fresh.count, fresh.colour) == ("Fresh", 2, "fresh")
    assert (was.label, was.count, was.colour) == ("Was fresh at Flanks", 4, "due")
    assert [place.missed for place in morning.mornings.days[-2].places] == [False, True]


@pytest.mark.parametrize("name", ["ops", "manager"])
@pytest.mark.parametrize(("chosen", "clock"), [("", True), ("flinks", True), ("flanks", False)])
def test_there_is_a_clock_only_where_logins_drop_out(
    signed_in, people, flanks, name, chosen, clock
):
    own = make_customer("OWN-1", account_manager=people["manager"])
    for provider in (make_provider(), flanks):
        make_login(provider=provider, customer=own)

    html = signed_in(name).get("/", {"provider": chosen}).content.decode()

    assert ('<b class="about">Money</b>' in html, '<b class="about">Clock</b>' in html) == (
        True,
        clock,
    )


@pytest.mark.parametrize("chosen", ["", "flinks", "flanks"])
@pytest.mark.parametrize("name", ["ops", "manager"])
def test_each_mode_costs_eight_queries_at_most(
    signed_in, people, flanks, django_assert_max_num_queries, name, chosen
):
    for provider in (make_provider(), flanks):
        run = make_run(provider=provider, origin="daily", planned=4)
        down = {"outcome": "institution_unavailable", "institution": f"Bank {provider}"}
        for login in make_logins(4, provider=provider, **down):
            make_attempt(run, login)
    client = signed_in(name)

    with django_assert_max_num_queries(8):
        assert client.get("/", {"provider": chosen}).status_code == 200


def test_the_page_of_a_provider_says_what_it_can_do_and_why_not(signed_in, people, flanks):
    page = signed_in("ops").get(f"/logins/provider/{flanks.pk}/change/").content.decode()

    assert "What it can do" in page
    assert "<td>no</td>" in page
    assert "<td>here only</td>" in page
    assert "has no switch for its daily refresh" in page


def day_of(user, chosen=""):
    morning = morning_of(User.objects.get(pk=user.pk), now=NOON, chosen=chosen)
    return render_to_string("console/parts/today.html", {"morning": morning})
