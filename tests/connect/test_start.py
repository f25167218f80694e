"""The page of a link and its button: looking begins nothing, a click begins one thing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from refreshops.connect import clicking, links
from refreshops.logins.models import ConnectLink, Contact, Login, Provider
from refreshops.providers.contract import Handover
from refreshops.routine.models import Attempt, Run
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.models import Event
from tests.builders import make_customer
from tests.connect.conftest import FORM_TOKEN, address_of, attempt_of, end

CHALLENGED = Handover("5f0c2b1e-1111-4222-8333-444455556666", "token-for-the-page")


class TestThePage:
    def test_says_what_it_is_and_begins_nothing(self, browser, link):
        answer = browser.open(link)

        assert answer.status_code == 200
        assert "Connect your bank" in answer.content.decode()
        assert "Maple Lending" in answer.content.decode()
        assert not Attempt.objects.exists()

    def test_names_neither_customer_nor_bank_nor_login(self, browser, link):
        html = browser.open(link).content.decode()

        said = (link.customer.reference, link.institution, link.login.login_id, "admin", "mfa")
        assert not [word for word in said if word and word in html]

    def test_a_first_connection_and_a_reconnect_look_alike(self, browser, link, first_link):
        def drawn(of):
            html = browser.open(of).content.decode().replace(links.token_of(of), "")
            return FORM_TOKEN.sub("", html)

        assert drawn(link) == drawn(first_link)

    def test_is_noted_as_opened_once(self, browser, link, case):
        for _ in range(3):
            browser.open(link)

        link.refresh_from_db()
        assert link.opened_at is not None
        assert [row.how for row in Contact.objects.filter(case=case)] == ["link"]

    @pytest.mark.parametrize("method", ["head", "options", "put", "delete", "patch"])
    def test_other_methods_note_nothing(self, link, client, method):
        answer = getattr(client, method)(address_of(link))

        assert answer.status_code == (200 if method == "head" else 405)
        link.refresh_from_db()
        assert link.opened_at is None

    def test_speaks_the_languages_of_the_link(self, browser, make_link):
        html = browser.open(make_link(language="fr")).content.decode()

        assert '<html lang="fr">' in html
        assert "Connectez votre banque" in html

    def test_works_without_the_last_stroke_of_its_address(self, browser, link):
        assert browser.get(address_of(link).rstrip("/")).status_code == 200

    def test_says_that_all_is_done_once_it_is(self, browser, link):
        ConnectLink.objects.filter(pk=link.pk).update(
            ended_at=timezone.now(), ended_as="reconnected"
        )

        assert "You are connected" in browser.open(link).content.decode()


class TestTheClick:
    def test_of_a_login_refreshes_it_live(self, browser, link):
        answer = browser.press(link)

        attempt = attempt_of(link)
        assert answer.status_code == 303
        assert answer["Location"] == address_of(link, "wait")
        assert (attempt.purpose, attempt.login_id) == ("reconnect", link.login_id)
        assert attempt.run.origin == "connect"
        assert (link.starts, link.started_at is not None) == (1, True)

    def test_of_a_new_customer_asks_for_a_token(self, browser, first_link):
        browser.press(first_link)

        assert (attempt_of(first_link).purpose, attempt_of(first_link).login) == ("invite", None)

    def test_where_the_password_is_wrong_goes_to_the_provider_at_once(self, browser, link, case):
        case.reason = "credentials"
        case.save()

        browser.press(link)

        assert attempt_of(link).purpose == "invite"

    def test_where_the_login_is_gone_at_the_provider_too(self, browser, link):
        type(link.login).objects.update(gone_at=timezone.now())

        browser.press(link)

        assert attempt_of(link).purpose == "invite"

    def test_goes_straight_on_where_nothing_has_to_be_prepared(
        self, browser, first_link, wants_no_tokens
    ):
        browser.press(first_link)

        assert not Run.objects.exists()
        assert browser.state(first_link)["state"] == "go"

    def test_twice_is_one_attempt(self, browser, link):
        browser.press(link)
        browser.press(link)

        assert Attempt.objects.count() == 1
        link.refresh_from_db()
        assert link.starts == 1

    def test_while_the_way_on_is_ready_is_the_same_attempt(self, browser, link):
        browser.press(link)
        end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=CHALLENGED)

        browser.press(link)

        assert Attempt.objects.count() == 1

    def test_of_a_link_that_is_done_begins_nothing(self, browser, link):
        form = browser.open(link)
        end_link(link)
        token = form.cookies["csrftoken"].value

        answer = browser.client.post(address_of(link, "start"), {"csrfmiddlewaretoken": token})

        assert answer.status_code == 303
        assert not Attempt.objects.exists()

    def test_makes_two_live_refreshes_a_day_at_most(self, browser, link, make_link):
        purposes = []
        for of in (link, make_link(), make_link()):
            browser.press(of)
            purposes.append(end(of, Outcome.USER_ACTION, reason=Reason.MFA).purpose)

        assert purposes == ["reconnect", "reconnect", "invite"]

    def test_counts_live_refreshes_of_yesterday_no_more(self, browser, link):
        for _ in range(2):
            browser.press(link)
            end(link, Outcome.PROVIDER_FAULT)
        Attempt.objects.update(finished_at=timezone.now() - timedelta(hours=25))

        browser.press(link)

        assert attempt_of(link).purpose == "reconnect"

    def test_is_taken_five_times_an_hour(self, browser, link):
        for _ in range(clicking.MOST_STARTS_AN_HOUR):
            assert browser.press(link).status_code == 303
            end(link, Outcome.PROVIDER_FAULT)

        refused = browser.press(link)
        Run.objects.update(opened_at=timezone.now() - timedelta(minutes=61))
        later = browser.press(link)

        assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
        assert later.status_code == 303

    def test_wears_a_link_out_in_the_end(self, browser, link):
        now = timezone.now()
        ConnectLink.objects.filter(pk=link.pk).update(
            starts=links.MOST_STARTS, started_at=now, handed_at=now
        )

        last = browser.press(link)
        ConnectLink.objects.update(started_at=timezone.now() - timedelta(hours=2))

        assert last.status_code == 429
        assert browser.open(link).status_code == 404

    def test_is_asked_to_wait_when_many_are_connecting(self, browser, link, make_link):
        Provider.objects.update(logins_per_minute=1)
        seen = []
        for _ in range(5):
            answer = browser.press(make_link(login=None, institution="Elm Bank"))
            seen.append(answer.status_code)

        assert seen[0] == 303
        assert seen[-1] == 503
        assert int(answer["Retry-After"]) > 0
        assert "Many people are connecting" in answer.content.decode()

    @pytest.mark.parametrize("resumes_in", [None, timedelta(minutes=15)], ids=["open", "later"])
    def test_begins_nothing_while_the_provider_is_paused(self, browser, link, resumes_in):
        now = timezone.now()
        Provider.objects.update(
            paused_at=now, paused_reason="A key", resume_at=resumes_in and now + resumes_in
        )

        answer = browser.press(link)

        assert answer.status_code == 503
        assert "try again later" in answer.content.decode()
        assert not Attempt.objects.exists()

    def test_is_refused_without_a_way_back(self, browser, link, settings):
        settings.PUBLIC_URL = ""

        answer = browser.press(link)

        assert answer.status_code == 503
        assert "try again later" in answer.content.decode()
        assert not Attempt.objects.exists()

    def test_names_nobody_in_the_story(self, browser, link):
        browser.press(link)

        told = repr(list(Event.objects.values_list("details", "reason", "actor")))
        assert links.token_of(link) not in told
        assert link.key.hex not in told


def end_link(link: ConnectLink) -> None:
    ConnectLink.objects.filter(pk=link.pk).update(ended_at=timezone.now(), ended_as="cured")


class TestBetweenLookAndLock:
    """What was true when the address was looked up may not be any more when the row is held."""

    def revoked(self, link):
        ConnectLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now())

    def moved(self, link):
        Login.objects.filter(pk=link.login_id).update(customer=make_customer("FOR-1"))

    @pytest.mark.parametrize("what", ["revoked", "moved"])
    def test_nobody_is_sent_on_any_more(self, browser, link, wants_no_tokens, what):
        ConnectLink.objects.filter(pk=link.pk).update(started_at=timezone.now())
        getattr(self, what)(link)

        url = clicking.go_on(
            link, open_sealed=lambda sealed: {}, address=lambda *of: "there", now=timezone.now()
        )

        link.refresh_from_db()
        assert (url, link.handed_at) == ("", None)

    @pytest.mark.parametrize("what", ["revoked", "moved"])
    def test_nothing_is_begun_any_more(self, link, what):
        getattr(self, what)(link)
        opening = clicking.Opening(
            local_date=timezone.now().date(), window=timedelta(seconds=60), share_percent=20
        )

        begun = clicking.start(
            link, opening=opening, offers=lambda purpose: True, now=timezone.now()
        )

        assert not begun
        assert not Attempt.objects.exists()
