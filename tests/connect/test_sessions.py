"""Coming back with a session and no login: the login of the link is asked about, and judged."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.connect import links
from refreshops.logins.models import ConnectLink, Login
from refreshops.providers.contract import Handover
from refreshops.routine import connecting, turns
from refreshops.routine.models import RANK_CUSTOMER, Attempt, Run
from refreshops.rules.lifecycle import Origin
from refreshops.rules.outcomes import Outcome, Reason
from tests.builders import make_customer, make_login, make_provider
from tests.connect.conftest import Browser, address_of, attempt_of, end
from tests.connect.sessions import ANOTHER, SESSION, come_back, send_on, session_provider


@pytest.fixture
def login(db) -> Login:
    return make_login(
        provider=session_provider(),
        login_id="token-of-a-login",
        institution="banco-norte",
        outcome="user_action",
        outcome_reason="credentials",
    )


@pytest.fixture
def sent_on(browser, link):
    return send_on(browser, link)


class TestTheClick:
    def test_opens_a_session_where_the_password_is_wrong(self, browser, link, case):
        case.reason = "credentials"
        case.save()

        browser.press(link)

        assert attempt_of(link).purpose == "reconnect"

    def test_is_not_counted_as_a_live_refresh(self, browser, link, make_link):
        purposes = []
        for of in (link, make_link(), make_link()):
            browser.press(of)
            purposes.append(end(of, Outcome.USER_ACTION, reason=Reason.CREDENTIALS).purpose)

        assert purposes == ["reconnect"] * 3

    def test_stays_within_the_clicks_of_a_link(self, browser, link):
        statuses = []
        for _ in range(6):
            statuses.append(browser.press(link).status_code)
            end(link, Outcome.USER_ACTION, reason=Reason.MFA) if statuses[-1] == 303 else None

        assert statuses == [303] * 5 + [429]

    def test_leads_to_the_session(self, browser, link):
        browser.press(link)
        end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=Handover(SESSION, "t"))

        url = browser.state(link)["url"]

        assert url == f"http://127.0.0.1:9/flanks/connect/{SESSION}"

    def test_keeps_of_the_session_what_nobody_can_come_back_with(self, sent_on):
        rows = repr(list(ConnectLink.objects.values()))

        assert sent_on.session_mark == links.session_mark(SESSION)
        assert SESSION not in rows
        assert SESSION.encode() not in bytes(sent_on.sealed_handover or b"")

    def test_of_a_link_for_a_first_bank_says_later(self, browser, db, caplog):
        first = links.make(
            provider=session_provider(),
            customer=make_customer("NEW-1"),
            by=None,
            now=timezone.now(),
            lives=timedelta(days=7),
        )

        browser.press(first)

        assert browser.state(first) == {"state": "failed"}
        assert "Please try again later" in browser.wait(first).content.decode()
        assert not Run.objects.exists()

    def test_at_a_provider_that_is_not_set_up_any_more_says_later(self, browser, link, settings):
        settings.FLANKS_API_URL = ""

        assert browser.press(link).status_code == 503
        assert not Run.objects.exists()


class TestTheReturn:
    def test_asks_about_the_login_of_the_link_before_the_daily_run(self, browser, sent_on):
        answer = come_back(browser)

        attempt = attempt_of(sent_on)
        assert (answer.status_code, answer["Location"]) == (303, address_of(sent_on, "wait"))
        assert (attempt.purpose, attempt.login_id) == ("refresh", sent_on.login_id)
        assert (attempt.rank, attempt.run.origin) == (RANK_CUSTOMER, Origin.CONNECT)
        assert (attempt.claimed_login_id, sent_on.claimed_login_id) == ("", "")

    @pytest.mark.parametrize(
        ("outcome", "reason", "state", "said"),
        [
            pytest.param(Outcome.FRESH, Reason.NONE, "done", "You are connected", id="fresh"),
            pytest.param(
                Outcome.PROVIDER_FAULT, Reason.PARTIAL, "done", "You are connected", id="partial"
            ),
            pytest.param(Outcome.USER_ACTION, Reason.MFA, "failed", "Start again", id="asked"),
            pytest.param(Outcome.STALE, Reason.NONE, "failed", "Start again", id="still-old"),
            pytest.param(Outcome.PENDING, Reason.NONE, "failed", "try again later", id="for-long"),
            pytest.param(
                Outcome.PROVIDER_FAULT, Reason.TOO_LONG, "failed", "try again later", id="fault"
            ),
        ],
    )
    def test_is_what_the_provider_says_of_the_login(
        self, browser, sent_on, outcome, reason, state, said
    ):
        come_back(browser)
        end(sent_on, outcome, reason=reason)

        assert browser.state(sent_on) == {"state": state}
        assert said in browser.wait(sent_on).content.decode()
        assert sent_on.ended_as == ("reconnected" if state == "done" else "")

    def test_is_waited_for_while_the_provider_fetches_and_ends_by_itself(self, browser, sent_on):
        come_back(browser)
        later = timezone.now() + timedelta(minutes=30)
        Attempt.objects.filter(pk=attempt_of(sent_on).pk).update(not_before=later)

        html = browser.wait(sent_on).content.decode()
        end(sent_on, Outcome.FRESH)

        assert "We are fetching your data" in html
        assert sent_on.ended_as == "reconnected"

    def test_joins_what_waits_for_the_login_already(self, browser, sent_on):
        run = Run.objects.create(
            provider=sent_on.provider,
            purpose="refresh",
            origin="daily",
            local_date=timezone.now().date(),
            opened_at=timezone.now(),
        )
        waiting = Attempt.objects.create(
            run=run, login=sent_on.login, purpose="refresh", not_before=timezone.now()
        )

        come_back(browser)

        assert attempt_of(sent_on).pk == waiting.pk
        assert attempt_of(sent_on).rank == RANK_CUSTOMER

    def test_in_another_browser_works_and_tells_nothing(self, sent_on):
        answer = come_back(Browser())

        assert answer.status_code == 200
        assert "Location" not in answer.headers
        assert attempt_of(sent_on).purpose == "refresh"

    def test_that_finds_no_place_may_come_again(self, browser, sent_on, monkeypatch):
        def full(*args, **named):
            raise turns.Busy("Many people")

        with monkeypatch.context() as busy:
            busy.setattr(connecting, "open_attempt", full)
            answer = come_back(browser)
        again = come_back(browser)

        assert (answer.status_code, again.status_code) == (503, 303)

    @pytest.mark.parametrize("change", [{"status": "inactive"}, {"customer": "somebody else"}])
    def test_asks_nobody_once_the_login_is_not_this_customers_to_connect(
        self, browser, sent_on, change
    ):
        before = Attempt.objects.count()
        if "customer" in change:
            change = {"customer": make_customer("FOR-1")}
        Login.objects.update(**change)

        come_back(browser)

        sent_on.refresh_from_db()
        assert Attempt.objects.count() == before
        assert sent_on.refused_why


class TestAFailure:
    def test_leads_to_a_fresh_start_in_the_same_browser(self, browser, sent_on):
        html = come_back(browser, error="InvalidChallengeResponse").content.decode()

        assert "That was not finished" in html
        assert address_of(sent_on) in html

    def test_tells_another_browser_no_address(self, sent_on):
        html = come_back(Browser(), error="ABORTED_BY_USER").content.decode()

        assert "Nothing was connected" in html
        assert "/connect/" not in html.replace("/static/connect/", "")

    def test_is_not_believed_either(self, browser, sent_on):
        before = Attempt.objects.count()

        for of in (Browser(), browser):
            come_back(of, error="InvalidCredentials")
        failed = Attempt.objects.count()
        come_back(browser)

        assert failed == before
        assert attempt_of(sent_on).purpose == "refresh"

    def test_is_told_the_same_whatever_the_session(self, sent_on):
        told = {
            come_back(Browser(), session, error="InvalidCredentials").content
            for session in (SESSION, ANOTHER, "x", "")
        }

        assert len(told) == 1

    def test_shows_nothing_of_what_the_address_says(self, browser, sent_on):
        html = come_back(browser, error="<b>Bold</b>", name="Nora").content.decode()

        assert not [word for word in ("Bold", "Nora", SESSION) if word in html]


class TestForged:
    @pytest.mark.parametrize(
        "forge",
        [
            pytest.param(lambda link: ANOTHER, id="invented"),
            pytest.param(lambda link: SESSION.upper(), id="capitals"),
            pytest.param(lambda link: f"{SESSION}x", id="longer"),
            pytest.param(lambda link: link.session_mark, id="what-is-kept-of-it"),
            pytest.param(lambda link: link.key.hex, id="key"),
            pytest.param(connecting.tag_text, id="tag"),
            pytest.param(links.token_of, id="token"),
            pytest.param(lambda link: link.login.login_id, id="login"),
        ],
    )
    def test_is_asked_about_nowhere(self, browser, sent_on, forge):
        before = Attempt.objects.count()

        answer = come_back(browser, forge(sent_on))

        sent_on.refresh_from_db()
        assert answer.status_code == 200
        assert (Attempt.objects.count(), sent_on.returned_at) == (before, None)

    @pytest.mark.parametrize("session", ["", " ", "\u202e", "' OR 1=1", "x" * 5000, "\0"])
    def test_that_can_be_no_session_is_no_success(self, browser, sent_on, session):
        before = Attempt.objects.count()

        answer = come_back(browser, session)

        assert answer.status_code == 200
        assert Attempt.objects.count() == before

    def test_every_dead_one_is_told_the_same_after_as_many_questions(
        self, sent_on, make_link, client
    ):
        spoilt = {
            kind: send_on(Browser(), make_link(), f"session-that-is-{kind}")
            for kind in ("revoked", "expired", "never-handed")
        }
        now = timezone.now()
        past = now - timedelta(days=1)
        changes = {
            "revoked": {"revoked_at": now},
            "expired": {"made_at": past - timedelta(days=7), "expires_at": past},
            "never-handed": {"handed_at": None},
        }
        for kind, link in spoilt.items():
            ConnectLink.objects.filter(pk=link.pk).update(**changes[kind])

        seen = set()
        for session in [*(f"session-that-is-{kind}" for kind in spoilt), ANOTHER]:
            with CaptureQueriesContext(connection) as asked:
                answer = client.get("/connect/back/", {"session_id": session})
            seen.add((answer.status_code, answer.content, len(asked)))
        genuine = come_back(Browser())

        assert len(seen) == 1
        assert seen.pop()[:2] == (200, genuine.content)

    def test_the_session_of_somebody_else_is_theirs_and_tells_us_nothing(
        self, browser, sent_on, make_link
    ):
        theirs = make_login(provider=session_provider(), customer=make_customer("FOR-1"))
        other = make_link(login=theirs, customer=theirs.customer)
        send_on(Browser(), other, ANOTHER)

        answer = come_back(browser, ANOTHER)

        assert (answer.status_code, "Location" in answer.headers) == (200, False)
        assert attempt_of(other).login_id == theirs.pk
        assert attempt_of(sent_on).purpose == "reconnect"

    def test_a_session_at_another_provider_is_none_here(self, browser, make_link):
        elsewhere = make_login(provider=make_provider())
        other = make_link(provider=elsewhere.provider, login=elsewhere)
        send_on(browser, other)

        come_back(browser)

        other.refresh_from_db()
        assert (other.session_mark != "", other.returned_at) == (True, None)

    def test_a_tag_leads_to_no_link_of_a_provider_that_echoes_none(self, browser, sent_on):
        before = Attempt.objects.count()

        browser.come_back(sent_on, "0f8fad5b-d9cb-469f-a165-70867728950e")

        sent_on.refresh_from_db()
        assert (Attempt.objects.count(), sent_on.returned_at) == (before, None)

    def test_looking_at_the_head_takes_nothing(self, client, sent_on):
        client.head("/connect/back/", {"session_id": SESSION})

        sent_on.refresh_from_db()
        assert sent_on.returned_at is None


class TestReplays:
    def test_a_double_return_is_one_attempt(self, browser, sent_on):
        answers = [come_back(of) for of in (browser, browser, Browser())]

        assert [answer.status_code for answer in answers] == [303, 303, 200]
        assert Attempt.objects.filter(purpose="refresh").count() == 1

    @pytest.mark.parametrize("outcome", [Outcome.FRESH, Outcome.USER_ACTION])
    def test_begins_nothing_after_it_was_looked_at(self, browser, sent_on, outcome):
        come_back(browser)
        end(sent_on, outcome)

        come_back(browser)

        assert Attempt.objects.filter(purpose="refresh").count() == 1

    def test_of_an_older_session_begins_nothing(self, browser, sent_on):
        come_back(browser)
        end(sent_on, Outcome.USER_ACTION)
        send_on(browser, sent_on, ANOTHER)

        come_back(browser, SESSION)
        older = attempt_of(sent_on).purpose
        come_back(browser, ANOTHER)

        assert (older, attempt_of(sent_on).purpose) == ("reconnect", "refresh")

    def test_after_the_link_has_ended_says_that_all_is_done(self, browser, sent_on):
        come_back(browser)
        end(sent_on, Outcome.FRESH)
        runs = Run.objects.count()

        answer = come_back(browser)

        assert Run.objects.count() == runs
        assert "You are connected" in browser.get(answer["Location"]).content.decode()
