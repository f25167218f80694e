"""Reading Flinks's answers: nothing in a body can raise, and nothing is guessed."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.providers.contract import Answer
from refreshops.providers.flinks.answers import (
    Timestamp,
    canonical_login_id,
    ineligible_cards,
    read,
    read_timestamp,
)
from refreshops.providers.scripts import pause_until
from tests.providers.flinks.spoken import (
    LOGIN_ID,
    NOON,
    REQUEST_ID,
    TONIGHT,
    TONIGHT_AT,
    authorized,
    login,
    refused,
)


class TestRead:
    def test_it_reads_a_good_authorize(self):
        answer = read(authorized(Login=login(login_id=f"{{{LOGIN_ID.upper()}}}")))

        assert (answer.status, answer.status_in_body) == (200, True)
        assert (answer.code, answer.message) == ("", "")
        assert answer.request_id == REQUEST_ID
        assert answer.login_id == LOGIN_ID
        assert answer.nightly is True
        assert (answer.last_refresh_at, answer.last_refresh) == (TONIGHT_AT, Timestamp.READ)
        assert answer.institution == "Maple Bank"

    def test_it_reads_an_error_without_login_and_message(self):
        answer = read(refused("QUESTION_NOT_FOUND", request_id=REQUEST_ID))

        assert (answer.status, answer.code) == (401, "QUESTION_NOT_FOUND")
        assert answer.request_id == REQUEST_ID
        assert answer.nightly is None
        assert (answer.last_refresh_at, answer.last_refresh) == (None, Timestamp.MISSING)

    def test_it_reads_the_bare_string_of_a_schedule_order(self):
        answer = read(Answer(200, "LoginId x has now been activated\r\n"))

        assert answer.message == "LoginId x has now been activated"
        assert not answer.status_in_body

    @pytest.mark.parametrize(
        ("http_status", "said", "status"),
        [
            (200, 401, 401),
            (200, "401", 401),
            (401, None, 401),
            (401, "four", 401),
            (401, True, 401),
            (401, 7, 401),
            (401, 2e400, 401),
            (401, [], 401),
        ],
    )
    def test_the_bodys_status_leads_when_it_is_one(self, http_status, said, status):
        assert read(Answer(http_status, {"HttpStatusCode": said})).status == status

    def test_it_takes_the_other_name_of_the_status(self):
        assert read(Answer(200, {"StatusCode": 400})).status == 400

    @pytest.mark.parametrize(
        "body", [None, 1, True, "x", [], {}, [{}], {"Login": []}, {"Login": 1}]
    )
    def test_nothing_breaks_it(self, body):
        assert read(Answer(200, body)).request_id == ""

    @pytest.mark.parametrize(
        "value", [1, True, None, [], {}, "", "a b", "../..", "x" * 65, "é", "a\n", "-a"]
    )
    def test_what_is_no_request_id_is_none(self, value):
        assert read(Answer(200, {"RequestId": value})).request_id == ""

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (None, ""),
            ("", ""),
            ("Some_Code", "Some_Code"),
            (17, "17"),
            (0, "0"),
            (False, "False"),
            ([], "?"),
            ({"Password": "x"}, "?"),
            ("4512345678901234", "[number]"),
            ("\x00\u202e", "?"),
            ("x" * 99, "x" * 64),
        ],
    )
    def test_a_code_of_any_type_stays_a_code(self, value, code):
        assert read(Answer(200, {"FlinksCode": value})).code == code

    @pytest.mark.parametrize("value", ["true", 1, 0, None, "False", []])
    def test_a_flag_is_a_flag_or_nothing(self, value):
        assert read(Answer(200, {"Login": {"IsScheduledRefresh": value}})).nightly is None

    def test_a_token_is_not_shown(self):
        answer = read(Answer(200, {"Token": "tok-123"}))

        assert answer.token == "tok-123"
        assert "tok-123" not in repr(answer)

    @pytest.mark.parametrize("value", ["", "a b", "a\r\nX-Evil: 1", "é", 5, None, "x" * 513])
    def test_what_no_header_can_carry_is_no_token(self, value):
        assert read(Answer(200, {"Token": value})).token == ""


class TestTimestamps:
    @pytest.mark.parametrize(
        ("text", "micros"),
        [
            ("2026-03-03T05:36:07", 0),
            ("2026-03-03T05:36:07.6", 600000),
            ("2026-03-03T05:36:07.612195", 612195),
            (TONIGHT, 612195),
            ("2026-03-03 05:36:07.612195300", 612195),
            ("2026-03-03T05:36:07Z", 0),
            ("2026-03-03T00:36:07-05:00", 0),
            (" 2026-03-03T05:36:07 ", 0),
        ],
    )
    def test_it_is_utc(self, text, micros):
        expected = datetime(2026, 3, 3, 5, 36, 7, micros, tzinfo=UTC)

        assert read_timestamp(text) == (expected, Timestamp.READ)

    @pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "0001-01-01T00:00:00.0000000"])
    def test_year_one_means_never(self, text):
        assert read_timestamp(text) == (None, Timestamp.NEVER)

    @pytest.mark.parametrize("value", [None, ""])
    def test_nothing_is_missing(self, value):
        assert read_timestamp(value) == (None, Timestamp.MISSING)

    @pytest.mark.parametrize(
        "value",
        [
            "yesterday",
            "2026-13-03T05:36:07",
            "2026-02-30T05:36:07",
            "2026-03-03T25:36:07",
            "2026-03-03",
            "9999-12-31T23:59:59-10:00",
            "٢٠٢٦-03-03T05:36:07",
            "2026-03-03T05:36:07.1234567890",
            17,
            True,
            [],
            {},
        ],
    )
    def test_garbage_is_flagged(self, value):
        assert read_timestamp(value) == (None, Timestamp.GARBAGE)


class TestPauses:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            pytest.param("7", 7, id="seconds"),
            pytest.param(" 7 ", 7, id="spaces"),
            pytest.param("Tue, 03 Mar 2026 12:05:00 GMT", 300, id="date"),
            pytest.param("Tue, 03 Mar 2026 12:05:00 -0000", 300, id="date-without-zone"),
            pytest.param("86400", 3600, id="longer-than-an-hour"),
            pytest.param("Wed, 04 Mar 2026 12:00:00 GMT", 3600, id="tomorrow"),
            pytest.param("", 60, id="missing"),
            pytest.param("0", 60, id="zero"),
            pytest.param("-5", 60, id="negative"),
            pytest.param("soon", 60, id="garbage"),
            pytest.param("9" * 400, 60, id="absurd"),
            pytest.param("Mon, 02 Mar 2026 12:05:00 GMT", 60, id="past"),
            pytest.param("Mon, 99 Mar 2026 12:05:00 GMT", 60, id="no-date"),
        ],
    )
    def test_it_obeys_retry_after_within_reason(self, text, seconds):
        until = pause_until(text, now=NOON, otherwise=timedelta(seconds=60))

        assert until == NOON + timedelta(seconds=seconds)


class TestLoginIds:
    @pytest.mark.parametrize(
        "text",
        [
            LOGIN_ID,
            LOGIN_ID.upper(),
            f"{{{LOGIN_ID}}}",
            f"  {{ {LOGIN_ID.upper()} }} ",
            f"\ufeff{LOGIN_ID}\u200b",
            f"\u00a0{LOGIN_ID}\t",
            LOGIN_ID.replace("-", ""),
        ],
    )
    def test_spellings_of_one_id_are_one_id(self, text):
        assert canonical_login_id(text) == LOGIN_ID

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "login-1",
            LOGIN_ID[:-1],
            LOGIN_ID + "0",
            f"{{{LOGIN_ID}",
            LOGIN_ID.replace("0", "g"),
            LOGIN_ID.replace("-", "_"),
            f"{LOGIN_ID} {LOGIN_ID}",
            "٠f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        ],
    )
    def test_anything_else_is_refused_with_a_sentence(self, text):
        with pytest.raises(ValueError, match=r"^A LoginId looks like .*\.$"):
            canonical_login_id(text)


@pytest.mark.parametrize("value", [None, 17, "", "card-1", "=HYPERLINK(1)", [LOGIN_ID]])
def test_a_card_whose_id_is_no_login_id_has_none(value):
    cards = ineligible_cards({"IneligibleCards": [{"LoginId": value, "LastRefreshState": "X"}]})

    assert [(card["login_id"], card["state"]) for card in cards] == [("", "X")]


def test_cards_that_are_no_objects_are_left_out():
    cards = ineligible_cards({"IneligibleCards": [1, None, {"LoginId": "{" + LOGIN_ID + "}"}]})

    assert [card["login_id"] for card in cards] == [LOGIN_ID]
