"""The way back from the provider: nothing a browser says is believed, and all is harmless."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops.connect.views import COOKIE
from refreshops.logins.models import ConnectLink, Login
from refreshops.providers.contract import Handover
from refreshops.routine import connecting, turns
from refreshops.routine.connecting import tag_text
from refreshops.routine.models import Attempt, Run
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.models import Event
from tests.builders import make_customer, make_login
from tests.connect.conftest import Browser, address_of, attempt_of, end

NEW_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ANOTHER_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
def sent_on(browser, link):
    """A link whose customer was sent on to the provider's page."""
    return send_on(browser, link)


def send_on(browser, link):
    browser.press(link)
    end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=Handover(token="t"))
    assert browser.state(link)["state"] == "go"
    link.refresh_from_db()
    return link


class TestTheReturn:
    def test_with_the_known_login_asks_the_provider_about_it(self, browser, sent_on):
        answer = browser.come_back(sent_on, sent_on.login.login_id.upper())

        attempt = attempt_of(sent_on)
        assert (answer.status_code, answer["Location"]) == (303, address_of(sent_on, "wait"))
        assert (attempt.purpose, attempt.login_id) == ("refresh", sent_on.login_id)
        assert attempt.run.origin == "connect"

    def test_with_a_new_login_registers_nothing_yet(self, browser, sent_on):
        browser.come_back(sent_on, NEW_ID)

        attempt = attempt_of(sent_on)
        assert (attempt.purpose, attempt.login) == ("connect", None)
        assert attempt.claimed_login_id == sent_on.claimed_login_id == NEW_ID
        assert Login.objects.count() == 1

    def test_is_told_that_the_data_is_on_its_way(self, browser, sent_on):
        browser.come_back(sent_on, NEW_ID)

        assert "We are fetching your data" in browser.wait(sent_on).content.decode()
        assert browser.state(sent_on) == {"state": "waiting"}

    def test_ends_done(self, browser, sent_on):
        browser.come_back(sent_on, sent_on.login.login_id)
        end(sent_on, Outcome.FRESH)

        assert sent_on.ended_as == "reconnected"
        assert "You are connected" in browser.wait(sent_on).content.decode()

    def test_that_helped_nothing_can_be_tried_again(self, browser, sent_on):
        browser.come_back(sent_on, sent_on.login.login_id)
        end(sent_on, Outcome.USER_ACTION, reason=Reason.MFA)

        assert browser.state(sent_on) == {"state": "failed"}
        assert "Start again" in browser.wait(sent_on).content.decode()
        assert sent_on.ended_at is None

    def test_in_another_browser_works_and_tells_nothing(self, sent_on):
        answer = Browser().come_back(sent_on, NEW_ID)

        assert answer.status_code == 200
        assert "Thank you" in answer.content.decode()
        assert attempt_of(sent_on).purpose == "connect"


