"""Logins nobody registered: given to a customer or ordered off; no account manager sees them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from refreshops.logins.models import Customer, Login, UnknownLogin
from refreshops.routine.models import Run
from tests.builders import make_customer, make_login, make_provider

LIST = "/logins/unknownlogin/"


def make_unknown(number=1, **fields):
    now = timezone.now()
    login_id = f"00000000-0000-4000-8000-{number:012d}"
    defaults = {"provider": make_provider(), "first_seen_at": now, "last_seen_at": now}
    return UnknownLogin.objects.create(**(defaults | fields), login_id=login_id)


@pytest.fixture
def unknown(people):
    make_provider(cost_per_login_month="1.50")
    return [make_unknown(number) for number in range(1, 4)]


def order(action, rows, **fields):
    """Return the form a confirmation page of `rows` sends."""
    keys = ",".join(str(row.pk) for row in rows)
    ticked = {"_selected_action": rows[0].pk, "select_across": "0"}
    return {"action": action, "confirmed": "yes", "rows": keys, "token": "t"} | ticked | fields


@pytest.mark.parametrize(
    ("name", "status"),
    [("ops", 200), ("auditor", 200), ("admin", 200), ("manager", 403), ("nobody", 403)],
)
def test_only_people_who_see_everything_see_them(signed_in, unknown, name, status):
    client = signed_in(name)

    assert client.get(LIST).status_code == status
    assert client.get(f"{LIST}{unknown[0].pk}/change/").status_code == status
    assert (unknown[0].login_id in client.get(LIST).content.decode()) is (status == 200)


def test_a_manager_with_the_bare_permission_sees_none(signed_in, unknown, people):
    people["manager"].user_permissions.add(Permission.objects.get(codename="view_unknownlogin"))

    assert signed_in("manager").get(LIST).status_code == 403
    assert "unknown here" not in signed_in("manager").get("/leaks/").content.decode()


def test_what_was_registered_since_the_report_is_not_listed(signed_in, unknown):
    make_login(login_id=unknown[0].login_id)

    page = signed_in("ops").get(LIST)

    assert page.context["cl"].result_count == 2
    assert unknown[0].login_id not in page.content.decode()


@pytest.mark.parametrize("term", ["00000000-0000-4000-8000-000000000002", "{00000000-0000", "\0"])
def test_search_finds_by_the_beginning_of_the_id(signed_in, unknown, term):
    page = signed_in("ops").get(LIST, {"q": term})

    assert page.context["cl"].result_count == (1 if term.endswith("2") else 3)


@pytest.mark.parametrize("action", ["switch_off", "register"])
def test_an_auditor_can_order_nothing(signed_in, unknown, action):
    form = order(action, unknown, reason="Left", customer="C-1")

    signed_in("auditor").post(LIST, form)

    assert not Login.objects.exists()
    assert not Run.objects.exists()


class TestSwitchOff:
    """Registered under nobody, as inactive, and ordered off."""

    def test_the_question_says_how_many_what_it_saves_and_where_they_go(self, signed_in, unknown):
        form = {
            "action": "switch_off",
            "select_across": "1",
            "_selected_action": unknown[0].pk,
        }

        page = signed_in("ops").post(LIST, form)

        facts = dict(page.context["question"].facts)
        assert facts["Will be touched"] == "3"
        assert facts["Money"] == "Saves up to 4.50 CAD a month"
        assert facts["Takes"].endswith("(Flinks 20 a minute)")
        assert unknown[2].login_id in page.content.decode()
        assert "unassigned" in page.content.decode()
        assert not Login.objects.exists()

    def test_confirmed_it_registers_them_as_inactive_and_orders_them_off(self, signed_in, unknown):
        form = order("switch_off", unknown[:2], reason="Nobody knows them")

        answer = signed_in("ops").post(LIST, form)

        run = Run.objects.get()
        assert answer.url == f"/routine/run/{run.pk}/change/"
        assert (run.purpose, run.planned, run.reason) == ("switch_off", 2, "Nobody knows them")
        found = Login.objects.values_list("customer__reference", "status").distinct().get()
        assert found == ("unassigned", "inactive")
        assert signed_in("ops").get(LIST).context["cl"].result_count == 1

    def test_without_a_reason_nothing_is_registered(self, signed_in, unknown):
        page = signed_in("ops").post(LIST, order("switch_off", unknown, reason=" "))

        assert page.status_code == 400
        assert not Login.objects.exists()

    def test_a_double_click_orders_once_and_leads_to_the_same_run(self, signed_in, unknown):
        client, form = signed_in("ops"), order("switch_off", unknown, reason="Nobody knows them")

        first, second = client.post(LIST, form), client.post(LIST, form)

        assert Run.objects.count() == 1
        assert first.url == second.url

    def test_a_large_order_waits_for_a_second_person(self, signed_in, unknown, settings):
        settings.APPROVAL_ABOVE = 2
        form = order("switch_off", unknown, reason="Nobody knows them")
        ask = {"action": "switch_off", "select_across": "1", "_selected_action": unknown[0].pk}

        page = signed_in("ops").post(LIST, ask)
        signed_in("ops").post(LIST, form)

        assert "approval" in page.content.decode()
        assert Run.objects.get().state == "waiting"

    def test_what_somebody_registered_meanwhile_keeps_its_customer(self, signed_in, unknown):
        taken = make_login(login_id=unknown[0].login_id, customer=make_customer("C-9"))
        form = order("switch_off", unknown, reason="Nobody knows them")

        signed_in("ops").post(LIST, form)

        taken.refresh_from_db()
        assert (taken.customer.reference, taken.status) == ("C-9", "active")
        assert Run.objects.get().planned == 2

    def test_when_all_were_registered_meanwhile_nothing_is_ordered(self, signed_in, unknown):
        for row in unknown:
            make_login(login_id=row.login_id)
        client, form = signed_in("ops"), order("switch_off", unknown, reason="Nobody knows them")

        page = client.post(LIST, form, follow=True)

        assert "meanwhile" in page.content.decode()
        assert not Run.objects.exists()
        assert not Customer.objects.filter(reference="unassigned").exists()


class TestRegister:
    """Given to a customer, as active."""

    def test_the_page_asks_for_the_customer(self, signed_in, unknown):
        form = {"action": "register", "_selected_action": unknown[0].pk}

        page = signed_in("ops").post(LIST, form)

        assert "Register 1 login to a customer" in page.content.decode()
        assert not Login.objects.exists()

    def test_they_become_active_logins_of_the_customer(self, signed_in, unknown):
        customer = make_customer("C-1", name="Maple Foods")
        client = signed_in("ops")

        answer = client.post(LIST, order("register", unknown[:2], customer=" C-1 "), follow=True)

        assert list(customer.logins.values_list("status", flat=True)) == ["active", "active"]
        assert answer.context["cl"].result_count == 2
        assert "2 logins registered to C-1 Maple Foods." in answer.content.decode()
        assert LogEntry.objects.filter(content_type__model="login").count() == 2
        assert client.get(LIST).context["cl"].result_count == 1

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            pytest.param("", "Name a customer.", id="nothing"),
            pytest.param("C-7", "No customer has the reference “C-7”.", id="nobody"),
            pytest.param("C-\x002", "No customer has the reference", id="nul"),
            pytest.param("<b>", "“&lt;b&gt;”", id="markup"),
        ],
    )
    def test_a_customer_that_is_none_is_refused_in_words(self, signed_in, unknown, typed, words):
        make_customer("C-2")

        page = signed_in("ops").post(LIST, order("register", unknown, customer=typed))

        assert page.status_code == 400
        assert words in page.content.decode()
        assert not Login.objects.exists()

    def test_sent_twice_it_says_that_they_are_registered(self, signed_in, unknown):
        make_customer("C-1")
        client, form = signed_in("ops"), order("register", unknown, customer="C-1")

        client.post(LIST, form)
        again = client.post(LIST, form, follow=True)

        assert "registered, or left" in again.content.decode()
        assert Login.objects.count() == 3

    def test_switching_alone_does_not_allow_it(self, signed_in, unknown, people):
        make_customer("C-1")
        people["auditor"].user_permissions.add(Permission.objects.get(codename="switch_login"))

        signed_in("auditor").post(LIST, order("register", unknown, customer="C-1"))

        assert not Login.objects.exists()
