"""The seven-day clock: who drops out when, in local days, and the sentence about it."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.logins import clock
from refreshops.logins.clock import Clock, Day
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.logins.owned import owned_by
from tests.builders import NOON, make_login, make_logins, make_provider

TORONTO = ZoneInfo("America/Toronto")
# The providers that drop logins out of their nightly refresh.
DROPPING = ("flinks",)
# Noon in Toronto on a Friday: its local midnight is at five in UTC.
TODAY = date(2026, 11, 20)


def in_days(**ahead):
    return NOON + timedelta(**ahead)


def days_of(logins=None, *, zone=TORONTO, now=NOON):
    found = clock.forecast(Login.objects.all() if logins is None else logins, now=now, zone=zone)
    return {day.date: day.count for day in found if day.count}


@pytest.mark.django_db
class TestTheForecast:
    def test_it_names_the_next_seven_local_dates_today_first(self):
        found = clock.forecast(Login.objects.all(), now=NOON, zone=TORONTO)

        assert [day.date for day in found] == [TODAY + timedelta(days=ahead) for ahead in range(7)]
        assert {day.count for day in found} == {0}

    @pytest.mark.parametrize(
        ("drops_out_at", "day"),
        [
            pytest.param(in_days(seconds=1), TODAY, id="in-a-moment"),
            pytest.param(datetime(2026, 11, 21, 5, tzinfo=UTC), TODAY, id="at-local-midnight"),
            pytest.param(
                datetime(2026, 11, 21, 5, 0, 1, tzinfo=UTC),
                date(2026, 11, 21),
                id="after-local-midnight",
            ),
            pytest.param(datetime(2026, 11, 27, 5, tzinfo=UTC), date(2026, 11, 26), id="last-day"),
        ],
    )
    def test_a_login_counts_on_its_local_date(self, drops_out_at, day):
        make_login(drops_out_at=drops_out_at)

        assert days_of() == {day: 1}

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"drops_out_at": in_days(days=7)}, id="beyond-the-week"),
            pytest.param({"drops_out_at": NOON}, id="out-already"),
            pytest.param({"drops_out_at": None}, id="not-known"),
            pytest.param({"status": LoginStatus.INACTIVE}, id="inactive"),
            pytest.param({"nightly": Nightly.OFF}, id="off-there"),
            pytest.param({"gone_at": NOON}, id="gone-there"),
        ],
    )
    def test_who_does_not_count(self, fields):
        make_login(**({"drops_out_at": in_days(days=1)} | fields))

        assert days_of() == {}

    def test_a_day_of_25_hours_is_one_day(self):
        saturday = datetime(2026, 10, 31, 16, tzinfo=UTC)
        make_login(drops_out_at=datetime(2026, 11, 1, 4, 30, tzinfo=UTC))
        make_login(drops_out_at=datetime(2026, 11, 2, 4, 30, tzinfo=UTC))
        make_login(drops_out_at=datetime(2026, 11, 2, 5, 30, tzinfo=UTC))

        found = days_of(now=saturday)

        assert found == {date(2026, 11, 1): 2, date(2026, 11, 2): 1}

    def test_it_is_one_query(self):
        with CaptureQueriesContext(connection) as queries:
            clock.read(Login.objects.all(), now=NOON, zone=TORONTO, providers=DROPPING)

        assert len(queries) == 1


@pytest.mark.django_db
class TestTheLists:
    def test_dropping_out_are_those_within_the_time_who_are_not_out_yet(self):
        make_login(drops_out_at=NOON)
        soon = {make_login(drops_out_at=NOON + by) for by in (timedelta(seconds=1), clock.SOON)}
        make_login(drops_out_at=NOON + clock.SOON + timedelta(seconds=1))

        assert set(clock.dropping_out(Login.objects.all(), now=NOON)) == soon

    def test_out_already_is_who_reached_the_moment(self):
        out = make_login(drops_out_at=NOON)
        make_login(drops_out_at=in_days(seconds=1))
        make_login(drops_out_at=in_days(days=-3), status=LoginStatus.INACTIVE)

        assert list(clock.already_out(Login.objects.all(), now=NOON)) == [out]

    def test_not_known_is_who_was_never_told(self):
        new = make_login()
        make_login(drops_out_at=NOON)
        make_login(nightly=Nightly.OFF)

        assert list(clock.not_known(Login.objects.all(), providers=DROPPING)) == [new]

    @pytest.mark.parametrize(
        ("providers", "number"),
        [
            pytest.param(["flinks"], 2, id="one-drops-out"),
            pytest.param(["flinks", "flanks"], 5, id="both-drop-out"),
            pytest.param([], 0, id="nobody-drops-out"),
        ],
    )
    def test_where_nobody_ever_drops_out_nothing_is_left_to_be_known(self, providers, number):
        make_logins(2)
        make_logins(3, provider=make_provider("flanks"))
        parts = {
            "all": Login.objects.all(),
            "some": Login.objects.filter(pk__gt=0),
            "a-managers": Login.objects.filter(owned_by(None)),
        }
        terms = {"now": NOON, "zone": UTC, "providers": providers}

        found = {name: clock.read(rows, **terms).not_known for name, rows in parts.items()}

        listed = clock.not_known(Login.objects.all(), providers=providers)
        assert found == dict.fromkeys(parts, number)
        assert listed.count() == number

    def test_the_numbers_of_the_clock_are_the_rows_of_the_lists(self):
        chance = random.Random(20261120)
        providers = [make_provider(), make_provider(), make_provider("flanks")]
        for _ in range(120):
            hours = chance.randrange(-50, 300)
            make_login(
                provider=chance.choice(providers),
                drops_out_at=chance.choice([None, in_days(hours=hours), in_days(hours=hours)]),
                status=chance.choice(
                    [LoginStatus.ACTIVE, LoginStatus.ACTIVE, LoginStatus.INACTIVE]
                ),
                nightly=chance.choice(Nightly.values),
                gone_at=chance.choice([None, None, None, NOON]),
            )
        everyone = Login.objects.all()

        found = clock.read(everyone, now=NOON, zone=UTC, providers=DROPPING)

        midnight = datetime(2026, 11, 27, tzinfo=UTC)
        within = clock.dropping_out(everyone, now=NOON, within=midnight - NOON)
        assert sum(day.count for day in found.days) == within.count()
        assert found.already_out == clock.already_out(everyone, now=NOON).count()
        not_known = clock.not_known(everyone, providers=DROPPING)
        assert found.not_known == not_known.count() < len(everyone.filter(drops_out_at=None))


def clock_of(*counts, not_known=0):
    days = tuple(Day(TODAY + timedelta(days=ahead), count) for ahead, count in enumerate(counts))
    return Clock(days, already_out=0, not_known=not_known, soon=0)


@pytest.mark.parametrize(
    ("found", "asked_today", "said"),
    [
        pytest.param(clock_of(*[0] * 7), False, "Nobody drops out within 7 days.", id="nobody"),
        pytest.param(
            clock_of(0, 0, 412),
            False,
            "If today's run is missed, 412 drop out on Sunday 22 November.",
            id="one-day",
        ),
        pytest.param(
            clock_of(0, 412, 0, 88, 1),
            False,
            "If today's run is missed, 412 drop out on Saturday 21 November, "
            "501 by Tuesday 24 November.",
            id="more-days",
        ),
        pytest.param(
            clock_of(1),
            False,
            "If today's run is missed, 1 drops out on Friday 20 November.",
            id="a-single-one",
        ),
        pytest.param(
            clock_of(0, 3),
            True,
            "Unless they are refreshed before, 3 drop out on Saturday 21 November.",
            id="after-the-run",
        ),
        pytest.param(
            clock_of(0, 1),
            True,
            "Unless it is refreshed before, 1 drops out on Saturday 21 November.",
            id="a-single-one-after-the-run",
        ),
        pytest.param(
            clock_of(0, not_known=9),
            False,
            "Nobody drops out within 1 day. 9 not known yet.",
            id="not-known",
        ),
    ],
)
def test_the_sentence(found, asked_today, said):
    assert clock.sentence(found, asked_today=asked_today) == said
