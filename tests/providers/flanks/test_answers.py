"""Reading Flanks's answers: nothing in a body can raise, and nothing is guessed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refreshops.providers.contract import Answer
from refreshops.providers.flanks import signs
from refreshops.providers.flanks.accounts import bank_data, shell
from refreshops.providers.flanks.answers import (
    canonical_login_id,
    listed,
    moment,
    read,
    read_status,
)
from tests.providers.flanks.spoken import LOGIN_ID, PRODUCTS, TONIGHT_AT, data, refused, status

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "error_code", "message", "pending", "blocked", "errored", "created"]
                + ["product", "transaction", "transactions", "account", "last_update_timestamp"]
                + ["last_update", "time", "items", "pages", "credentials_token", "code", "details"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


class TestLoginIds:
    @pytest.mark.parametrize("text", [LOGIN_ID, f"  {LOGIN_ID}\n", f"\u200b{LOGIN_ID}"])
    def test_case_counts_and_spaces_do_not(self, text):
        assert canonical_login_id(text) == LOGIN_ID

    @pytest.mark.parametrize(
        "text", ["", "short", "a" * 65, "with space in", "sl/ash/es", "ñandúes9"]
    )
    def test_what_is_none_is_refused_with_a_sentence(self, text):
        with pytest.raises(ValueError, match=r"^A credentials_token has 8 to 64"):
            canonical_login_id(text)


class TestMoments:
    @pytest.mark.parametrize(
        "value", [1772511120, 1772511120000, "1772511120", 1772511120.0, " 1772511120000 "]
    )
    def test_seconds_and_milliseconds_are_told_apart_by_size(self, value):
        assert moment(value) == TONIGHT_AT

    @pytest.mark.parametrize(
        "value", [None, 0, -5, True, "", "soon", [], {}, 10**30, 1e300, float("inf"), "²"]
    )
    def test_nonsense_is_no_moment(self, value):
        assert moment(value) is None

    def test_a_timestamp_that_its_date_contradicts_is_not_believed(self):
        told = status(last_update="2026-01-01", time="04:12").body

        assert read_status(told).last_update_at is None

    @pytest.mark.parametrize(
        "beside",
        [
            {"last_update": None, "time": None},
            {"last_update": "2026-03-03", "time": None},
            {"last_update": "03/03/2026"},
            {"last_update": 5, "time": []},
            {"time": "99:99"},
        ],
        ids=repr,
    )
    def test_a_timestamp_stands_alone_where_nothing_readable_is_beside_it(self, beside):
        assert read_status(status(**beside).body).last_update_at == TONIGHT_AT


class TestStatus:
    @pytest.mark.parametrize("key", ["transaction", "transactions"])
    def test_the_inner_key_is_read_in_both_spellings(self, key):
        told = read_status(status(key=key, bad_lists=("card",), failed=("account",)).body)

        assert told.errored == {"account", "card transactions"}

    def test_null_stays_null_and_is_no_sign(self):
        names = ("pending", "blocked", "name", "errored", "created", "time", "last_update")
        told = read_status(status(**dict.fromkeys(names)).body)

        assert signs.of(told, PRODUCTS).name == ""
        assert told.name == ""

    @pytest.mark.parametrize("value", [True, "yes", 1, ["account"], "2026-03-01"], ids=repr)
    def test_errors_told_in_another_type_are_errors_of_everything(self, value):
        sign = signs.of(read_status(status().body | {"errored": value}), PRODUCTS)

        assert sign.name == "errored"
        assert set(PRODUCTS) <= sign.errored

    @pytest.mark.parametrize("inner", ["product", "transaction", "transactions"])
    @pytest.mark.parametrize("value", [True, ["account"], "yes", 1], ids=repr)
    def test_errors_summed_up_in_one_value_are_errors_of_everything(self, inner, value):
        sign = signs.of(read_status(status().body | {"errored": {inner: value}}), PRODUCTS)

        assert sign.name == "errored"
        assert set(PRODUCTS) <= sign.errored

    @pytest.mark.parametrize("value", [False, {"product": False}], ids=repr)
    def test_where_nothing_is_said_to_be_there_yet_all_is_waited_for(self, value):
        sign = signs.of(read_status(status().body | {"created": value}), PRODUCTS)

        assert sign.name == "pending"
        assert all(name in sign.message for name in ("accounts", "cards", "liabilities"))

    @pytest.mark.parametrize("value", [None, True, {"product": None}, {"transaction": False}])
    def test_what_is_not_said_to_be_missing_is_not_waited_for(self, value):
        assert signs.of(read_status(status().body | {"created": value}), PRODUCTS).name == ""

    @pytest.mark.parametrize("name", ["blocked", "pending"])
    @pytest.mark.parametrize("value", ["no", 1, [], {}], ids=repr)
    def test_a_flag_of_a_wrong_type_is_not_believed_either_way(self, name, value):
        assert name in read_status(status(**{name: value}).body).odd

    @pytest.mark.parametrize("name", ["holders", "auth"])
    def test_an_error_of_what_is_not_fetched_is_one_all_the_same(self, name):
        sign = signs.of(read_status(status(failed=(name,)).body), PRODUCTS)

        assert (sign.name, sign.errored) == ("errored", {name})

    def test_unknown_keys_and_products_are_left_alone(self):
        body = status(brand_new=[1]).body
        body["errored"]["product"]["pension"] = True

        assert signs.of(read_status(body), PRODUCTS).name == ""

    @pytest.mark.parametrize("body", [None, [], "ok", 5, {}, {"message": "ok"}], ids=repr)
    def test_what_is_no_status_is_none(self, body):
        assert read_status(body) is None


class TestErrors:
    def test_a_code_is_read_as_text(self):
        answer = read(refused(20001))

        assert (answer.code, answer.message) == ("20001", "It did not work.")

    def test_an_error_object_gives_its_code_its_fields_and_its_trace_id(self):
        body = {
            "success": False,
            "error": {
                "code": "ValidationError",
                "details": [{"error_type": "missing", "field": "configuration"}],
            },
            "trace_id": "tr-1",
        }

        answer = read(Answer(400, body))

        assert answer.code == "ValidationError"
        assert answer.message == "configuration: missing"
        assert answer.trace_id == "tr-1"

    @pytest.mark.parametrize("code", [True, 1.5, [], {"a": 1}, 10**40])
    def test_a_code_of_a_wrong_type_stays_a_code(self, code):
        assert read(Answer(200, {"error_code": code})).code == "?"


class TestLists:
    def test_a_page_gives_its_logins_and_the_number_of_pages(self):
        items = [
            {"credentials_token": f" {LOGIN_ID} ", "bank": "x", "status": "ok"},
            {"credentials_token": "a b", "status": None},
            {"credentials_token": 5},
            "x",
        ]

        logins, pages = listed({"items": items, "page": 1, "pages": 3})

        assert [login["login_id"] for login in logins] == [LOGIN_ID, "", "", ""]
        assert [login["state"] for login in logins] == ["ok", "", "", ""]
        assert pages == 3

    @pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": "x"}], ids=repr)
    def test_what_is_no_list_is_none(self, body):
        assert listed(body) is None


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(body=JSON, http=st.sampled_from([200, 202, 400, 401, 500]))
def test_no_body_can_raise(body, http):
    answer = read(Answer(http, body))
    told = read_status(body)
    listed(body)
    bank_data(shell(as_of=None, missing={}), {"account": body}, PRODUCTS)

    assert isinstance(answer.code, str)
    if told:
        json.dumps(signs.of(told, PRODUCTS).message)


class TestAccounts:
    def test_every_kind_becomes_rows_with_the_last_four_digits_alone(self):
        pieces = {name: data(name).body for name in reversed(PRODUCTS)}

        found = bank_data(shell(as_of=TONIGHT_AT, missing={}), pieces, PRODUCTS)

        assert [account.title for account in found.accounts] == list(PRODUCTS)
        assert {account.last_four for account in found.accounts} == {"6789"}
        assert {account.currency for account in found.accounts} == {"EUR"}
        assert found.accounts[1].kind == "Portfolio"
        assert found.accounts[0].balance_current == "1234.5"
        assert found.payload == {"products": pieces, "missing": {}}
        assert found.as_of == TONIGHT_AT

    def test_a_masked_card_shows_its_last_four_and_no_more(self):
        card = {"name": "Visa 4929 1234 5678 9012", "cardNumber": "**** **** **** 9012"}

        (account,) = bank_data(shell(as_of=None, missing={}), {"card": [card]}, PRODUCTS).accounts

        assert account.last_four == "9012"
        assert "1234" not in account.title
        assert account.balance_current is None

    def test_null_fields_stay_null(self):
        names = ("iban", "alias", "balance", "currency", "type", "owners")
        pieces = {"account": [dict.fromkeys(names)]}

        found = bank_data(shell(as_of=None, missing={}), pieces, PRODUCTS)

        assert found.accounts[0].balance_current is None
        assert found.accounts[0].title == ""
        assert found.payload["products"]["account"] == pieces["account"]
