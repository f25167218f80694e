"""The page "Leaks": every list, number, link and button speaks of the same rows."""

import random
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from refreshops import wiring
from refreshops.logins.leaks import LEAKS
from refreshops.logins.models import Customer, Login, Provider, UnknownLogin
from refreshops.routine.models import Run
from refreshops.rules.lifecycle import Purpose
from tests.builders import make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_run

LONG_AGO = timezone.now() - timedelta(days=3)


def make_unknown(login_id="00000000-0000-4000-8000-00000000abcd", **fields):
    now = timezone.now()
    defaults = {"provider": make_provider(), "first_seen_at": now, "last_seen_at": now}
    return UnknownLogin.objects.create(**(defaults | fields), login_id=login_id)


@pytest.fixture
def planted(people):
    """One login of each leak, beside healthy ones; those of "manager" are own."""
    make_provider(cost_per_login_month="1.50")
    own = make_customer("OWN-1", name="Maple Foods", account_manager=people["manager"])
    foreign = make_customer("FOR-1", name="Birch Steel", account_manager=people["other"])
    healthy = {"nightly": "on", "nightly_seen_at": timezone.now()}
    make_login(customer=own, institution="TD", **healthy)
    make_login(customer=foreign, institution="Desjardins", **healthy)
    now = timezone.now()
    return {
        "off_here_on_there": make_login(
            customer=own,
            institution="RBC",
            status="inactive",
            status_changed_at=now,
            **healthy,
        ),
        "on_here_off_there": make_login(
            customer=own, institution="BMO", nightly="off", nightly_seen_at=now
        ),
        "gone": make_login(customer=foreign, institution="Farbank", nightly="on", gone_at=now),
        "never_verified": make_login(customer=foreign, institution="Tangerine", nightly="unknown"),
        "unknown_here": make_unknown(),
    }


def lists_of(page):
    found = {row.leak.name: {login.pk for login in row.rows} for row in page.context["lists"]}
    unknown = page.context["unknown"]
    return found | {"unknown_here": {row.pk for row, _ in unknown.rows} if unknown else None}


def all_buttons(page):
    found = [button for row in page.context["lists"] for button in row.buttons]
    found += page.context["alarm"].buttons if page.context["alarm"] else []
    if unknown := page.context["unknown"]:
        found += unknown.buttons + [button for _, each in unknown.rows for button in each]
    return found


def press(client, button):
    """Send the form the page draws for a button."""
    across = "1" if button.across else "0"
    form = {"action": button.action, "select_across": across, "_selected_action": button.row}
    return client.post(button.url, form)


def carried(page):
    """Return the keys of the rows a confirmation page is about."""
    hidden = dict(page.context.get("hidden") or page.context["question"].hidden)
    return {int(key) for key in hidden["rows"].split(",")}


def test_each_planted_row_stands_in_exactly_its_list(signed_in, planted):
    page = signed_in("ops").get("/leaks/")

    assert lists_of(page) == {
        "off_here_on_there": {planted["off_here_on_there"].pk},
        "on_here_off_there": {planted["on_here_off_there"].pk},
        "unknown_there": {planted["gone"].pk},
        "never_verified": {planted["never_verified"].pk},
        "replaced": set(),
        "unknown_here": {planted["unknown_here"].pk},
    }
    html = page.content.decode()
    assert "<strong>1.50 CAD a month</strong>" in html
    assert html.index("Known here, unknown there") < html.index("Known there, unknown here")


def test_a_manager_sees_own_rows_and_no_unknown_logins(signed_in, planted):
    page = signed_in("manager").get("/leaks/")

    assert lists_of(page) == {
        "off_here_on_there": {planted["off_here_on_there"].pk},
        "on_here_off_there": {planted["on_here_off_there"].pk},
        "unknown_there": set(),
        "never_verified": set(),
        "replaced": set(),
        "unknown_here": None,
    }
    html = page.content.decode()
    hints = ("Birch", "FOR-1", "Farbank", planted["unknown_here"].login_id, "unknown here")
    assert not [hint for hint in hints if hint in html]


@pytest.mark.parametrize(("name", "status"), [("nobody", 403), ("auditor", 200), ("admin", 200)])
def test_whoever_may_see_logins_may_see_leaks(signed_in, planted, name, status):
    assert signed_in(name).get("/leaks/").status_code == status


