"""The waiting page and its polling: where a link stands, and the one way on to the provider."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from refreshops.connect.standing import Standing
from refreshops.connect.views import STATES, WITH_A_BUTTON
from refreshops.connect.words import WORDS, Page
from refreshops.logins.models import ConnectLink, Provider
from refreshops.providers.contract import Handover
from refreshops.routine import connecting
from refreshops.routine.connecting import tag_text
from refreshops.routine.models import Attempt
from refreshops.rules.outcomes import Outcome, Reason
from tests.connect.conftest import PUBLIC_URL, address_of, end

CHALLENGED = Handover("5f0c2b1e-1111-4222-8333-444455556666", "token-for-the-page")
INVITED = Handover(token="token-for-the-page")


@pytest.fixture
def ready(browser, link):
    """A link whose live refresh was answered by a question of the bank."""
    browser.press(link)
    end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=CHALLENGED)
    return link


class TestTheWayOn:
    def test_leads_to_the_session_that_waits(self, browser, ready):
        told = browser.state(ready)

        parts = urlsplit(told["url"])
        asked = {name: value[0] for name, value in parse_qs(parts.query).items()}
        assert told["state"] == "go"
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://127.0.0.1:9/v2/"
        assert asked == {
            "requestId": CHALLENGED.request_id,
            "authorizeToken": CHALLENGED.token,
            "redirectUrl": f"{PUBLIC_URL}/connect/back/",
            "tag": tag_text(ready),
            "language": "en",
        }

    def test_of_a_new_customer_is_onboarding_with_nightly_refreshes(self, browser, first_link):
        browser.press(first_link)
        end(first_link, Outcome.FRESH, handover=INVITED)

        url = urlsplit(browser.state(first_link)["url"])

        assert url.path == "/v2/Credential/Elm%20Bank/"
        assert parse_qs(url.query)["scheduleRefresh"] == ["true"]

    def test_is_a_plain_link_where_no_script_runs(self, browser, ready):
        html = browser.wait(ready).content.decode()

        assert 'rel="noreferrer"' in html
        assert CHALLENGED.token in html
        assert "<form" not in html

    @pytest.mark.parametrize("second", ["state", "wait"])
    def test_is_taken_once(self, browser, ready, second):
        browser.state(ready)

        again = browser.get(address_of(ready, second)).content.decode()

        assert CHALLENGED.token not in again
        ready.refresh_from_db()
        assert ready.sealed_handover is None
        assert ready.handed_at is not None

    def test_afterwards_there_is_a_fresh_start(self, browser, ready):
        browser.state(ready)

        html = browser.wait(ready).content.decode()

        assert "Start again" in html
        assert browser.press(ready).status_code == 303
        assert Attempt.objects.count() == 2

    def test_is_not_taken_by_looking_at_the_heads(self, client, ready):
        for step in ("state", "wait"):
            client.head(address_of(ready, step))

        ready.refresh_from_db()
        assert ready.sealed_handover is not None

    def test_that_is_too_old_is_offered_to_nobody(self, browser, ready):
        ConnectLink.objects.update(handover_until=timezone.now() - timedelta(seconds=1))

        assert browser.state(ready) == {"state": "failed"}
        assert "Start again" in browser.wait(ready).content.decode()

    def test_of_two_links_for_one_attempt_leads_one_person_on(self, browser, ready, make_link):
        other = make_link()
        ConnectLink.objects.filter(pk=other.pk).update(
            attempt_id=ready.attempt_id,
            started_at=ready.started_at,
            sealed_handover=ready.sealed_handover,
            handover_until=ready.handover_until,
        )

        first, second = browser.state(ready), browser.state(other)

        assert (first["state"], second["state"]) == ("go", "failed")

    def test_is_straight_where_nothing_was_prepared_and_once_a_click(
        self, browser, first_link, wants_no_tokens
    ):
        browser.press(first_link)
        states = [browser.state(first_link)["state"] for _ in range(2)]
        browser.press(first_link)

        assert [*states, browser.state(first_link)["state"]] == ["go", "failed", "go"]

    def test_is_never_built_from_what_a_request_says(self, browser, ready):
        told = browser.get(
            f"{address_of(ready, 'state')}?redirectUrl=https://evil.example/&tag=x",
            headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
        ).json()

        assert "evil" not in told["url"]


class TestStanding:
    def test_before_a_click_leads_back_to_the_page(self, browser, link):
        answer = browser.wait(link)

        assert (answer.status_code, answer["Location"]) == (303, address_of(link))

    def test_while_the_attempt_is_open_is_waiting(self, browser, link):
        browser.press(link)

        html = browser.wait(link).content.decode()

        assert browser.state(link) == {"state": "waiting"}
        assert '<noscript><meta http-equiv="refresh"' in html
        assert address_of(link, "state") in html

    def test_a_cure_at_the_click_is_done(self, browser, link):
        browser.press(link)
        end(link, Outcome.FRESH)

        assert browser.state(link) == {"state": "done"}
        assert "You are connected" in browser.wait(link).content.decode()

    @pytest.mark.parametrize(
        ("outcome", "handover", "state"),
        [
            pytest.param(Outcome.FRESH, None, "done", id="cured"),
            pytest.param(Outcome.USER_ACTION, CHALLENGED, "go", id="handed-over"),
        ],
    )
    def test_an_attempt_that_ends_while_we_look_is_seen_whole(
        self, browser, link, monkeypatch, outcome, handover, state
    ):
        browser.press(link)
        read = connecting.attempt_of

        def ends_meanwhile(seen):
            monkeypatch.setattr(connecting, "attempt_of", read)
            end(link, outcome, handover=handover)
            return read(seen)

        monkeypatch.setattr(connecting, "attempt_of", ends_meanwhile)

        assert browser.state(link)["state"] == state

    @pytest.mark.parametrize(
        "outcome", [Outcome.OUR_CONFIG, Outcome.PROVIDER_FAULT, Outcome.THROTTLED, Outcome.UNKNOWN]
    )
    def test_a_failure_of_ours_says_later_and_no_reason(self, browser, link, outcome):
        browser.press(link)
        end(link, outcome, reason=Reason.KEYS)

        html = browser.wait(link).content.decode()

        assert browser.state(link) == {"state": "failed"}
        assert "Please try again later" in html
        assert not [word for word in ("key", "provider", outcome.value) if word in visible(html)]

    def test_an_attempt_that_was_called_off_says_later(self, browser, link):
        browser.press(link)
        Attempt.objects.update(state="cancelled", finished_at=timezone.now())

        assert "Please try again later" in browser.wait(link).content.decode()

    @pytest.mark.parametrize(
        ("resumes_in", "state"),
        [
            pytest.param(None, "failed", id="for-long"),
            pytest.param(timedelta(minutes=15), "failed", id="for-a-quarter-of-an-hour"),
            pytest.param(timedelta(seconds=30), "waiting", id="for-a-moment"),
        ],
    )
    def test_a_paused_provider_is_waited_for_only_a_moment(self, browser, link, resumes_in, state):
        browser.press(link)
        now = timezone.now()
        Provider.objects.update(
            paused_at=now, paused_reason="a key", resume_at=resumes_in and now + resumes_in
        )

        assert browser.state(link) == {"state": state}

    @pytest.mark.parametrize(("minutes", "state"), [(2, "waiting"), (4, "failed")])
    def test_nobody_is_kept_before_a_screen_where_no_worker_is(self, browser, link, minutes, state):
        browser.press(link)
        Attempt.objects.update(not_before=timezone.now() - timedelta(minutes=minutes))

        assert browser.state(link) == {"state": state}

    def test_every_standing_is_told_and_has_words(self):
        told = set(STATES) | set(WITH_A_BUTTON) | {Standing.START}

        assert told == set(Standing)
        assert {row.value for row in Standing} <= {row.value for row in Page}
        for words in WORDS.values():
            assert set(words) == set(Page)
            assert all(words[Page(row.value)].button for row in WITH_A_BUTTON)


def visible(html: str) -> str:
    return html.split("<section>")[1].split("<form")[0].lower()
