"""What people may set: the daily time, and a provider's limit and pause."""

from datetime import time

import pytest
from django.urls import reverse

from refreshops.logins.models import Provider
from refreshops.routine.schedules import daily_time, set_daily_time
from tests.builders import make_logins, make_provider
from tests.console.conftest import page_of


def test_operations_sets_the_daily_time(signed_in, people):
    signed_in("ops").post("/schedule/", {"switched_on": "on", "starts_at": "11:05"})

    assert daily_time("flinks") == time(11, 5)


def test_operations_switches_the_daily_start_off(signed_in, people):
    set_daily_time(time(10, 30), provider="flinks")

    signed_in("ops").post("/schedule/", {"starts_at": "10:30"})

    assert daily_time("flinks") is None


@pytest.mark.parametrize("starts_at", ["", "soon", "25:00", "02:30", "10:30:59"])
def test_a_senseless_time_is_refused_with_a_sentence(signed_in, people, starts_at):
    set_daily_time(time(10, 30), provider="flinks")

    page = signed_in("ops").post("/schedule/", {"switched_on": "on", "starts_at": starts_at})

    assert daily_time("flinks") == time(10, 30)
    assert page.context["runs"][0].form.errors["starts_at"]


class TestTwoProviders:
    @pytest.fixture(autouse=True)
    def _both(self, db):
        set_daily_time(time(10, 30), provider="flinks")
        set_daily_time(time(9, 15), provider="flanks")

    def test_each_has_a_time_of_its_own(self, signed_in, people):
        form = {"daily_run_of": "flanks", "switched_on": "on", "starts_at": "08:00"}
        page = signed_in("ops").post("/schedule/", form, follow=True).content.decode()

        assert (daily_time("flinks"), daily_time("flanks")) == (time(10, 30), time(8, 0))
        assert "The daily run of Flanks starts every day at 08:00." in page
        assert "<b>10:30</b>" in page
        assert "<b>08:00</b>" in page

    def test_a_refused_time_stays_on_the_form_of_its_own_provider(self, signed_in, people):
        form = {"daily_run_of": "flanks", "switched_on": "on", "starts_at": "02:30"}
        page = signed_in("ops").post("/schedule/", form)

        assert [bool(run.form.errors) for run in page.context["runs"]] == [False, True]
        assert daily_time("flanks") == time(9, 15)

    def test_an_unknown_provider_is_refused(self, signed_in, people):
        form = {"daily_run_of": "nobody", "switched_on": "on", "starts_at": "08:00"}

        assert signed_in("ops").post("/schedule/", form).status_code == 404


@pytest.mark.parametrize("name", ["manager", "auditor", "viewer", "nobody"])
def test_others_may_not_set_it(signed_in, people, name):
    client = signed_in(name)

    assert client.get("/schedule/").status_code == 403
    assert client.post("/schedule/", {"starts_at": "11:00"}).status_code == 403
    assert "Daily time" not in client.get("/").content.decode()


def limits(**changed):
    usual = {
        "logins_per_minute": 20,
        "fresh_within": "1 12:00:00",
        "usable_within": "7 00:00:00",
        "cost_per_login_month": "0.00",
        "cost_per_live_call": "0.00",
        "currency": "CAD",
    }
    return usual | changed


@pytest.mark.parametrize(("name", "limit"), [("ops", 12), ("admin", 12), ("auditor", 20)])
def test_the_limit_is_set_by_those_who_may(signed_in, register, name, limit):
    signed_in(name).post(page_of(register.provider), limits(logins_per_minute=12))

    register.provider.refresh_from_db()
    assert register.provider.logins_per_minute == limit


def test_a_limit_of_nothing_is_refused(signed_in, register):
    page = signed_in("ops").post(page_of(register.provider), limits(logins_per_minute=0))

    assert page.status_code == 200
    register.provider.refresh_from_db()
    assert register.provider.logins_per_minute == 20


def test_a_forged_pause_field_is_ignored(signed_in, register):
    signed_in("ops").post(page_of(register.provider), limits(paused_reason="x", name="y"))

    register.provider.refresh_from_db()
    assert (register.provider.paused_reason, register.provider.name) == ("", "flinks")


def test_a_provider_is_paused_with_a_reason_and_resumed(signed_in, register, people):
    client = signed_in("ops")
    pause, resume = (
        reverse("admin:provider_step", args=[register.provider.pk, step])
        for step in ("pause", "resume")
    )

    assert client.post(pause, {"reason": ""}).status_code == 400
    client.post(pause, {"reason": "Contract talks"})
    register.provider.refresh_from_db()
    assert register.provider.paused_reason == "Contract talks"
    assert register.provider.paused_by == people["ops"]

    client.post(resume)
    register.provider.refresh_from_db()
    assert register.provider.paused_at is None


@pytest.mark.parametrize("name", ["manager", "auditor"])
def test_others_may_not_pause_it(signed_in, register, name):
    address = reverse("admin:provider_step", args=[register.provider.pk, "pause"])

    assert signed_in(name).post(address, {"reason": "x"}).status_code == 403


def test_a_login_added_by_hand_gets_the_canonical_id(signed_in, register):
    from refreshops.logins.models import Login

    written = "{46D5F682-E9DD-46BA-8CF6-3E5EFF34F600}"
    data = {"provider": register.provider.pk, "customer": register.customer.pk}

    signed_in("admin").post("/logins/login/add/", {**data, "login_id": written})
    page = signed_in("admin").post("/logins/login/add/", {**data, "login_id": "nonsense"})

    assert Login.objects.filter(login_id="46d5f682-e9dd-46ba-8cf6-3e5eff34f600").exists()
    assert page.context["errors"]


@pytest.fixture
def too_many(people, settings):
    """Five logins, and a limit that lets four through a day."""
    settings.THROTTLE_WINDOW_SECONDS = 43_200
    provider = make_provider(logins_per_minute=2)
    make_logins(5)
    return provider


def test_the_page_of_the_limit_shows_what_it_comes_to(signed_in, too_many):
    client = signed_in("ops")

    before = client.get(page_of(too_many)).content.decode()
    client.post(page_of(too_many), limits(logins_per_minute=3))
    after = client.get(page_of(too_many)).content.decode()

    assert "The day is too short for the daily run." in before
    assert "1 would not be asked: 4 fit" in before
    assert '3 <span class="quiet">(set)' not in before
    assert "The day is too short" not in after
    assert '3 <span class="quiet">(set)' in after


def test_the_page_of_the_daily_time_warns_of_a_day_that_is_too_short(signed_in, too_many):
    client = signed_in("ops")

    short = client.get("/schedule/").content.decode()
    Provider.objects.update(logins_per_minute=5)
    long_enough = client.get("/schedule/").content.decode()

    assert "1 would not be asked before the next run begins" in short
    assert "5 logins at 5 a minute take under a minute" in long_enough
