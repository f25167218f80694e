"""The page "Leaks" with two providers, one of which names all it holds and has no switch."""

from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops import wiring
from refreshops.logins.models import Login, Provider, UnknownLogin
from refreshops.routine.models import Run
from tests.builders import make_customer, make_login, make_logins, make_provider
from tests.console.conftest import make_attempt, make_run
from tests.console.test_leaks import carried, make_unknown, press

LIST = "/logins/unknownlogin/"
NO_SWITCH = "Flanks has no switch for its daily refresh"


@pytest.fixture
def both(settings, people):
    """Two providers that the settings name; the one without a switch charges in euros."""
    settings.FLANKS_API_URL = "http://127.0.0.1:9/"
    settings.FLANKS_CLIENT_ID = "client-id-of-the-test"
    settings.FLANKS_CLIENT_SECRET = "client-secret-of-the-test"
    wiring.provider.cache_clear()
    make_provider(cost_per_login_month="1.50")
    yield Provider.objects.create(name="flanks", cost_per_login_month="1.20", currency="EUR")
    wiring.provider.cache_clear()


def off_here(number, **fields):
    now = timezone.now()
    usual = {"status": "inactive", "nightly": "on", "nightly_seen_at": now}
    return make_logins(number, **(usual | {"status_changed_at": now} | fields))


def list_named(page, name):
    return next(row for row in page.context["lists"] if row.leak.name == name)


def labels(buttons):
    return [button.label for button in buttons]


def told(provider, **report):
    run = make_run(provider=provider, purpose="refresh", planned=0, report={"nightly": report})
    return make_attempt(run, None, outcome="fresh")


class TestOffHere:
    def test_each_provider_is_proposed_what_it_can_do(self, signed_in, both):
        switched, deleted = off_here(2), off_here(3, provider=both)
        client = signed_in("admin")

        found = list_named(client.get("/leaks/"), "off_here_on_there")

        assert labels(found.buttons) == [
            "Switch off 2 logins at Flinks…",
            "Delete 3 logins at Flanks…",
        ]
        off, delete = (carried(press(client, button)) for button in found.buttons)
        assert off == {login.pk for login in switched}
        assert delete == {login.pk for login in deleted}
        assert found.cost == "They cost 3.00 CAD, 3.60 EUR a month."
        assert found.notes[0].startswith(NO_SWITCH)

    def test_with_one_provider_in_it_the_list_is_not_narrowed(self, signed_in, both):
        off_here(3, provider=both)

        found = list_named(signed_in("admin").get("/leaks/"), "off_here_on_there")

        assert labels(found.buttons) == ["Delete 3 logins at Flanks…"]
        assert "provider=" not in found.buttons[0].url

    def test_while_all_have_a_switch_there_is_one_button_for_all(self, signed_in, both):
        off_here(2)

        found = list_named(signed_in("admin").get("/leaks/"), "off_here_on_there")

        assert labels(found.buttons) == ["Switch off 2 logins…"]
        assert found.notes == []

    @pytest.mark.parametrize("name", ["ops", "manager"])
    def test_who_may_not_forget_is_told_why_there_is_no_button(self, signed_in, both, people, name):
        own = make_customer("OWN-1", account_manager=people["manager"])
        off_here(1, provider=both, customer=own)
        off_here(2, provider=both)

        page = signed_in(name).get("/leaks/")

        found = list_named(page, "off_here_on_there")
        assert found.buttons == []
        assert found.tally.count == (1 if name == "manager" else 3)
        assert NO_SWITCH in page.content.decode()

    def test_the_alarm_proposes_the_same(self, signed_in, both):
        long_ago = timezone.now() - timedelta(days=3)
        (late,) = off_here(1, status_changed_at=long_ago)
        (held,) = off_here(1, provider=both, status_changed_at=long_ago)
        client = signed_in("admin")

        alarm = client.get("/leaks/").context["alarm"]

        assert labels(alarm.buttons) == [
            "Order 1 login off again at Flinks…",
            "Delete 1 login at Flanks…",
        ]
        asked = [carried(press(client, button)) for button in alarm.buttons]
        assert asked == [{late.pk}, {held.pk}]

    def test_deleting_from_the_page_is_one_order(self, signed_in, both):
        (login,) = off_here(1, provider=both)
        client = signed_in("admin")
        (button,) = list_named(client.get("/leaks/"), "off_here_on_there").buttons
        question = press(client, button).context["question"]

        form = {"token": "t", "reason": "They left", "typed": "FORGET"}
        client.post(button.url, dict(question.hidden) | form)

        run = Run.objects.get()
        assert (run.purpose, run.provider, run.planned) == ("forget", both, 1)
        assert list(run.attempts.values_list("login_id", flat=True)) == [login.pk]


