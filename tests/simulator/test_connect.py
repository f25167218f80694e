"""The fake Flinks Connect: people sign in, answer, change their mind, and come back."""

import http.client
import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from refreshops.simulator.connect import Connect
from refreshops.simulator.fates import FATES
from refreshops.simulator.messages import Request
from refreshops.simulator.world import Recipe
from tests.simulation import Simulator, running_simulator
from tests.simulator.test_sessions import Provider
from tests.simulator.visitor import Page, Visitor

pytestmark = pytest.mark.processes

BACK = "http://lender.example/connect/back/"


@pytest.fixture(scope="module")
def bank() -> Iterator[Simulator]:
    with running_simulator(scenario="calm", logins=40, body_kb=4, pending_polls=2) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def strict() -> Iterator[Simulator]:
    with running_simulator(scenario="calm", logins=2, require_token=True) as simulator:
        yield simulator


@pytest.fixture
def client(bank, connect):
    return connect(bank)


def visit(simulator, path="", **parameters):
    return Visitor(simulator.connect_url, path, **{"redirectUrl": BACK, **parameters})


def returned(visitor):
    """Return what the address a customer landed at says."""
    assert visitor.landed is not None, visitor.page.text
    return {name: value[0] for name, value in parse_qs(urlsplit(visitor.landed).query).items()}


class TestFirstConnection:
    def test_from_the_list_to_the_landing(self, bank):
        visitor = visit(bank, tag="case-7", scheduleRefresh="true")

        visitor.choose("TD").sign_in("greatday_nomfa")

        told = returned(visitor)
        login = bank.login(told["loginId"])
        assert visitor.landed.startswith(f"{BACK}?loginId=")
        assert (told["institution"], told["tag"]) == ("TD", "case-7")
        assert (login["institution"], login["scheduled"]) == ("TD", True)
        assert login["registered"] is False

    def test_its_data_is_pending_for_a_while(self, bank, client):
        login_id = returned(visit(bank, "Credential/RBC/").sign_in("pending-one"))["loginId"]

        authorized = client.authorize(login_id)
        heard = [client.detail(authorized.request_id)]
        heard += [client.poll(authorized.request_id) for _ in range(2)]

        assert authorized.status == 200
        assert [answer.status for answer in heard] == [202, 202, 200]
        assert heard[-1].body["Accounts"]

    def test_its_data_can_be_pending_by_the_clock(self, connect):
        with running_simulator(
            scenario="calm", logins=1, body_kb=4, pending_seconds=0.5
        ) as simulator:
            client = connect(simulator)
            login_id = returned(visit(simulator, "Credential/RBC/").sign_in("slow"))["loginId"]
            request_id = client.authorize(login_id).request_id
            early = client.detail(request_id).status
            time.sleep(0.6)
            late = client.poll(request_id).status
            simulator.night()

            assert (early, late) == (202, 200)
            assert client.detail(client.authorize(login_id).request_id).status == 200

    def test_without_scheduled_refresh_the_nights_leave_it_out(self, bank, client):
        login_id = returned(visit(bank, "Credential/RBC/").sign_in("by-day"))["loginId"]

        assert client.authorize(login_id).body["Login"]["IsScheduledRefresh"] is False

    def test_the_tag_is_echoed(self, bank, client):
        visitor = visit(bank, "Credential/BMO/", tag="abc-1").sign_in("tagged")
        request_id = client.authorize(returned(visitor)["loginId"]).request_id
        while client.detail(request_id).status == 202:
            pass

        summary = client.call("POST", "GetAccountsSummary", {"RequestId": request_id})

        assert summary.body["Tag"] == client.detail(request_id).body["Tag"] == "abc-1"

    def test_accounts_can_be_asked_for(self, bank):
        visitor = visit(bank, "Credential/BMO/", accountSelectorEnable="true").sign_in("choosy")
        event = visitor.page.events[-1]
        visitor.send("accounts")

        assert event["step"] == "COMPONENT_LOAD_ACCOUNT_SELECTION"
        assert event["totalAccounts"] == 3
        assert len(returned(visitor)["accountId"]) == 36