def test_the_page_takes_no_posts(signed_in, planted):
    assert signed_in("admin").post("/leaks/").status_code == 405


def test_an_auditor_is_offered_no_order(signed_in, planted):
    page = signed_in("auditor").get("/leaks/")

    assert all_buttons(page) == []
    assert "Look again" not in page.content.decode()


def test_each_button_asks_about_exactly_the_rows_of_its_list(signed_in, planted):
    client = signed_in("ops")

    asked = [
        (button.action, carried(press(client, button)))
        for button in all_buttons(client.get("/leaks/"))
    ]

    assert asked == [
        ("switch_off", {planted["off_here_on_there"].pk}),
        ("switch_on", {planted["on_here_off_there"].pk}),
        ("switch_off", {planted["gone"].pk}),
        ("check_schedule", {planted["never_verified"].pk}),
        ("switch_off", {planted["unknown_here"].pk}),
        ("register", {planted["unknown_here"].pk}),
    ]


def test_an_unknown_login_is_registered_alone_and_switched_off_with_all(signed_in, planted):
    make_unknown("00000000-0000-4000-8000-00000000beef")
    client = signed_in("ops")

    unknown = client.get("/leaks/").context["unknown"]

    assert len(carried(press(client, unknown.buttons[0]))) == 2
    for row, (button,) in unknown.rows:
        assert carried(press(client, button)) == {row.pk}


def test_a_button_of_a_manager_asks_about_own_rows_only(signed_in, planted):
    make_login(customer=planted["gone"].customer, status="inactive", nightly="on")
    client = signed_in("manager")

    (off, on) = all_buttons(client.get("/leaks/"))

    assert carried(press(client, off)) == {planted["off_here_on_there"].pk}
    assert carried(press(client, on)) == {planted["on_here_off_there"].pk}


def test_switching_a_leak_off_from_the_page_is_one_order(signed_in, planted):
    client = signed_in("manager")
    button = all_buttons(client.get("/leaks/"))[0]
    question = press(client, button).context["question"]

    form = dict(question.hidden) | {"token": "t", "reason": "They left"}
    answer = client.post(button.url, form)

    run = Run.objects.get()
    assert (run.purpose, run.planned, run.reason) == ("switch_off", 1, "They left")
    assert answer.url == f"/routine/run/{run.pk}/change/"


def test_a_list_says_how_many_of_its_rows_an_order_puts_right_already(signed_in, planted):
    client = signed_in("manager")
    before = client.get("/leaks/").content.decode()
    making = make_run(purpose="switch_off", planned=1)
    make_attempt(making, planted["off_here_on_there"], state="due", outcome="")
    waiting = make_run(purpose="switch_on", planned=1, state="waiting")
    make_attempt(waiting, planted["on_here_off_there"], state="due", outcome="")
    asking = make_run(purpose="refresh", planned=1)
    make_attempt(asking, planted["on_here_off_there"], state="due", outcome="")

    page = client.get("/leaks/")

    under_way = {row.leak.name: row.tally.under_way for row in page.context["lists"]}
    assert under_way == dict.fromkeys(LEAKS, 0) | {"off_here_on_there": 1}
    assert "in an order under way" not in before
    assert page.content.decode().count("in an order under way") == 1


def test_the_rows_beyond_the_first_ten_are_counted_and_linked(signed_in, people):
    make_provider(cost_per_login_month="2.00")
    make_logins(14, status="inactive", nightly="on", nightly_seen_at=timezone.now())
    client = signed_in("ops")

    page = client.get("/leaks/")

    (leak,) = [row for row in page.context["lists"] if row.tally.count]
    assert (leak.tally.count, len(leak.rows)) == (14, 10)
    assert leak.cost == "They cost 28.00 CAD a month."
    assert "Show all 14" in page.content.decode()
    assert client.get(leak.url).context["cl"].result_count == 14
    assert len(carried(press(client, leak.buttons[0]))) == 14


def test_how_old_the_knowledge_is_stands_at_each_list(signed_in, planted):
    told = make_run(purpose="check_schedule", planned=0)
    make_attempt(told, None, outcome="fresh")
    Login.objects.filter(nightly="off").update(nightly_seen_at=LONG_AGO)

    html = signed_in("ops").get("/leaks/").content.decode()

    assert "What the provider said" in html
    assert "3 d ago" in html
    assert "The provider has said nothing about them yet" in html
    assert "Flinks’s report of" in html
    assert "it names only logins its nightly refresh leaves out" in html