class TestRefused:
    @pytest.fixture
    def foreign(self, db):
        return make_login(customer=make_customer("FOR-1", name="Somebody Else"))

    def test_a_login_of_somebody_else_is_asked_about_nowhere(self, browser, sent_on, foreign):
        before = Attempt.objects.count()

        browser.come_back(sent_on, foreign.login_id)

        sent_on.refresh_from_db()
        assert Attempt.objects.count() == before
        assert "somebody else" in sent_on.refused_why
        event = Event.objects.get(action="refuse_return")
        assert (event.actor, event.subject_id) == ("a customer by a link", sent_on.login_id)
        assert foreign.login_id not in repr(event.details) + event.reason

    def test_nor_one_that_was_switched_off_here(self, browser, sent_on):
        Login.objects.update(status="inactive")

        answer = browser.come_back(sent_on, sent_on.login.login_id)

        assert answer.status_code == 303
        assert "switched off" in attempt_after(sent_on).refused_why

    def test_nothing_new_is_asked_about_once_the_links_login_is_somebody_elses(
        self, browser, sent_on
    ):
        before = Attempt.objects.count()
        Login.objects.filter(pk=sent_on.login_id).update(customer=make_customer("FOR-1"))

        browser.come_back(sent_on, NEW_ID)

        assert Attempt.objects.count() == before
        assert "another customer" in attempt_after(sent_on).refused_why

    def test_nor_once_it_was_switched_off(self, browser, sent_on):
        before = Attempt.objects.count()
        Login.objects.update(status="inactive")

        browser.come_back(sent_on, NEW_ID)

        assert Attempt.objects.count() == before
        assert "switched off" in attempt_after(sent_on).refused_why

    def test_the_customer_reads_the_same_for_a_foreign_and_an_unconfirmed_one(
        self, browser, sent_on, make_link, foreign
    ):
        browser.come_back(sent_on, foreign.login_id)
        other = send_on(browser, make_link())
        browser.come_back(other, NEW_ID)
        attempt = attempt_of(other)
        now = timezone.now()
        Attempt.objects.filter(pk=attempt.pk).update(
            state="done", outcome="unknown", finished_at=now
        )
        ConnectLink.objects.filter(pk=other.pk).update(refused_why="Not confirmed.")
        ConnectLink.objects.update(returned_at=now - timedelta(minutes=1))

        told = [
            said_on(browser.wait(of).content.decode(), "could not confirm")
            for of in (sent_on, other)
        ]

        assert told == [True, True]

    def test_for_a_moment_it_looks_like_one_that_is_asked_about(self, browser, sent_on, foreign):
        browser.come_back(sent_on, foreign.login_id)

        assert browser.state(sent_on) == {"state": "waiting"}

    def test_a_fresh_start_is_possible(self, browser, sent_on, foreign):
        browser.come_back(sent_on, foreign.login_id)
        ConnectLink.objects.update(returned_at=timezone.now() - timedelta(minutes=1))

        assert browser.press(sent_on).status_code == 303
        assert browser.state(sent_on) == {"state": "waiting"}


def attempt_after(link):
    link.refresh_from_db()
    return link


def said_on(html, words):
    return words in html


class TestReplays:
    def test_a_double_return_is_one_attempt(self, browser, sent_on):
        answers = [browser.come_back(sent_on, NEW_ID) for _ in range(3)]

        assert {answer.status_code for answer in answers} == {303}
        assert Attempt.objects.filter(purpose="connect").count() == 1

    def test_another_claim_while_one_is_open_waits_for_it(self, browser, sent_on):
        browser.come_back(sent_on, NEW_ID)

        answer = browser.come_back(sent_on, ANOTHER_ID)

        assert answer["Location"] == address_of(sent_on, "wait")
        assert attempt_of(sent_on).claimed_login_id == NEW_ID

    def test_an_old_return_begins_nothing_after_it_was_looked_at(self, browser, sent_on):
        browser.come_back(sent_on, NEW_ID)
        end(sent_on, Outcome.USER_ACTION)

        for claim in (NEW_ID, ANOTHER_ID):
            browser.come_back(sent_on, claim)

        assert Attempt.objects.filter(purpose="connect").count() == 1

    def test_nor_after_the_link_has_ended(self, browser, sent_on):
        browser.come_back(sent_on, sent_on.login.login_id)
        end(sent_on, Outcome.FRESH)
        runs = Run.objects.count()

        answer = browser.come_back(sent_on, NEW_ID)

        assert Run.objects.count() == runs
        assert "You are connected" in browser.get(answer["Location"]).content.decode()

    def test_after_being_sent_on_anew_a_new_return_counts(self, browser, sent_on):
        browser.come_back(sent_on, NEW_ID)
        end(sent_on, Outcome.USER_ACTION)
        send_on(browser, sent_on)

        browser.come_back(sent_on, ANOTHER_ID)

        assert attempt_of(sent_on).claimed_login_id == ANOTHER_ID

    def test_a_flood_opens_one_attempt(self, browser, sent_on):
        before = Run.objects.count()

        for _ in range(30):
            browser.come_back(sent_on, str(uuid.uuid4()))

        assert Run.objects.count() == before + 1


def revoke(link):
    ConnectLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now())


def expire(link):
    past = timezone.now() - timedelta(days=1)
    ConnectLink.objects.filter(pk=link.pk).update(made_at=past - timedelta(days=7), expires_at=past)


def never_handed(link):
    ConnectLink.objects.filter(pk=link.pk).update(handed_at=None)