class TestLoginIds:
    def signed_in(self, simulator, institution, username, **parameters):
        visitor = visit(simulator, f"Credential/{institution}/", **parameters)
        return returned(visitor.sign_in(username))["loginId"]

    def test_the_same_three_make_the_same_login(self, bank):
        first = self.signed_in(bank, "RBC", "same")

        assert self.signed_in(bank, "RBC", "same") == first

    @pytest.mark.parametrize(
        ("institution", "username", "language"),
        [
            pytest.param("TD", "one", "en", id="institution"),
            pytest.param("RBC", "another", "en", id="username"),
            pytest.param("RBC", "one", "fr", id="language"),
        ],
    )
    def test_another_one_of_them_makes_another(self, bank, institution, username, language):
        first = self.signed_in(bank, "RBC", "one")

        assert self.signed_in(bank, institution, username, language=language) != first

    @pytest.mark.parametrize("fate", ["invalid_password", "question_not_found", "never_refreshed"])
    def test_a_known_username_cures_its_login(self, bank, client, fate):
        login_id = next(login["login_id"] for login in bank.logins(registered=True, fate="success"))
        bank.change(login_id, fate=fate, last_refresh=None)
        person = bank.person(login_id)

        visitor = visit(bank, f"Credential/{person['institution_id']}/").sign_in(person["username"])
        if person["answers"]:
            visitor.answer(*person["answers"].values())

        heard = client.authorize(login_id)
        assert returned(visitor)["loginId"] == login_id
        assert heard.status == 200
        assert not heard.body["Login"]["LastRefresh"].startswith("0001")

    def test_after_a_deletion_it_is_a_new_login(self, bank):
        first = self.signed_in(bank, "RBC", "gone")
        bank.change(first, deleted=True)

        assert self.signed_in(bank, "RBC", "gone") != first


class TestSignIn:
    @pytest.mark.parametrize(
        ("username", "password", "code"),
        [
            pytest.param("Greatday", "wrong", "INVALID_PASSWORD", id="wrong-password"),
            pytest.param("", "Everyday", "INVALID_USERNAME", id="no-username"),
            pytest.param("test_disabled_account", "Everyday", "DISABLED_LOGIN", id="disabled"),
            pytest.param("test_service_unavailable", "Everyday", "RETRY_LATER", id="bank-down"),
        ],
    )
    def test_a_refusal_is_told_and_can_be_tried_again(self, bank, username, password, code):
        visitor = visit(bank, "Credential/RBC/").sign_in(username, password)

        assert visitor.page.steps == [
            code,
            "COMPONENT_LOAD_CREDENTIAL_RETRY",
        ]
        assert returned(visitor.sign_in("second-try"))["institution"] == "RBC"

    def test_a_question_a_wrong_answer_and_the_right_one(self, bank):
        visitor = visit(bank, "Credential/FlinksCapital/").sign_in("Greatday")
        asked = visitor.page.steps
        visitor.answer("Toronto")
        retried = visitor.page.steps
        text = visitor.page.text
        visitor.answer(" montreal ")

        assert asked == ["COMPONENT_LOAD_MFA"]
        assert retried == ["INVALID_SECURITY_RESPONSE", "COMPONENT_LOAD_MFA_RETRY"]
        assert "not right" in text
        assert returned(visitor)["institution"] == "FlinksCapital"

    def test_the_first_page_tells_its_events_once(self, bank):
        visitor = visit(bank, "Credential/RBC/")
        first = visitor.page.steps

        assert first == ["APP_MOUNTED", "INSTITUTION_SELECTED", "COMPONENT_LOAD_CREDENTIAL"]
        assert visitor.reload().page.steps == ["COMPONENT_LOAD_CREDENTIAL"]

    def test_in_a_frame_the_page_tells_of_the_redirect_first(self, bank):
        visitor = visit(bank, "Credential/RBC/").sign_in("framed-one", framed=True)

        (event,) = visitor.page.events
        assert visitor.landed is None
        assert (event["step"], event["institution"]) == ("REDIRECT", "RBC")
        assert event["url"] == visitor.page.next
        assert event["url"].startswith(f"{BACK}?loginId=")

    def test_without_an_address_to_return_to_it_ends_here(self, bank):
        visitor = Visitor(bank.connect_url, "Credential/RBC/").sign_in("nowhere")

        assert visitor.page.events == [{"step": "REDIRECT", "institution": "RBC", "url": None}]
        assert "RBC is connected" in visitor.page.text

    def test_another_institution_after_all(self, bank):
        visitor = visit(bank, "Credential/RBC/").send("back").choose("TD").sign_in("changed")

        assert returned(visitor)["institution"] == "TD"


