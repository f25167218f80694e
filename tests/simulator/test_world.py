"""Worlds grow from their seed, and nights pass over them."""

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from refreshops.simulator.fates import FATES
from refreshops.simulator.register import row_of, write_customers, write_register
from refreshops.simulator.scenarios import SCENARIOS
from refreshops.simulator.world import Recipe, grow

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def grown(*, scenario="morning", seed=1, logins=120, now=NOON):
    return grow(Recipe(seed=seed, scenario=scenario, logins=logins), now=now)


def picture(world):
    return [
        (
            *row_of(login, with_managers=True),
            login.username,
            login.fate.name,
            login.refreshed_at,
            login.scheduled,
        )
        for login in world.logins.values()
    ]


class TestSeed:
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_equal_seeds_give_equal_worlds(self, scenario):
        assert picture(grown(scenario=scenario)) == picture(grown(scenario=scenario))

    def test_another_seed_gives_other_logins(self):
        assert not set(grown(seed=1).logins) & set(grown(seed=2).logins)


class TestMorning:
    def test_most_logins_are_fresh_and_every_trouble_is_there(self):
        fates = [login.fate.name for login in grown().logins.values()]

        assert fates.count("success") > 0.6 * len(fates)
        assert fates.count("invented_code") == 1
        assert fates.count("disabled_login") == 1
        assert {"question_not_found", "invalid_password", "operation_pending", "stale"} < set(fates)

    def test_one_bank_is_down_and_no_other(self):
        logins = grown(logins=400).logins.values()
        down = {login.bank.name for login in logins if login.fate.name == "retry_later"}

        assert down == {"Desjardins"}

    def test_customers_have_one_to_three_logins_and_several_managers(self):
        logins = list(grown().logins.values())
        owned = [login.customer.reference for login in logins]

        assert {owned.count(reference) for reference in owned} == {1, 2, 3}
        assert {login.customer.account_manager for login in logins} == {"manager", "sofia", "liam"}

    @pytest.mark.parametrize("hour", [0, 4, 5, 6, 12, 23])
    def test_a_good_night_is_less_than_a_day_ago_at_any_hour(self, hour):
        now = NOON.replace(hour=hour, minute=30)

        for login in grown(scenario="calm", now=now).logins.values():
            assert timedelta(0) <= now - login.refreshed_at < timedelta(days=1)

    def test_a_few_flags_differ_from_the_register_both_ways(self):
        flags = Counter((login.status, login.scheduled) for login in grown().logins.values())

        assert flags == {
            ("active", True): 113,
            ("active", False): 2,
            ("inactive", True): 2,
            ("inactive", False): 3,
        }


class TestStrangers:
    def test_they_are_on_and_fail_and_no_file_names_them(self, tmp_path):
        world = grow(Recipe(seed=1, scenario="calm", logins=5, strangers=2), now=NOON)
        write_register(world, path=tmp_path / "register.csv")
        write_customers(world, path=tmp_path / "customers.csv", now=NOON)

        strangers = [login for login in world.logins.values() if not login.registered]
        assert [login.scheduled for login in strangers] == [True, True]
        assert not any(login.still_eligible(NOON) for login in strangers)
        for name in ("register.csv", "customers.csv"):
            told = (tmp_path / name).read_text(encoding="utf-8")
            assert not any(login.login_id in told for login in strangers)
            assert not any(login.customer.reference in told for login in strangers)

    def test_with_them_the_others_are_who_they_were(self):
        alone = picture(grown())

        accompanied = picture(grow(Recipe(1, "morning", 120, strangers=3), now=NOON))

        assert accompanied[:120] == alone


class TestCustomers:
    @pytest.fixture
    def rows(self, tmp_path):
        write_customers(grown(), path=tmp_path / "c.csv", now=NOON, with_managers=True)
        with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_each_stands_there_once_with_the_day_of_its_last_activity(self, rows):
        days = [date.fromisoformat(row["last_activity_at"]) for row in rows]
        long_ago = sum(day < NOON.date() - timedelta(days=60) for day in days)

        assert len({row["reference"] for row in rows}) == len(rows)
        assert all(day <= NOON.date() for day in days)
        assert 0.1 < long_ago / len(rows) < 0.4

    def test_who_has_an_inactive_login_was_not_here_for_long(self, rows):
        left = {
            login.customer.reference
            for login in grown().logins.values()
            if login.status == "inactive"
        }

        seen = [row["last_activity_at"] for row in rows if row["reference"] in left]
        assert len(seen) == len(left) > 0
        assert max(seen) <= (NOON - timedelta(days=120)).date().isoformat()


class TestOtherScenarios:
    def test_an_outage_takes_the_biggest_bank_whole(self):
        logins = grown(scenario="outage").logins.values()

        down = {login.fate.name for login in logins if login.bank.name == "RBC"}
        up = {login.fate.name for login in logins if login.bank.name != "RBC"}
        assert (down, up) == ({"retry_later"}, {"success"})

    def test_a_leak_has_flags_that_differ_from_the_register_both_ways(self):
        flags = {
            (login.status, login.scheduled) for login in grown(scenario="leak").logins.values()
        }

        assert {("inactive", True), ("active", False)} < flags

    def test_faults_spare_every_other_login(self):
        logins = list(grown(scenario="faults", logins=60).logins.values())

        assert not any(login.faults for login in logins[::2])
        assert len({str(login.faults) for login in logins[1::2]}) > 15


class TestNight:
    def night_over(self, fate, **changes):
        world = grown(scenario="calm", logins=1)
        (login,) = world.logins.values()
        login.meet(FATES[fate])
        for name, value in changes.items():
            setattr(login, name, value)
        before, tomorrow = login.refreshed_at, NOON + timedelta(hours=17)
        world.run_night(tomorrow)
        return login.refreshed_at == tomorrow and login.refreshed_at != before

    def test_a_good_login_is_refreshed(self):
        assert self.night_over("success")

    @pytest.mark.parametrize(
        ("fate", "changes"),
        [
            pytest.param("success", {"scheduled": False}, id="switched-off"),
            pytest.param("success", {"refreshed_at": NOON - timedelta(days=8)}, id="a-week-stale"),
            pytest.param("success", {"cached_call_at": NOON - timedelta(days=8)}, id="not-asked"),
            pytest.param("success", {"deleted": True}, id="deleted"),
            pytest.param("question_not_found", {}, id="needs-a-person"),
            pytest.param("retry_later", {}, id="bank-still-down"),
        ],
    )
    def test_the_others_are_not(self, fate, changes):
        assert not self.night_over(fate, **changes)

    @pytest.mark.parametrize(
        ("fate", "eligible"),
        [
            pytest.param("success", True, id="success"),
            pytest.param("retry_later", True, id="bank-down"),
            pytest.param("aggregation_error", True, id="provider-error"),
            pytest.param("question_not_found", False, id="challenge"),
            pytest.param("invalid_password", False, id="password"),
            pytest.param("disabled_login", False, id="disabled"),
            pytest.param("invented_code", False, id="unknown"),
        ],
    )
    def test_which_endings_stay_eligible(self, fate, eligible):
        (login,) = grown(scenario="calm", logins=1).logins.values()
        login.meet(FATES[fate])

        assert login.still_eligible(NOON) is eligible
