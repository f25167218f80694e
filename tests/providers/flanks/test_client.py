"""Flanks as the engine sees it: the token, what is sent, and what the trace may keep."""

import json
from datetime import timedelta

import pytest
import responses

from refreshops.providers.contract import (
    Answer,
    Grant,
    Halt,
    Handover,
    NotOffered,
    Policy,
    UnreadableAnswer,
)
from refreshops.providers.flanks import Flanks, calls
from refreshops.providers.flanks.ticket import Ticket
from refreshops.rules.lifecycle import Purpose
from tests.providers.flanks.spoken import (
    BACK,
    HTML_200,
    HTML_401,
    HTML_502,
    LOGIN_ID,
    NETWORK,
    NOON,
    PRODUCTS,
    SECRET,
    SESSION_ID,
    Play,
    data,
    refused,
    status,
)

API_URL = "https://api.flanks.io/"
CLIENT_ID, TOKEN = "our-client-id", "canary-access-token"


def flanks(**changes):
    terms = {"client_id": CLIENT_ID, "client_secret": SECRET, "return_url": BACK}
    return Flanks(**({"api_url": API_URL} | terms | changes))


def carrying(call):
    return call.__class__(**(vars(call) | {"token": TOKEN}))


class TestSending:
    @pytest.mark.parametrize(
        ("call", "body"),
        [
            (calls.status(LOGIN_ID), {"credentials_token": LOGIN_ID}),
            (
                calls.force(LOGIN_ID, step="sca"),
                {"credentials_token": LOGIN_ID, "force": "sca"},
            ),
            (calls.listing(3), {"page": 3}),
            (calls.delete(LOGIN_ID), {"credentials_token": LOGIN_ID}),
            (calls.product(LOGIN_ID, "card"), {"credentials_token": LOGIN_ID}),
            (
                calls.product(LOGIN_ID, "investment", despite_errors=True),
                {"credentials_token": LOGIN_ID, "ignore_data_error": True},
            ),
        ],
        ids=lambda value: getattr(value, "endpoint", None),
    )
    @responses.activate
    def test_each_call_carries_the_shared_token(self, call, body):
        responses.add(call.method, API_URL + call.path, json={})

        flanks().send(carrying(call))

        sent = responses.calls[0].request
        assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
        assert sent.headers["Content-Type"] == "application/json"
        assert json.loads(sent.body) == body
        assert call.shared_token

    @responses.activate
    def test_the_token_call_alone_carries_the_secret(self):
        responses.add("POST", f"{API_URL}v0/token", json={"access_token": TOKEN})
        call = flanks().token_call()

        flanks().send(call)

        sent = responses.calls[0].request
        assert json.loads(sent.body) == {
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "grant_type": "client_credentials",
        }
        assert "Authorization" not in sent.headers
        assert SECRET not in repr(call)
        assert SECRET not in repr(flanks().shown_body(call))
        assert not call.shared_token

    @responses.activate
    def test_an_echo_of_our_keys_is_hidden_before_anybody_reads_it(self):
        call = carrying(calls.status(LOGIN_ID))
        said = {"error": f"bearer {TOKEN} of {SECRET}", "error_code": 40001}
        responses.add("POST", API_URL + call.path, json=said, status=400)

        answer = flanks().send(call)

        assert TOKEN not in repr(answer.body)
        assert SECRET not in repr(answer.body)

    @responses.activate
    def test_an_unreadable_answer_shows_no_key(self):
        call = carrying(calls.status(LOGIN_ID))
        page = f"<html>{TOKEN} {SECRET} 'Ana Gomez' user99x</html>"
        responses.add("POST", API_URL + call.path, body=page)

        with pytest.raises(UnreadableAnswer) as odd:
            flanks().send(call)

        shown = repr(vars(odd.value))
        assert not [word for word in (TOKEN, SECRET, "Ana Gomez", "user99x") if word in shown]


