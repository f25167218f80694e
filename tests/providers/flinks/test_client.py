"""Flinks as the engine sees it: the headers of each call, and what the trace may keep."""

import json

import pytest
import responses

from refreshops.providers.contract import Answer, NotOffered, Policy, UnreadableAnswer
from refreshops.providers.flinks import Flinks, calls
from refreshops.rules.lifecycle import Purpose
from tests.providers.flinks.spoken import (
    LOGIN_ID,
    OTHER_LOGIN_ID,
    REQUEST_ID,
    SUBJECT,
    TOKEN,
    Play,
    authorized,
    detail,
    refused,
    summary,
)

API_URL = "https://acme-api.private.fin.ag/v3/"
CUSTOMER_ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
BASE = f"{API_URL}{CUSTOMER_ID}/BankingServices"
SECRET, X_API_KEY, BEARER = "canary-secret", "canary-x-api", "canary-bearer"
SECRETS = (SECRET, X_API_KEY, BEARER, CUSTOMER_ID, TOKEN)


def flinks(**changes):
    keys = {"secret_key": SECRET, "x_api_key": X_API_KEY, "bearer_secret": BEARER}
    return Flinks(api_url=API_URL, customer_id=CUSTOMER_ID, **(keys | changes))


class TestSending:
    @pytest.mark.parametrize(
        ("call", "header", "value", "body"),
        [
            (calls.generate_authorize_token(), "flinks-auth-key", SECRET, None),
            (
                calls.authorize_cached(LOGIN_ID, token=TOKEN),
                "flinks-auth-key",
                TOKEN,
                {"LoginId": LOGIN_ID, "MostRecentCached": True},
            ),
            (
                calls.authorize_live(LOGIN_ID, token=TOKEN),
                "flinks-auth-key",
                TOKEN,
                {"LoginId": LOGIN_ID, "MostRecentCached": False, "Save": True},
            ),
            (
                calls.accounts_detail(REQUEST_ID),
                "x-api-key",
                X_API_KEY,
                {"RequestId": REQUEST_ID},
            ),
            (
                calls.accounts_summary(REQUEST_ID),
                "x-api-key",
                X_API_KEY,
                {"RequestId": REQUEST_ID},
            ),
            (calls.accounts_detail_async(REQUEST_ID), "x-api-key", X_API_KEY, None),
            (
                calls.set_scheduled_refresh(LOGIN_ID, on=True),
                "x-api-key",
                X_API_KEY,
                {"loginId": LOGIN_ID, "isActivated": True},
            ),
            (calls.delete_card(LOGIN_ID), "x-api-key", X_API_KEY, None),
            (calls.nightly_refresh_status(), "Authorization", f"Bearer {BEARER}", None),
        ],
        ids=lambda value: getattr(value, "endpoint", None),
    )
    @responses.activate
    def test_each_call_carries_its_own_key_and_no_other(self, call, header, value, body):
        url = f"{API_URL}{CUSTOMER_ID}/{call.path}"
        responses.add(call.method, url, json={"HttpStatusCode": 200})

        answer = flinks().send(call)

        sent = responses.calls[0].request
        assert answer.http_status == 200
        assert sent.headers[header] == value
        others = {"flinks-auth-key", "x-api-key", "Authorization"} - {header}
        assert not others & set(sent.headers)
        assert (json.loads(sent.body) if sent.body else None) == body
        assert sent.headers.get("Content-Type") == ("application/json" if body else None)

    @responses.activate
    def test_without_keys_no_header_is_sent(self):
        responses.post(f"{BASE}/Authorize", json={})
        responses.post(f"{BASE}/GetAccountsDetail", json={})
        client = flinks(secret_key="", x_api_key="")

        client.send(calls.authorize_cached(LOGIN_ID))
        client.send(calls.accounts_detail(REQUEST_ID))

        for call in responses.calls:
            assert not {"flinks-auth-key", "x-api-key"} & set(call.request.headers)

    @responses.activate
    def test_an_error_status_is_an_answer(self):
        responses.post(f"{BASE}/Authorize", json={"FlinksCode": "RETRY_LATER"}, status=401)

        answer = flinks().send(calls.authorize_cached(LOGIN_ID))

        assert (answer.http_status, answer.body) == (401, {"FlinksCode": "RETRY_LATER"})

    @responses.activate
    def test_an_echo_of_our_keys_is_hidden_before_anybody_reads_it(self):
        said = dict.fromkeys(("Message", "FlinksCode", "Institution"), f"no {TOKEN} {SECRET}")
        responses.post(f"{BASE}/Authorize", json=said | {"RequestId": TOKEN}, status=401)

        answer = flinks().send(calls.authorize_cached(LOGIN_ID, token=TOKEN))

        assert answer.body["Message"] == "no [hidden] [hidden]"
        assert not any(secret in str(answer.body) for secret in SECRETS)

    @responses.activate
    def test_an_echo_in_an_error_page_is_hidden(self):
        page = f"<h1>{SECRET}</h1><p>{TOKEN} {CUSTOMER_ID.upper()}</p>"
        responses.post(f"{BASE}/Authorize", body=page, status=500)

        with pytest.raises(UnreadableAnswer) as caught:
            flinks().send(calls.authorize_cached(LOGIN_ID, token=TOKEN))

        assert caught.value.excerpt == "[hidden] [hidden] [hidden]"