class TestOnHere:
    def test_what_is_unknown_there_is_retired_here(self, signed_in, both):
        gone_at = timezone.now()
        rows = [make_login(provider=row, gone_at=gone_at) for row in (make_provider(), both)]
        client = signed_in("ops")

        found = list_named(client.get("/leaks/"), "unknown_there")

        assert labels(found.buttons) == ["Retire 2 logins unknown there…"]
        assert carried(press(client, found.buttons[0])) == {row.pk for row in rows}
        assert found.cost == ""

    def test_what_seems_off_where_there_is_no_switch_is_looked_at(self, signed_in, both):
        off = make_login(nightly="off")
        odd = make_login(provider=both, nightly="off")
        client = signed_in("ops")

        found = list_named(client.get("/leaks/"), "on_here_off_there")

        assert [button.action for button in found.buttons] == ["switch_on", "check_schedule"]
        asked = [carried(press(client, button)) for button in found.buttons]
        assert asked == [{off.pk}, {odd.pk}]


def test_rows_say_which_provider_where_there_are_two(signed_in, both):
    off_here(1, provider=both)

    html = signed_in("ops").get("/leaks/").content.decode()

    assert "<td>Flanks</td>" in html
    assert html.count('<th scope="col">Provider</th>') == 1


class TestReports:
    def test_each_providers_report_is_told_with_what_it_names(self, signed_in, both):
        told(make_provider(), reported=3)
        told(both, reported=4, complete=True, doubt="")

        html = signed_in("ops").get("/leaks/").content.decode()

        assert "Flinks’s report of" in html
        assert html.count("it names only logins its nightly refresh leaves out") == 1
        assert "Flanks’s report of" in html
        assert html.count("it names every login held there") == 1

    def test_a_report_that_was_not_believed_is_a_banner(self, signed_in, both):
        told(both, complete=True, doubt="The list names none of our 12 logins: nothing changed.")

        html = signed_in("ops").get("/leaks/").content.decode()

        assert "<strong>Flanks:</strong> The list names none of our 12 logins" in html

    def test_only_the_newest_report_counts(self, signed_in, both):
        told(both, complete=True, doubt="An old doubt.")
        told(both, complete=True, doubt="")

        assert "An old doubt." not in signed_in("ops").get("/leaks/").content.decode()

    def test_a_manager_is_told_nothing_of_it(self, signed_in, both):
        told(both, complete=True, doubt="The list names none of our 12 logins: nothing changed.")

        html = signed_in("manager").get("/leaks/").content.decode()

        assert "none of our 12" not in html
        assert "report of" not in html

    @pytest.mark.parametrize("kept", [{}, {"nightly": None}, {"nightly": []}, []], ids=str)
    def test_a_run_that_kept_nothing_of_it_breaks_nothing(self, signed_in, both, kept):
        run = make_run(provider=both, purpose="refresh", planned=0, report=kept)
        make_attempt(run, None, outcome="fresh")

        assert "Flanks’s report of" in signed_in("ops").get("/leaks/").content.decode()

    def test_invited_customers_are_no_report(self, signed_in, both):
        run = make_run(purpose="invite", planned=0)
        make_attempt(run, None, outcome="fresh")

        html = signed_in("ops").get("/leaks/").content.decode()

        assert "has not been asked for its report yet" in html