def test_before_the_first_report_the_page_says_so(signed_in, planted):
    html = signed_in("ops").get("/leaks/").content.decode()

    assert "The provider has not been asked for its report yet" in html


def test_a_switch_off_unconfirmed_for_a_day_is_an_alarm(signed_in, people):
    late = make_login(status="inactive", nightly="unknown", status_changed_at=LONG_AGO)
    make_login(status="inactive", nightly="unknown", status_changed_at=timezone.now())
    client = signed_in("ops")

    page = client.get("/leaks/")

    assert "1 switch-off unconfirmed for more than a day." in page.content.decode()
    (button,) = page.context["alarm"].buttons
    assert carried(press(client, button)) == {late.pk}
    assert client.get(page.context["alarm"].url).context["cl"].result_count == 1


@pytest.mark.parametrize(
    ("seen_at", "words"),
    [
        pytest.param(None, "No provider has told us anything", id="never-looked"),
        pytest.param(LONG_AGO, "Last looked at", id="looked"),
    ],
)
def test_a_page_without_leaks_says_when_somebody_looked(signed_in, people, seen_at, words):
    make_login(nightly="on", nightly_seen_at=seen_at)

    html = signed_in("ops").get("/leaks/").content.decode()

    assert "Nothing leaks." in html
    assert words in html


def random_logins(seed):
    """Logins in every state a leak can hang on, of two customers at two banks."""
    chance = random.Random(seed)
    now = timezone.now()
    customers = list(Customer.objects.all())
    states = list(product(("active", "inactive"), ("on", "off", "unknown"), (None, now)))
    for _ in range(60):
        status, nightly, gone_at = chance.choice(states)
        make_login(
            customer=chance.choice(customers),
            institution=chance.choice(["TD", "RBC", ""]),
            status=status,
            nightly=nightly,
            gone_at=gone_at,
            status_changed_at=chance.choice([None, LONG_AGO, now]),
            nightly_verified_at=chance.choice([None, now]),
            nightly_seen_at=chance.choice([None, LONG_AGO, now]),
            drops_out_at=chance.choice([None, LONG_AGO, now + timedelta(days=1)]),
        )


@pytest.mark.parametrize("name", ["ops", "manager"])
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
def test_every_number_equals_the_rows_behind_its_link_and_its_button(signed_in, people, name, seed):
    for who in ("manager", "other"):
        make_customer(f"C-{who}", account_manager=people[who])
    random_logins(seed)
    client = signed_in(name)

    page = client.get("/leaks/")

    numbers = [(row.tally.count, row.url) for row in page.context["lists"]]
    numbers += [(alarm.count, alarm.url) for alarm in [page.context["alarm"]] if alarm]
    week = page.context["week"]
    numbers += [(week.soon, week.soon_url), (week.already_out, week.out_url)]
    for count, url in numbers:
        assert client.get(url).context["cl"].result_count == count, url
    assert sum(count for count, _ in numbers) > 10
    for leak in page.context["lists"]:
        chosen = [carried(press(client, button)) for button in leak.buttons]
        listed = client.get(leak.url).context["cl"].queryset
        assert set().union(*chosen) == set(listed.values_list("pk", flat=True))
        assert sum(map(len, chosen)) == leak.tally.count


def test_the_sum_is_what_the_costs_of_the_list_add_up_to(signed_in, people):
    from refreshops.logins.leaks import leaking, monthly_costs

    make_provider(cost_per_login_month="1.25")
    other = Provider.objects.create(name="flanks", cost_per_login_month="2.10", currency="EUR")
    make_logins(3, status="inactive", nightly="on")
    make_logins(2, status="inactive", nightly="on", provider=other)

    said = signed_in("ops").get("/leaks/").context["wasted_money"]

    costs = monthly_costs(leaking(Login.objects.all(), "off_here_on_there"))
    assert said == "3.75 CAD, 4.20 EUR"
    assert [f"{row.amount:.2f} {row.currency}" for row in costs] == said.split(", ")