class TestTheToken:
    @pytest.mark.parametrize(
        ("lasts", "seconds"),
        [
            (3600, 3600),
            (5, 5),
            (None, 3600),
            ("soon", 3600),
            (-1, 3600),
            (10**9, 86400),
            # Never so short that it would be fetched again and again without being used.
            (0.001, 1),
            (1e-9, 1),
        ],
    )
    def test_it_lasts_as_long_as_flanks_says(self, lasts, seconds):
        body = {"access_token": TOKEN, "expires_in": lasts, "token_type": "Bearer"}

        grant = flanks().read_token(Answer(200, body), now=NOON)

        assert grant == Grant(TOKEN, timedelta(seconds=seconds))
        assert TOKEN not in repr(grant)

    @pytest.mark.parametrize(
        "heard",
        [
            refused(http=403, text="access_denied"),
            refused(http=401, text="Invalid credentials"),
            refused(40001, text="Missing fields: client_id"),
            refused(http=404, text="nothing here"),
            refused(http=405),
            HTML_401,
        ],
    )
    def test_refused_keys_pause_the_provider(self, heard):
        halt = flanks().read_token(heard, now=NOON)

        assert isinstance(halt, Halt)
        assert (halt.kind, halt.state) == ("keys", {})
        assert halt.until > NOON

    def test_too_many_requests_are_a_pause_and_no_fault_of_the_keys(self):
        halt = flanks().read_token(refused(http=429), now=NOON)

        assert halt.kind == "throttled"

    @pytest.mark.parametrize(
        "heard",
        [
            NETWORK,
            HTML_200,
            HTML_502,
            refused(http=500),
            Answer(200, {}),
            Answer(200, []),
            Answer(200, {"access_token": 5}),
            Answer(200, {"access_token": "two words"}),
            Answer(200, {"access_token": TOKEN, "error": "but"}),
        ],
    )
    def test_anything_else_is_a_fault_to_be_asked_again(self, heard):
        assert flanks().read_token(heard, now=NOON) is None

    def test_the_reason_of_a_halt_repeats_no_key(self):
        heard = refused(http=403, text=f"access_denied for {SECRET}")

        assert SECRET not in flanks().read_token(heard, now=NOON).reason


class TestTheTrace:
    def test_a_status_keeps_its_flags_and_shows_tokens_as_present(self):
        body = status(blocked=True, reset_token="canary-reset", name="banco-norte").body
        body["owners"] = ["canary-owner"]

        envelope = flanks().envelope(calls.status(LOGIN_ID), Answer(200, body))

        assert envelope.provider_code == "blocked"
        assert envelope.institution == "banco-norte"
        assert envelope.answer["blocked"] is True
        assert envelope.answer["reset_token"] == "present"
        assert envelope.answer["sca_token"] is None
        assert envelope.answer["last_update_timestamp"] == "2026-03-03T04:12:00+00:00"
        assert envelope.answer["errored"]["product"]["card"] is False
        assert "canary" not in repr(envelope)

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (status(), ""),
            (status(sca_token="s"), "sca_token"),
            (status(pending=True), "pending"),
            (status(unmade=("card",)), "pending"),
            (status(failed=("holders",)), "errored"),
            (status(failed=("card",)), "errored"),
            (refused(20002), "20002"),
        ],
    )
    def test_the_code_of_a_status_is_the_error_or_the_field_that_decides(self, answer, code):
        assert flanks().envelope(calls.status(LOGIN_ID), answer).provider_code == code

    def test_data_is_counted_and_nothing_of_it_kept(self):
        envelope = flanks().envelope(calls.product(LOGIN_ID, "account"), data("a", "b"))

        assert envelope.answer == {"item_count": 2}
        assert envelope.provider_code == ""

    def test_a_session_shows_how_it_stands_and_not_its_address(self):
        body = {"session": {"session_id": SESSION_ID, "url": "https://canary", "status": "Waiting"}}

        envelope = flanks().envelope(
            calls.create_session(LOGIN_ID, redirect_url=BACK, tokens={}), Answer(200, body)
        )

        assert envelope.answer == {"session": {"status": "Waiting"}}
        assert SESSION_ID not in repr(envelope)

    def test_the_token_itself_is_never_kept(self):
        body = {"access_token": TOKEN, "expires_in": 3600, "scope": "read"}

        envelope = flanks().envelope(flanks().token_call(), Answer(200, body))

        assert envelope.answer == {"access_token": "present", "expires_in": 3600, "scope": "read"}

    def test_a_message_loses_keys_people_and_tokens(self):
        said = f"'Ana Gomez' user99x {SECRET} {TOKEN} OPENS_IT ES7921000813610123456789"
        body = {"error": said, "error_code": 40001, "sca_token": "OPENS_IT"}

        envelope = flanks().envelope(carrying(calls.status(LOGIN_ID)), Answer(400, body))

        planted = ("Ana Gomez", "user99x", SECRET, TOKEN, "OPENS_IT", "0123456789")
        assert not [word for word in planted if word in repr(envelope)]

    def test_what_support_can_find_an_exchange_by_is_kept(self):
        body = {"success": False, "error": {"code": "ValidationError"}, "trace_id": "tr-77"}

        envelope = flanks().envelope(calls.listing(1), Answer(400, body))

        assert envelope.request_id == "tr-77"
        assert envelope.provider_code == "ValidationError"

    def test_a_request_keeps_the_login_and_hides_what_opens_a_session(self):
        login_id = "1234567890123456"
        call = calls.create_session(login_id, redirect_url=BACK, tokens={"sca_token": "canary-sca"})

        shown = flanks().shown_body(call)

        assert shown == {
            "configuration": {
                "connection_id": login_id,
                "redirect_url": BACK,
                "sca_token": "present",
            }
        }
        assert flanks().shown_body(calls.status(login_id)) == {"credentials_token": login_id}
        assert flanks().shown_url(call) == f"{API_URL}connect/v2/sessions/create-session"