class TestUnknown:
    @pytest.fixture
    def rows(self, both):
        there = "a-token-that-nobody-registered"
        return make_unknown(), make_unknown(there, provider=both)

    def order(self, client, action, rows, **fields):
        keys = ",".join(str(row.pk) for row in rows)
        form = {"action": action, "confirmed": "yes", "rows": keys, "token": "t"}
        ticked = {"_selected_action": rows[0].pk, "select_across": "0", "reason": "Nobody's"}
        return client.post(LIST, form | ticked | fields, follow=True)

    def test_each_provider_is_proposed_what_it_can_do(self, signed_in, rows):
        client = signed_in("admin")

        unknown = client.get("/leaks/").context["unknown"]

        assert labels(unknown.buttons) == [
            "Switch off 1 login at Flinks…",
            "Delete 1 login at Flanks…",
        ]
        asked = [carried(press(client, button)) for button in unknown.buttons]
        assert asked == [{rows[0].pk}, {rows[1].pk}]
        assert unknown.cost == "They cost up to 1.50 CAD, 1.20 EUR a month."

    def test_deleting_registers_them_as_inactive_and_orders_them_forgotten(
        self, signed_in, rows, both
    ):
        self.order(signed_in("admin"), "forget", rows[1:], typed="FORGET")

        run, login = Run.objects.get(), Login.objects.get()
        assert (run.purpose, run.provider, run.planned) == ("forget", both, 1)
        assert run.reason == "Nobody's"
        assert (login.login_id, login.status) == (rows[1].login_id, "inactive")
        assert login.customer.reference == "unassigned"

    def test_both_providers_can_be_asked_to_delete(self, signed_in, rows):
        self.order(signed_in("admin"), "forget", rows, typed="FORGET")

        assert set(Run.objects.values_list("purpose", "provider__name")) == {
            ("forget", "flinks"),
            ("forget", "flanks"),
        }

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            pytest.param({}, "Type FORGET", id="nothing-typed"),
            pytest.param({"typed": "forget"}, "Type FORGET", id="typed-small"),
            pytest.param({"typed": "FORGET", "reason": " "}, "Say why", id="no-reason"),
        ],
    )
    def test_without_the_word_and_a_reason_nothing_happens(self, signed_in, rows, fields, words):
        page = self.order(signed_in("admin"), "forget", rows, **fields)

        assert page.status_code == 400
        assert words in page.content.decode()
        assert not Login.objects.exists()

    @pytest.mark.parametrize("name", ["ops", "auditor", "manager"])
    def test_deleting_is_a_permission_of_its_own(self, signed_in, rows, name):
        signed_in(name).post(
            LIST,
            {
                "action": "forget",
                "confirmed": "yes",
                "rows": str(rows[1].pk),
                "_selected_action": rows[1].pk,
                "reason": "x",
                "typed": "FORGET",
                "token": "t",
            },
        )

        assert not Login.objects.exists()
        assert not Run.objects.exists()

    def test_switching_off_leaves_out_who_has_no_switch_and_says_so(self, signed_in, rows):
        client = signed_in("ops")

        ask = {"action": "switch_off", "select_across": "1", "_selected_action": rows[0].pk}
        page = client.post(LIST, ask)

        assert carried(page) == {rows[0].pk}
        assert "1 login left out: their provider has no nightly switch" in page.content.decode()

    def test_switching_off_only_such_orders_nothing(self, signed_in, rows):
        page = self.order(signed_in("ops"), "switch_off", rows[1:])

        assert "has no nightly switch" in page.content.decode()
        assert not Login.objects.exists()
        assert not Run.objects.exists()

    def test_they_are_registered_as_before(self, signed_in, rows):
        make_customer("C-1")

        self.order(signed_in("ops"), "register", rows[1:], customer="C-1")

        login = Login.objects.get()
        assert (login.status, login.nightly, login.provider.name) == ("active", "on", "flanks")
        assert UnknownLogin.objects.count() == 2


@pytest.mark.parametrize("name", ["admin", "manager"])
def test_the_page_asks_eight_questions(
    signed_in, both, people, name, django_assert_max_num_queries
):
    own = make_customer("OWN-1", account_manager=people["manager"])
    for provider in (make_provider(), both):
        told(provider, complete=True, doubt="")
        off_here(12, provider=provider, customer=own)
        for fields in ({"nightly": "off"}, {"gone_at": timezone.now()}, {"nightly": "unknown"}):
            make_logins(12, provider=provider, customer=own, **fields)
        for number in range(12):
            make_unknown(f"{provider.name}-{number:012d}", provider=provider)
    client = signed_in(name)
    client.get("/leaks/")

    with django_assert_max_num_queries(8):
        client.get("/leaks/")