def test_the_number_of_queries_does_not_grow(signed_in, planted, django_assert_max_num_queries):
    make_logins(30, status="inactive", nightly="on")
    make_logins(30, nightly="off")
    client = signed_in("ops")
    client.get("/leaks/")

    with django_assert_max_num_queries(8):
        client.get("/leaks/")


def test_every_leak_has_a_place_on_the_page(signed_in, people):
    page = signed_in("ops").get("/leaks/")

    assert [row.leak.name for row in page.context["lists"]] == list(LEAKS)


def test_the_header_leads_to_the_page(signed_in, people):
    assert '<a href="/leaks/">Leaks</a>' in signed_in("manager").get("/").content.decode()
    assert "/leaks/" not in signed_in("nobody").get("/").content.decode()


class TestLookAgain:
    """The order behind "Look again…"."""

    @pytest.fixture(autouse=True)
    def _a_provider_with_a_report(self, monkeypatch):
        monkeypatch.setattr(wiring, "begins_with_a_report", lambda name: True)

    def test_it_asks_what_leaks_and_a_sample_and_reads_the_report_first(self, signed_in, planted):
        healthy = make_logins(
            5,
            status="inactive",
            nightly="off",
            nightly_verified_at=LONG_AGO,
            nightly_seen_at=LONG_AGO,
        )
        client = signed_in("ops")

        question = client.get("/leaks/check/?sample=3").context["question"]
        answer = client.post("/leaks/check/?sample=3", {**dict(question.hidden), "token": "t"})

        run = Run.objects.get()
        asked = set(run.attempts.values_list("login_id", flat=True))
        leaking = {
            planted[name].pk
            for name in ("off_here_on_there", "on_here_off_there", "gone", "never_verified")
        }
        assert answer.url == f"/routine/run/{run.pk}/change/"
        assert run.purpose == Purpose.CHECK_SCHEDULE.value
        assert leaking | {None} <= asked
        assert "Flinks: one call" in dict(question.facts)["Report"]
        assert len(asked & {login.pk for login in healthy}) == 3
        assert len(asked) == len(leaking) + 1 + 3

    def test_a_manager_asks_about_own_logins_without_the_report(self, signed_in, planted):
        client = signed_in("manager")

        question = client.get("/leaks/check/").context["question"]
        client.post("/leaks/check/", {**dict(question.hidden), "token": "t"})

        own = {planted["off_here_on_there"].pk, planted["on_here_off_there"].pk}
        assert set(Run.objects.get().attempts.values_list("login_id", flat=True)) == own
        assert "Report" not in dict(question.facts)

    def test_foreign_keys_typed_by_hand_ask_nothing(self, signed_in, planted):
        rows = f"{planted['gone'].pk},{planted['never_verified'].pk},x"

        signed_in("manager").post("/leaks/check/", {"rows": rows, "token": "t"})

        assert not Run.objects.exists()

    def test_a_double_click_looks_once(self, signed_in, planted):
        client = signed_in("ops")
        question = client.get("/leaks/check/").context["question"]
        form = {**dict(question.hidden), "token": "t"}

        first, second = client.post("/leaks/check/", form), client.post("/leaks/check/", form)

        assert Run.objects.count() == 1
        assert first.url == second.url

    def test_with_an_empty_register_the_report_alone_is_read(self, signed_in, people):
        make_provider()
        client = signed_in("ops")

        question = client.get("/leaks/check/").context["question"]
        client.post("/leaks/check/", {**dict(question.hidden), "token": "t"})

        assert [row.login_id for row in Run.objects.get().attempts.all()] == [None]

    @pytest.mark.parametrize("typed", ["", "x", "-1", "1" * 30, "٣", "9999999"])
    def test_a_senseless_number_of_samples_breaks_nothing(self, signed_in, planted, typed):
        answer = signed_in("ops").get("/leaks/check/", {"sample": typed})

        assert answer.status_code == 200

    @pytest.mark.parametrize(("name", "status"), [("auditor", 403), ("nobody", 403), ("ops", 200)])
    def test_it_needs_the_permission_to_ask_or_to_switch(self, signed_in, planted, name, status):
        assert signed_in(name).get("/leaks/check/").status_code == status
        assert signed_in(name).post("/leaks/check/").status_code == status
        assert not Run.objects.exists()