class TestWhatIsOffered:
    @pytest.mark.parametrize("purpose", [Purpose.LIVE_REFRESH, Purpose.INVITE, Purpose.CONNECT])
    def test_what_flanks_cannot_do_says_why(self, purpose):
        with pytest.raises(NotOffered) as why:
            flanks().conversation(purpose, Policy())

        assert str(why.value) == flanks().about(purpose)

    def test_without_an_address_to_come_back_to_nobody_is_led_on(self):
        with pytest.raises(NotOffered):
            flanks(return_url="").conversation(Purpose.RECONNECT, Policy())

    def test_the_products_are_asked_for_in_their_order(self):
        chosen = flanks(products=("liability", "card", "card"))

        play = Play(chosen.conversation(Purpose.REFRESH, Policy())).hear(status())

        assert play.hear_everything().calls == ["credentials/status", "liability", "card"]

    def test_what_is_not_from_flanks_is_refused(self):
        with pytest.raises(ValueError, match="sends nothing by itself"):
            flanks().read_delivery({})
        assert flanks().is_signed(b"{}", {}) is False


class TestTheCustomersPage:
    @pytest.mark.parametrize(
        ("api_url", "platform_url", "base"),
        [
            (API_URL, "", "https://platform.flanks.io/"),
            (API_URL, "https://pages.example/x", "https://pages.example/x/"),
            ("http://127.0.0.1:8765/", "", "http://127.0.0.1:8765/flanks/"),
            ("http://127.0.0.1:8765/", "http://127.0.0.1:8765/", "http://127.0.0.1:8765/flanks/"),
        ],
    )
    def test_it_lies_where_the_settings_or_the_api_say(self, api_url, platform_url, base):
        provider = flanks(api_url=api_url, platform_url=platform_url)

        url = provider.connect_url(
            handover=Handover(SESSION_ID, SESSION_ID), redirect_url=BACK, tag="t", first=False
        )

        assert url == f"{base}connect/{SESSION_ID}"

    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ("https://platform.flanks.io/s?x=1", True),
            ("https://elsewhere.example/s", False),
            ("http://platform.flanks.io/s", False),
            ("javascript:alert(1)", False),
            ("http://[half", False),
        ],
    )
    def test_an_address_from_flanks_is_followed_on_its_own_host_only(self, given, taken):
        url = flanks().connect_url(
            handover=Handover(SESSION_ID, given), redirect_url=BACK, tag="t", first=False
        )

        assert (url == given) is taken
        assert url.startswith("https://platform.flanks.io/")

    def test_a_new_connection_has_no_page_of_ours(self):
        with pytest.raises(NotOffered):
            flanks().connect_url(handover=None, redirect_url=BACK, tag="t", first=True)

    def test_where_nobody_knows_the_page_there_is_none(self):
        elsewhere = flanks(api_url="https://gateway.example/")

        with pytest.raises(NotOffered):
            elsewhere.conversation(Purpose.RECONNECT, Policy())
        with pytest.raises(NotOffered):
            elsewhere.connect_url(
                handover=Handover(SESSION_ID), redirect_url=BACK, tag="t", first=False
            )

    @pytest.mark.parametrize(
        ("query", "session_id", "failed"),
        [
            ({"session_id": SESSION_ID}, SESSION_ID, False),
            ({"session_id": SESSION_ID, "error": "InvalidCredentials"}, SESSION_ID, True),
            ({"session_id": "<script>"}, "", True),
            ({"loginId": LOGIN_ID}, "", True),
            ({}, "", True),
        ],
    )
    def test_who_comes_back_brings_a_session(self, query, session_id, failed):
        returned = flanks().read_return(query)

        assert (returned.session_id, returned.failed) == (session_id, failed)
        assert returned.login_id == ""