class TestLeaving:
    def test_closing_is_offered_where_it_is_wished(self, bank):
        visitor = visit(bank, closeEnable="true").send("close")

        assert visitor.page.steps[-1] == "COMPONENT_CLOSE_SESSION"
        assert visitor.landed is None
        assert "close" not in visit(bank).page.forms

    def test_consent_comes_first_where_it_is_wished(self, bank):
        visitor = visit(bank, consentEnable="true")
        first = visitor.page.steps
        visitor.send("accept")

        assert first == ["APP_MOUNTED", "COMPONENT_LOAD_CONSENT"]
        assert visitor.page.steps == [
            "COMPONENT_ACCEPT_CONSENT",
            "COMPONENT_LOAD_INSTITUTION_SELECTOR",
        ]

    def test_without_consent_nothing_is_connected(self, bank):
        before = bank.counts()["logins"]

        visitor = visit(bank, consentEnable="true").send("deny")

        assert "COMPONENT_DENY_CONSENT" in visitor.page.steps
        assert bank.counts()["logins"] == before


class TestHandedOver:
    def asked(self, simulator, client, fate="question_not_found"):
        login_id = next(
            login["login_id"] for login in simulator.logins(registered=True, fate="success")
        )
        simulator.change(login_id, fate=fate, last_refresh_hours_ago=72)
        heard = client.authorize(login_id, cached=False)
        assert heard.status == 203
        return login_id, heard.request_id

    @pytest.mark.parametrize("fate", ["question_not_found", "securityresponses_incomplete"])
    def test_the_question_of_that_request_is_asked_at_once(self, bank, client, fate):
        login_id, request_id = self.asked(bank, client, fate)
        visitor = visit(bank, requestId=request_id, tag="t-1")
        steps = visitor.page.steps

        visitor.answer()

        detail, cached = client.detail(request_id), client.authorize(login_id)
        assert steps == ["APP_MOUNTED", "COMPONENT_LOAD_MFA"]
        assert (returned(visitor)["loginId"], returned(visitor)["tag"]) == (login_id, "t-1")
        assert (detail.status, detail.body["RequestId"]) == (200, request_id)
        assert cached.status == 200
        assert bank.login(login_id)["fate"] == "success"

    def test_until_it_is_answered_the_request_is_locked(self, bank, client):
        _, request_id = self.asked(bank, client)
        visit(bank, requestId=request_id).answer("Toronto")

        assert client.detail(request_id).code == "UNAUTHORIZED"

    @pytest.mark.parametrize(
        "request_id",
        [
            pytest.param("5b1fb1d0-3c57-4b19-8d7f-6df1b1f0a3c2", id="unknown"),
            pytest.param("nonsense", id="nonsense"),
        ],
    )
    def test_an_unknown_one_has_expired(self, bank, request_id):
        visitor = visit(bank, requestId=request_id)

        assert visitor.status == 401
        assert "expired" in visitor.page.text

    def test_an_answered_one_is_no_longer_asked(self, bank, client):
        _, request_id = self.asked(bank, client)
        visit(bank, requestId=request_id).answer()

        assert "expired" in visit(bank, requestId=request_id).page.text

    @pytest.mark.parametrize("opened", [False, True], ids=["before-opening", "at-the-question"])
    def test_after_idle_minutes_it_has_expired(self, connect, opened):
        with running_simulator(scenario="calm", logins=1, session_seconds=0.4) as simulator:
            _, request_id = self.asked(simulator, connect(simulator))
            visitor = visit(simulator, requestId=request_id) if opened else None
            time.sleep(0.6)
            visitor = visitor.answer() if visitor else visit(simulator, requestId=request_id)

        assert visitor.landed is None
        assert "Your session has expired" in visitor.page.text


