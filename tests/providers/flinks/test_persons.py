"""No person's name, number or username gets into the words the trace keeps."""

import json
import time

import pytest

from refreshops.providers.contract import Answer, Policy
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.persons import without_persons, without_values
from refreshops.rules.lifecycle import Purpose
from tests.providers.flinks.spoken import (
    LOGIN_ID,
    NOON,
    REQUEST_ID,
    SUBJECT,
    detail,
    login,
    refused,
)
from tests.providers.flinks.test_client import flinks

USERNAME = "canary.username.48213"
HOLDER = "Canary Q. Holdername"
ACCOUNT = {
    "AccountNumber": "90012",
    "Holder": {"Name": HOLDER, "Email": "c@example.com", "PhoneNumber": "555 1234"},
}


class TestKnownPersons:
    @pytest.mark.parametrize("word", [USERNAME, HOLDER, HOLDER.upper(), "90012", "555 1234"])
    @pytest.mark.parametrize("field", ["Message", "message", "Institution", "InstitutionName"])
    def test_what_the_answer_says_of_its_people_is_in_no_kept_text(self, field, word):
        answer = detail(
            Login=login() | {"Username": USERNAME}, Accounts=[ACCOUNT], **{field: f"so {word} ok"}
        )

        envelope = flinks().envelope(calls.accounts_detail(REQUEST_ID), answer)

        assert word.casefold() not in repr(envelope).casefold()
        assert "so [hidden] ok" in repr(envelope)

    def test_nor_in_what_the_attempt_ends_with(self):
        script = flinks(secret_key="").conversation(Purpose.REFRESH, Policy())
        answer = refused("INVALID_LOGIN", message=f"no {HOLDER}", Accounts=[ACCOUNT])

        end = script.heard(SUBJECT, {"step": "authorize"}, answer, now=NOON)

        assert end.result.message == "no [hidden]"

    @pytest.mark.parametrize("message", [REQUEST_ID, f"Your token {REQUEST_ID.upper()} is fresh"])
    def test_nor_is_the_token_that_an_answer_brings(self, message):
        answer = Answer(200, {"Token": REQUEST_ID, "Message": message})

        envelope = flinks().envelope(calls.generate_authorize_token(), answer)

        assert REQUEST_ID not in repr(envelope).casefold()
        assert "[hidden]" in envelope.message

    def test_ids_and_times_stay_whole(self):
        accounts = [{"AccountNumber": LOGIN_ID[:8]}, {"AccountNumber": "2026"}]
        body = {"Accounts": accounts}

        assert without_persons(LOGIN_ID, body) == LOGIN_ID
        assert without_persons("2026-03-03T05:36:07.6121953", body).startswith("2026-03")

    def test_a_body_of_any_shape_is_borne(self):
        accounts = [1, {"Holder": 7, "AccountNumber": []}, {"Holder": {"Name": True}}]

        assert without_persons("text True", {"Login": [], "Accounts": accounts}) == "text True"

    def test_a_hostile_megabyte_costs_little(self):
        body = {"Accounts": [{"AccountNumber": "a" * 1000 + str(n)} for n in range(5000)]}
        started = time.perf_counter()

        without_values(without_persons("a" * 2_000_000, body))
        without_values("a." * 1_000_000)
        without_values("Holder " + "A. " * 1_000_000)
        without_values("'" * 2_000_000)

        assert time.perf_counter() - started < 1.0


class TestMessagesThatNameNobodyElse:
    @pytest.mark.parametrize(
        ("message", "shown"),
        [
            (f"The user {USERNAME} does not exist", "The user [hidden] does not exist"),
            (f"Account holder {HOLDER} not verified", "Account holder [hidden] not verified"),
            ("Customer: Émile O'Neil is blocked", "Customer: [hidden] is blocked"),
            ("user 'jane doe' doesn't exist, can't", "user '[hidden]' doesn't exist, can't"),
            ('No "jane" here', 'No "[hidden]" here'),
            ("user jane_1985 is locked", "user [hidden] is locked"),
            ("Card 45123 is wrong", "Card [number] is wrong"),
        ],
    )
    def test_values_are_hidden(self, message, shown):
        envelope = flinks().envelope(
            calls.authorize_cached(LOGIN_ID), refused("INVALID_LOGIN", message=message)
        )

        assert envelope.message == envelope.answer["Message"] == shown

    @pytest.mark.parametrize(
        "message",
        [
            f"LoginId {LOGIN_ID} has now been activated",
            "Since 2018-10-23T05:36:07.6121953 or 2018-10-23T05:36:07.61Z it fails.",
            'The "LoginId" is wrong; see flinks-auth-key.',
            "Your operation is still processing. Please call /GetAccountsDetailAsync again.",
            "Customer not found. It's OAuth2, isn't it? HTTP 500",
            f"The login '{LOGIN_ID}' is invalid.",
            "The requested resource does not support http method 'GET'.",
            "You must provide a valid auth key",
        ],
    )
    def test_the_rest_stays(self, message):
        assert without_values(message) == message


class TestCodesAndTokens:
    @pytest.mark.parametrize("code", ["4512345678901234", 4512345678901234, "4512 3456 7890 1234"])
    def test_a_card_number_is_no_code(self, code):
        answer = Answer(401, {"HttpStatusCode": 401, "FlinksCode": code})
        script = flinks(secret_key="").conversation(Purpose.REFRESH, Policy())

        envelope = flinks().envelope(calls.authorize_cached(LOGIN_ID), answer)
        end = script.heard(SUBJECT, {"step": "authorize"}, answer, now=NOON)

        assert envelope.provider_code == end.result.provider_code == "[number]"
        assert "3456" not in repr(envelope)
        assert end.result.outcome == "unknown"

    @pytest.mark.parametrize("status", [200, 401])
    def test_a_bare_text_where_a_token_should_be_is_not_kept(self, status):
        said = "a-token-without-an-object"
        script = flinks().conversation(Purpose.REFRESH, Policy())

        envelope = flinks().envelope(calls.generate_authorize_token(), Answer(status, said))
        step = script.heard(SUBJECT, {"step": "token"}, Answer(status, said), now=NOON)

        assert said not in repr(envelope)
        assert said not in repr(step)


class TestSize:
    def test_the_kept_answer_is_bounded_whatever_is_said(self):
        body = {"Links": [{"rel": ["x " * 900] * 99}] * 999, "Message": ["y " * 900] * 999}

        envelope = flinks().envelope(calls.authorize_cached(LOGIN_ID), Answer(200, body))

        assert len(json.dumps(envelope.answer)) <= 17 * 1024

    @pytest.mark.parametrize(("count", "outcome"), [(500, "fresh"), (501, "provider_fault")])
    def test_an_answer_with_more_than_500_accounts_is_not_believed(self, count, outcome):
        script = flinks(secret_key="").conversation(Purpose.REFRESH, Policy(network_waits=()))
        state = {"step": "detail", "request_id": REQUEST_ID, "used_at": NOON.isoformat()}

        end = script.heard(SUBJECT, state, detail(Accounts=[ACCOUNT] * count), now=NOON)

        assert end.result.outcome == outcome
        assert (end.result.bank_data is None) is (count > 500)