class TestSettings:
    @pytest.mark.parametrize(
        "changes",
        [
            {"api_url": "http://api.flanks.io/"},
            {"api_url": "nowhere"},
            {"client_id": ""},
            {"client_secret": ""},
            {"client_secret": "two words of it"},
            {"client_secret": "abc"},
            {"platform_url": "http://platform.flanks.io/"},
            {"return_url": "http://desk.example/back/"},
            {"return_url": "back"},
            {"products": ()},
            {"products": ("account", "pension")},
        ],
        ids=repr,
    )
    def test_a_value_that_cannot_be_used_is_refused_with_a_sentence(self, changes):
        with pytest.raises(ValueError, match=r"\w+ .*\.$") as refusal:
            flanks(**changes)

        assert "two words of it" not in str(refusal.value)


class TestATicket:
    def ticket(self, **changes):
        return Ticket(secrets=[SECRET], **changes)

    @pytest.mark.parametrize(
        ("endpoint", "code", "http", "stale", "expects"),
        [
            ("credentials/status", "", 200, False, False),
            ("credentials/status", "", 200, True, True),
            ("credentials/status", "blocked", 200, False, False),
            ("credentials/status", "20002", 400, False, False),
            ("credentials/status", "errored", 200, False, True),
            ("investment", "20001", 400, False, True),
            ("investment", "", 500, False, True),
            ("token", "", 403, False, True),
            ("credentials/list", "", None, False, True),
        ],
    )
    def test_it_says_what_was_expected_where_it_came_otherwise(
        self, endpoint, code, http, stale, expects
    ):
        said = self.ticket().expected(
            endpoint=endpoint, body={}, code=code, message="", http_status=http, stale=stale
        )

        assert bool(said) is expects

    def test_it_cleans_once_more_what_a_trace_holds(self):
        ticket = self.ticket()
        answer = {"error": f"'Ana Gomez' {SECRET}", "reset_token": "present", "owners": ["x"]}
        body = {"credentials_token": "1234567890", "configuration": {"sca_token": "present"}}

        assert ticket.request(body) == body
        kept = ticket.answer(answer)
        assert kept["reset_token"] == "present"
        assert not [word for word in ("Ana", SECRET, "owners") if word in repr(kept)]
        assert SECRET not in ticket.address(f"https://x/{SECRET}")

    def test_amounts_are_told_only_where_they_may_be(self):
        assert self.ticket().answer({"item_count": 3}) == {}
        assert self.ticket(amounts=True).answer({"item_count": 3}) == {"item_count": 3}
        assert "error_code" in self.ticket().kept_of_answers
        assert "credentials_token" in self.ticket().kept_of_requests


def test_every_product_has_an_endpoint_of_its_name():
    assert set(flanks().words.refreshing) == {"credentials/status", *PRODUCTS}