class TestNotOurs:
    @pytest.mark.parametrize("spoil", [revoke, expire, never_handed], ids=lambda row: row.__name__)
    def test_a_link_that_waits_for_nobody_takes_nothing(self, browser, sent_on, spoil):
        before = Attempt.objects.count()
        spoil(sent_on)

        answer = browser.come_back(sent_on, NEW_ID)

        assert answer.status_code == 200
        assert Attempt.objects.count() == before

    @pytest.mark.parametrize(
        "tag",
        [
            "",
            "rf-",
            f"rf-{'0' * 32}",
            f"rf-{'a' * 32}",
            "rf-" + "A" * 32,
            "x" * 5000,
            "rf-\u0660" * 9,
        ],
        ids=["none", "bare", "zeros", "invented", "capitals", "long", "odd-digits"],
    )
    def test_every_tag_that_is_none_is_told_the_same(self, client, sent_on, tag):
        told = client.get("/connect/back/", {"loginId": NEW_ID, "tag": tag})
        genuine = Browser().come_back(sent_on, NEW_ID)

        assert told.status_code == 200
        assert told.content == genuine.content

    @pytest.mark.parametrize("login_id", ["x", "1234", "' OR 1=1", "9" * 4000, "\u202e"])
    def test_an_id_that_is_none_is_said_and_may_be_followed_by_a_right_one(
        self, browser, sent_on, login_id
    ):
        answer = browser.come_back(sent_on, login_id)
        browser.come_back(sent_on, NEW_ID)

        assert answer.status_code == 400
        assert "Nothing was connected" in answer.content.decode()
        assert attempt_of(sent_on).claimed_login_id == NEW_ID

    def test_the_tag_of_another_link_is_not_this_browsers(self, browser, sent_on, make_link):
        stranger = Browser()
        other = make_link(customer=make_customer("FOR-1"), login=None)
        send_on(stranger, other)

        answer = browser.come_back(other, NEW_ID)

        assert answer.status_code == 200
        assert "Location" not in answer.headers


class TestCancelled:
    def test_leads_back_to_the_link_in_the_same_browser(self, browser, sent_on):
        answer = browser.get("/connect/back/", data={"error": "closed", "tag": tag_text(sent_on)})

        html = answer.content.decode()
        assert "That was not finished" in html
        assert address_of(sent_on) in html

    def test_tells_another_browser_no_address(self, client, sent_on):
        html = client.get("/connect/back/", {"tag": tag_text(sent_on)}).content.decode()

        assert "Nothing was connected" in html
        assert "/connect/" not in html.replace("/static/connect/", "")


class TestBusy:
    def test_a_return_that_finds_no_place_may_come_again(self, browser, sent_on, monkeypatch):
        def full(*args, **named):
            raise turns.Busy("Many people")

        with monkeypatch.context() as busy:
            busy.setattr(connecting, "open_attempt", full)
            answer = browser.come_back(sent_on, NEW_ID)
        again = browser.come_back(sent_on, NEW_ID)

        assert (answer.status_code, int(answer["Retry-After"]) > 0) == (503, True)
        assert "load this page again" in answer.content.decode()
        assert again.status_code == 303
        assert attempt_of(sent_on).claimed_login_id == NEW_ID

    def test_a_crowd_that_is_turned_away_fills_no_log(self, browser, sent_on, monkeypatch, caplog):
        def full(*args, **named):
            raise turns.Busy("Many people")

        monkeypatch.setattr(connecting, "open_attempt", full)
        answer = browser.come_back(sent_on, NEW_ID)

        assert answer.status_code == 503
        assert not [row for row in caplog.records if row.levelname in ("WARNING", "ERROR")]


class TestTheCookie:
    def test_is_kept_from_scripts_and_other_sites(self, browser, link):
        cookie = browser.press(link).cookies[COOKIE]

        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert (cookie["path"], cookie["secure"]) == ("/connect/", True)

    def test_that_was_tampered_with_is_none(self, browser, sent_on):
        browser.client.cookies[COOKIE] = browser.client.cookies[COOKIE].value[:-2] + "xx"

        assert browser.come_back(sent_on, NEW_ID).status_code == 200

    def test_looking_at_the_head_takes_nothing(self, client, sent_on):
        client.head("/connect/back/", {"loginId": NEW_ID, "tag": tag_text(sent_on)})

        sent_on.refresh_from_db()
        assert sent_on.returned_at is None
