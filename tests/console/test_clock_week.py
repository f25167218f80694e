"""The seven-day clock on screen: each bar, its sentence, and the lists behind the numbers."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from refreshops.console.clock_week import HEIGHT, week_of
from tests.builders import NOON, make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_run


@pytest.fixture
def ticking(people):
    """It is noon in Toronto: 3 drop out today, 8 tomorrow, 1 in six days; 1 is out already."""
    own = make_customer("OWN-1", account_manager=people["manager"])
    for number, hours in ((2, 3), (8, 30), (1, 6 * 24 + 1), (1, -5)):
        make_logins(number, nightly="on", drops_out_at=NOON + timedelta(hours=hours))
    make_login(nightly="on", drops_out_at=NOON + timedelta(hours=3), customer=own)
    make_login(nightly="on")
    make_login(nightly="off", drops_out_at=NOON + timedelta(hours=3))
    make_login(status="inactive", drops_out_at=NOON + timedelta(hours=3))


def test_the_bars_show_how_many_drop_out_each_day(ticking, people):
    week = week_of(people["ops"], now=NOON, asked_today=False)

    assert [bar.count for bar in week.bars] == [3, 8, 0, 0, 0, 0, 1]
    assert [bar.today for bar in week.bars] == [True, *[False] * 6]
    assert (week.soon, week.already_out, week.not_known) == (11, 1, 1)


def test_the_tallest_bar_is_full_and_a_single_login_is_still_seen(people):
    make_logins(300, nightly="on", drops_out_at=NOON + timedelta(hours=3))
    make_login(nightly="on", drops_out_at=NOON + timedelta(hours=30))

    first, second, third, *_ = week_of(people["ops"], now=NOON, asked_today=False).bars

    assert (first.height, first.top) == (HEIGHT, 0)
    assert 0 < second.height < HEIGHT / 10
    assert second.top + second.height == HEIGHT
    assert third.height == 0


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("open", "If today's run is missed, 1 drops out"),
        ("closed", "Unless it is refreshed before"),
    ],
)
def test_the_sentence_knows_whether_todays_run_can_still_be_missed(people, signed_in, state, words):
    now = timezone.now()
    make_login(nightly="on", drops_out_at=now + timedelta(hours=30))
    make_run(origin="daily", state=state, closed_at=now if state == "closed" else None)

    page = signed_in("ops").get("/leaks/")

    assert page.context["week"].sentence.startswith(words)


def test_a_manager_counts_own_logins_only(ticking, people):
    week = week_of(people["manager"], now=NOON, asked_today=False)

    assert sum(bar.count for bar in week.bars) == 1
    assert (week.soon, week.already_out, week.not_known) == (1, 0, 0)


def test_nobody_drops_out_of_an_empty_register(people):
    week = week_of(people["ops"], now=NOON, asked_today=False)

    assert week.sentence == "Nobody drops out within 7 days."
    assert {bar.height for bar in week.bars} == {0}


def test_the_page_draws_a_bar_and_a_number_for_each_day(signed_in, people):
    html = signed_in("ops").get("/leaks/").content.decode()

    assert html.count("<rect") == 7
    assert 'id="clock"' in html
    assert "style=" not in html.split('id="clock"')[1]


class TestWithAProviderThatDropsNobodyOut:
    """Its logins never get a moment: they are none of those of whom it is not known yet."""

    @pytest.fixture(autouse=True)
    def both(self, people):
        own = make_customer("OWN-1", account_manager=people["manager"])
        make_logins(2, nightly="on", customer=own)
        make_logins(3, nightly="on", customer=own, provider=make_provider("flanks"))

    @pytest.mark.parametrize("name", ["ops", "manager"])
    def test_its_logins_are_not_counted_and_it_is_named(self, signed_in, name):
        page = signed_in(name).get("/leaks/")

        assert page.context["week"].not_known == 2
        assert page.context["week"].sentence == "Nobody drops out within 7 days. 2 not known yet."
        assert "Flanks drops nobody out" in page.content.decode()

    def test_it_is_not_named_where_it_is_not_set_up(self, signed_in, settings):
        settings.FLANKS_API_URL = ""

        assert "drops nobody out" not in signed_in("ops").get("/leaks/").content.decode()

    def test_its_run_takes_nothing_from_todays_run(self, signed_in, capsys):
        now = timezone.now()
        make_login(nightly="on", drops_out_at=now + timedelta(hours=30))
        flanks = make_provider("flanks")
        make_run(origin="daily", state="closed", closed_at=now, provider=flanks)
        make_run(origin="daily", state="open")

        page = signed_in("ops").get("/leaks/")
        call_command("leaks")

        assert page.context["week"].sentence.startswith("If today's run is missed, 1 drops out")
        assert page.context["week"].sentence in capsys.readouterr().out

    def test_the_command_says_the_same(self, capsys):
        call_command("leaks", "--json")

        assert json.loads(capsys.readouterr().out)["clock"]["not_known"] == 2