class TestTheTrace:
    def test_the_url_hides_the_customer_id(self):
        shown = flinks().shown_url(calls.accounts_detail_async(REQUEST_ID))

        assert shown == (f"{API_URL}[customer]/BankingServices/GetAccountsDetailAsync/{REQUEST_ID}")

    @pytest.mark.parametrize(
        ("call", "shown"),
        [
            (
                calls.authorize_live(LOGIN_ID, token=TOKEN),
                {"LoginId": LOGIN_ID, "MostRecentCached": False, "Save": True},
            ),
            (
                calls.set_scheduled_refresh(LOGIN_ID, on=False),
                {"loginId": LOGIN_ID, "isActivated": False},
            ),
            (calls.generate_authorize_token(), {}),
        ],
        ids=["authorize", "schedule", "token"],
    )
    def test_the_body_shows_the_listed_parameters(self, call, shown):
        assert flinks().shown_body(call) == shown

    def test_the_envelope_keeps_the_listed_fields_of_an_authorize(self):
        envelope = flinks().envelope(calls.authorize_cached(LOGIN_ID), authorized(InstitutionId=7))

        assert envelope.http_status_code == 200
        assert (envelope.provider_code, envelope.message) == ("", "")
        assert (envelope.request_id, envelope.institution) == (REQUEST_ID, "Maple Bank")
        assert envelope.answer == {
            "HttpStatusCode": 200,
            "RequestId": REQUEST_ID,
            "Institution": "Maple Bank",
            "InstitutionId": 7,
            "Login": {
                "Id": LOGIN_ID,
                "IsScheduledRefresh": True,
                "LastRefresh": "2026-03-03T05:36:07.6121953",
            },
            "Links": [{"rel": "AccountsDetail"}],
        }

    def test_the_envelope_of_a_data_answer_holds_counts_and_no_bank_data(self):
        envelope = flinks().envelope(calls.accounts_detail(REQUEST_ID), detail())

        assert envelope.answer["AccountCount"] == 1
        assert envelope.answer["TransactionCount"] == 1
        for word in ("7641238", "1238", "Jane", "jane.doe", "PAYROLL", "5105", "example.com"):
            assert word not in str(envelope)

    def test_the_envelope_of_a_summary_shows_the_flag_and_no_bank_data(self):
        envelope = flinks().envelope(calls.accounts_summary(REQUEST_ID), summary())

        assert envelope.answer["Login"]["IsScheduledRefresh"] is True
        assert set(envelope.answer["Login"]) == {"Id", "IsScheduledRefresh", "LastRefresh"}
        assert (envelope.answer["AccountCount"], envelope.answer["TransactionCount"]) == (1, 0)
        for word in ("7641238", "1238", "Jane", "jane.doe", "5105", "example.com"):
            assert word not in str(envelope)

    def test_the_envelope_of_an_error_holds_code_and_message(self):
        answer = refused("INVALID_LOGIN", status=400, message="card 4520123456789012 is wrong")

        envelope = flinks().envelope(calls.authorize_cached(LOGIN_ID), answer)

        assert (envelope.http_status_code, envelope.provider_code) == (400, "INVALID_LOGIN")
        assert envelope.message == "card [number] is wrong"
        assert envelope.answer["Message"] == "card [number] is wrong"

    def test_the_bodys_status_leads_and_the_wires_is_kept_beside_it(self):
        answer = Answer(200, {"HttpStatusCode": 401, "FlinksCode": "RETRY_LATER"})

        envelope = flinks().envelope(calls.authorize_cached(LOGIN_ID), answer)

        assert envelope.http_status_code == 401
        assert envelope.answer["TransportStatus"] == 200

    def test_the_bare_string_of_an_order_is_its_message(self):
        said = f"LoginId {LOGIN_ID} has now been activated"

        envelope = flinks().envelope(
            calls.set_scheduled_refresh(LOGIN_ID, on=True), Answer(200, said)
        )

        assert (envelope.message, envelope.answer) == (said, {})

    def test_a_minted_token_is_not_kept(self):
        answer = Answer(200, {"HttpStatusCode": 200, "Token": TOKEN})

        assert TOKEN not in str(flinks().envelope(calls.generate_authorize_token(), answer))

    def test_dropped_out_logins_are_counted(self):
        answer = Answer(200, {"IneligibleCards": [{"LoginId": OTHER_LOGIN_ID}] * 3})

        envelope = flinks().envelope(calls.nightly_refresh_status(), answer)

        assert envelope.answer == {"IneligibleCardCount": 3}

    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("field", ["Message", "FlinksCode", "RequestId", "Institution"])
    def test_no_secret_gets_in_through_a_listed_field(self, field, secret):
        call = calls.authorize_cached(LOGIN_ID, token=TOKEN)

        envelope = flinks().envelope(call, Answer(401, {field: secret.upper()}))

        assert secret.lower() not in str(envelope).lower()