class TestTokens:
    def test_a_minted_one_opens_the_page_once(self, strict, connect):
        token = connect(strict).mint().body["Token"]

        first, again = visit(strict, authorizeToken=token), visit(strict, authorizeToken=token)

        assert (first.status, again.status) == (200, 401)
        assert first.reload().status == 200
        assert "valid authorize token" in again.page.text

    @pytest.mark.parametrize("given", [{}, {"authorizeToken": "made-up"}], ids=["none", "made-up"])
    def test_no_other_does(self, strict, given):
        visitor = visit(strict, **given)

        assert visitor.status == 401
        assert visitor.page.steps == ["UNAUTHORIZED"]

    def test_one_that_authorize_took_is_spent(self, strict, connect):
        client = connect(strict)
        token = client.mint().body["Token"]
        client.authorize(strict.state()["logins"][0]["login_id"], flinks_auth_key=token)

        assert visit(strict, authorizeToken=token).status == 401

    def test_where_none_is_required_a_wrong_one_is_still_wrong(self, bank):
        assert visit(bank, authorizeToken="made-up").status == 401
        assert visit(bank).status == 200


class TestParameters:
    @pytest.mark.parametrize(
        "address",
        [
            pytest.param("javascript:alert(1)", id="script"),
            pytest.param("data:text/html,x", id="data"),
            pytest.param("/connect/back/", id="no-host"),
            pytest.param("https://", id="empty-host"),
            pytest.param("https://lender.example/\r\nX-Header: 1", id="a-header"),
            pytest.param("http://[broken/", id="broken"),
        ],
    )
    def test_an_address_to_return_to_must_be_one(self, bank, address):
        visitor = visit(bank, redirectUrl=address)

        assert visitor.status == 400
        assert "redirectUrl" in visitor.page.text

    def test_the_query_and_fragment_it_had_stay(self, bank):
        address = "https://lender.example/back?a=1&b=%2F#top"
        visitor = visit(bank, "Credential/RBC/", redirectUrl=address).sign_in("kept")

        assert visitor.landed.startswith("https://lender.example/back?a=1&b=%2F&loginId=")
        assert visitor.landed.endswith("&institution=RBC#top")

    def test_french(self, bank):
        visitor = visit(bank, "Credential/Desjardins/", language="fr")

        assert visitor.page.language == "fr"
        assert "Mot de passe" in visitor.page.text
        assert "Continuer" in visitor.page.text

    def test_the_sandbox_bank_is_listed_on_demand(self, bank):
        assert "FlinksCapital" not in visit(bank).page.choices
        assert visit(bank, demo="true").page.choices[0] == "FlinksCapital"

    @pytest.mark.parametrize("name", ["rbc", "2", "RBC"])
    def test_an_institution_is_preselected_by_name_or_id(self, bank, name):
        assert "Sign in at RBC" in visit(bank, f"Credential/{name}/").page.text

    def test_an_unknown_institution_leaves_the_list(self, bank):
        assert "TD" in visit(bank, "Credential/Nowhere/").page.choices

    def test_others_are_accepted(self, bank):
        wishes = {"innerRedirect": "true", "theme": "light", "customerName": "<b>", "x": "1"}

        assert visit(bank, **wishes).status == 200

    def test_what_people_type_is_text(self, bank):
        visitor = visit(bank, "Credential/RBC/", tag="<i>").sign_in('"><script>', "wrong")

        assert '"><script>' not in visitor.page.html
        assert visitor.page.forms["credential"]["username"] == '"><script>'


