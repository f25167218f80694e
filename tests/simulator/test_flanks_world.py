"""Worlds of the fake Flanks grow from their seed, and the register names them."""

import csv
import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from refreshops.simulator.flanks.fates import CODES, FLANKS_FATES, RUN_STOPPERS
from refreshops.simulator.flanks.scenarios import MORNING
from refreshops.simulator.flanks.world import FlanksRecipe, grow_flanks
from refreshops.simulator.register import row_of, write_customers, write_register
from refreshops.simulator.scenarios import SCENARIOS
from refreshops.simulator.world import Recipe, grow

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
# As the product takes them.
LOGIN_ID = re.compile(r"[A-Za-z0-9_.~-]{8,64}")


def grown(*, scenario="morning", seed=1, logins=40, **more):
    recipe = FlanksRecipe(seed=seed, scenario=scenario, logins=logins)
    return grow_flanks(recipe, now=NOON, **more)


def canada():
    return grow(Recipe(seed=1, scenario="morning", logins=30), now=NOON)


def picture(world):
    return [
        (*row_of(each, with_managers=True), each.fate.name, each.updated_at, each.tokens)
        for each in world.credentials.values()
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_equal_seeds_give_equal_worlds(scenario):
    assert picture(grown(scenario=scenario)) == picture(grown(scenario=scenario))


def test_another_seed_gives_other_credentials():
    assert not set(grown(seed=1).credentials) & set(grown(seed=2).credentials)


def test_tokens_are_what_the_product_takes_and_of_both_cases():
    tokens = list(grown(logins=60).credentials)

    assert all(LOGIN_ID.fullmatch(token) for token in tokens)
    assert not any(token in (token.lower(), token.upper()) for token in tokens)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nobody_is_there_unless_asked_for(scenario):
    assert grown(scenario=scenario, logins=0).credentials == {}


class TestScenarios:
    def test_a_morning_of_forty_has_a_bit_of_everything(self):
        fates = Counter(each.fate.name for each in grown(logins=40).credentials.values())

        assert {"blocked", "sca_needed", "errored_investment", "initial_pending", "stale"} < set(
            fates
        )
        assert sum(count for name, count in fates.items() if name.startswith("ok")) >= 16

    def test_a_big_morning_deals_by_share(self):
        fates = Counter(each.fate.name for each in grown(logins=1000).credentials.values())

        assert {name: fates[name] for name in MORNING} == MORNING

    def test_codes_has_one_of_each_and_none_that_stops_a_run(self):
        fates = [each.fate.name for each in grown(scenario="codes", logins=1).credentials.values()]

        assert fates == [fate.name for fate in CODES]
        assert not set(fates) & {fate.name for fate in RUN_STOPPERS}
        assert len(FLANKS_FATES) == len(CODES) + len(RUN_STOPPERS)

    def test_calm_is_all_well_in_every_form(self):
        fates = {each.fate.name for each in grown(scenario="calm").credentials.values()}

        assert fates == {"ok", "ok_milliseconds", "ok_plural_transactions"}

    def test_an_outage_is_that_of_one_bank(self):
        credentials = grown(scenario="outage", logins=100).credentials.values()
        hit = {each.bank.name for each in credentials if not each.fate.name.startswith("ok")}

        assert hit == {"banco-norte"}

    def test_the_closed_list_of_fates_names_outcomes_that_are_known(self):
        outcomes = {fate.outcome for fate in FLANKS_FATES.values()}

        assert outcomes == {
            *("fresh", "stale", "pending", "user_action", "institution_unavailable"),
            *("throttled", "login_gone", "our_config", "provider_fault", "unknown"),
        }


class TestRegister:
    def test_it_names_the_provider_of_each_login(self, tmp_path):
        spain = grown()
        path = tmp_path / "register.csv"

        write_register(canada(), path=path, flanks=spain)

        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert Counter(row["provider"] for row in rows) == {"flinks": 30, "flanks": 40}
        named = {row["login_id"] for row in rows if row["provider"] == "flanks"}
        assert named == set(spain.credentials)

    def test_a_few_customers_have_a_bank_in_each_country(self, tmp_path):
        flinks = canada()
        spain = grown(shared=[login.customer for login in flinks.logins.values()])
        path = tmp_path / "customers.csv"

        write_customers(flinks, path=path, now=NOON, flanks=spain)

        there = {each.customer.reference for each in spain.credentials.values()}
        both = there & {each.customer.reference for each in flinks.logins.values()}
        with path.open(encoding="utf-8", newline="") as file:
            references = [row["reference"] for row in csv.DictReader(file)]
        assert 3 <= len(both) <= 8
        assert len(references) == len(set(references))
        assert both < set(references)

    def test_strangers_are_not_in_it(self, tmp_path):
        recipe = FlanksRecipe(logins=5, strangers=4, scenario="calm")
        spain = grow_flanks(recipe, now=NOON)
        path = tmp_path / "register.csv"

        write_register(canada(), path=path, flanks=spain)

        assert len(spain.credentials) == 9
        assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + 30 + 5