class TestOffers:
    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_it_has_a_script_for_every_purpose(self, purpose):
        assert flinks().conversation(purpose, Policy()).begin is not None

    def test_what_it_does_not_know_it_does_not_offer(self):
        with pytest.raises(NotOffered):
            flinks().conversation("paint_the_fence", Policy())

    def test_the_opening_call_needs_its_key(self):
        assert flinks().opening(Policy()) is not None
        assert flinks(bearer_secret="").opening(Policy()) is None

    @pytest.mark.parametrize(
        ("purpose", "heard", "evidence"),
        [
            (Purpose.SWITCH_OFF, [Answer(200, "done")], ["order", "read_back"]),
            (
                Purpose.SWITCH_OFF,
                [Answer(200, "done"), refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID)],
                ["order", "read_back", "read_back"],
            ),
            (Purpose.FORGET, [], ["order"]),
            (Purpose.REFRESH, [authorized()], ["read_back", ""]),
        ],
    )
    def test_it_says_what_a_call_proves(self, purpose, heard, evidence):
        client = flinks(secret_key="")

        play = Play(client.conversation(purpose, Policy())).hear(*heard)

        assert [client.evidence_of(endpoint) for endpoint in play.calls] == evidence

    def test_tokens_are_minted_when_the_secret_is_there(self):
        for client, endpoint in [
            (flinks(), "GenerateAuthorizeToken"),
            (flinks(secret_key=""), "Authorize"),
        ]:
            begun = client.conversation(Purpose.REFRESH, Policy()).begin(SUBJECT)
            assert begun.call.endpoint == endpoint

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"secret_key": "canary key"}, "secret_key"),
            ({"x_api_key": "canary\r\nX-Evil: 1"}, "x_api_key"),
            ({"bearer_secret": "canaryé"}, "bearer_secret"),
        ],
    )
    def test_a_key_no_header_can_carry_is_refused_by_name(self, changes, says):
        with pytest.raises(ValueError, match=says) as caught:
            flinks(**changes)

        assert "canary" not in str(caught.value)

    def test_a_missing_customer_id_is_refused(self):
        with pytest.raises(ValueError, match="customer id"):
            Flinks(api_url=API_URL, customer_id=" ")