class TestPages:
    def test_they_say_that_this_is_a_simulator_and_load_nothing_from_elsewhere(self, bank):
        html = visit(bank).page.html

        assert "SIMULATOR" in html
        assert 'name="viewport"' in html
        assert "http://" not in html
        assert "https://" not in html

    @pytest.mark.parametrize("name", ["connect.css", "connect.js"])
    def test_their_assets_are_served_here(self, bank, name):
        assert self.status(bank, f"/v2/assets/{name}") == 200

    @pytest.mark.parametrize(
        "path", ["/v2/assets/connect.py", "/v2/assets/..%2Fconnect.py", "/v2/nothing/"]
    )
    def test_nothing_else_is(self, bank, path):
        assert self.status(bank, path) == 404

    def test_an_unknown_visit_has_expired(self, bank):
        assert self.status(bank, "/v2/visit/nobody") == 401

    def test_they_are_not_in_the_log_of_the_api(self, bank):
        before = bank.counts()["arrived"]
        visit(bank)

        assert bank.counts()["arrived"] == before

    def status(self, simulator, path):
        connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status


class TestIdleVisits:
    """Eight idle minutes, by a clock the test owns."""

    @pytest.mark.parametrize(
        ("idle_minutes", "status"),
        [pytest.param(7.9, 200, id="alive"), pytest.param(8.1, 401, id="ended")],
    )
    def test_a_handed_over_request_lives_eight_idle_minutes(self, idle_minutes, status):
        provider = Provider()
        books = provider.gateway.books
        page = Connect(books, recipe=Recipe(seed=1, scenario="calm", logins=2))
        books.world.logins[provider.login_id].meet(FATES["question_not_found"])
        live = {"LoginId": provider.login_id, "MostRecentCached": False, "Save": True}
        request_id = provider.ask("POST", "Authorize", live)[1]["RequestId"]

        provider.time += idle_minutes * 60

        reply = page.answer(self.asked_for(f"/v2/?requestId={request_id}"))
        if reply.status == 303:
            reply = page.answer(self.asked_for(reply.headers["Location"]))
        assert reply.status == status
        assert Page(reply.body.decode()).steps[-1] == (
            "COMPONENT_LOAD_MFA" if status == 200 else "SESSION_EXPIRED"
        )

    def asked_for(self, target):
        return Request("GET", target, {}, b"", 0.0)


class TestWebhooks:
    def test_a_connection_is_told_of_with_its_tag(self, receiver):
        with running_simulator(
            scenario="calm", logins=1, body_kb=4, webhook_url=receiver.url
        ) as simulator:
            visitor = visit(simulator, "Credential/RBC/", tag="t-9").sign_in("new-one")
            simulator.deliveries(settle_seconds=5)

        told = json.loads(receiver.posts[0][1])
        assert told["Login"]["Id"] == returned(visitor)["loginId"]
        assert (told["Tag"], told["ResponseType"]) == ("t-9", "GetAccountsDetail")


def test_a_morning_has_people_who_can_come_back(connect):
    with running_simulator(scenario="morning", logins=60, body_kb=4) as simulator:
        (login, *_) = simulator.logins(fate="question_not_found")
        heard = connect(simulator).authorize(login["login_id"], cached=False)
        answers = simulator.person(login["login_id"])["answers"]

        visitor = visit(simulator, requestId=heard.request_id).answer(*answers.values())

        assert heard.status == 203
        assert returned(visitor)["loginId"] == login["login_id"]
        assert simulator.login(login["login_id"])["fate"] == "success"
