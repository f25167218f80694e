"""What may be kept: listed fields and cleaned text. Random trees must not leak."""

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refreshops.providers.redaction import HIDDEN, KEEP, Scrubber, keep, scrub

GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
CANARY = "cAnary-7f3a/+é"
ALLOWED = {
    "RequestId": KEEP,
    "Message": KEEP,
    "Login": {"Id": KEEP, "LastRefresh": KEEP},
    "Links": {"rel": KEEP},
}

UNLISTED = [
    "password",
    "Password",
    "Authorization",
    "flinks-auth-key",
    "SecurityResponses",
    "token",
    "Username",
    "AccountNumber",
    "Holder",
    "LoginIdentity",
    "Messages",
    "",
    "Accounts",
]
HARMLESS = [None, True, False, 0, 7, "ok", "CIBC"]
HARMFUL = [
    CANARY,
    json.dumps({"Password": CANARY}),
    [CANARY, {"Token": CANARY}],
    {"Message": CANARY, "nested": [{"RequestId": CANARY}]},
]


def grown(chance, depth=0):
    """Grow a random tree under unlisted names, with canaries on many of its leaves."""
    kind = chance.random() if depth < 4 else 1.0
    if kind < 0.3:
        return [grown(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind < 0.6:
        names = chance.sample(UNLISTED, chance.randrange(5))
        return {name: grown(chance, depth + 1) for name in names}
    return chance.choice(HARMFUL if chance.random() < 0.6 else HARMLESS)


def listed_fields(chance):
    """Return some of the listed fields with good values, canaries beside them."""
    fields = {
        "RequestId": GUID,
        "mESSAGE": "Your operation is still processing.",
        "Login": {"Id": GUID, "LastRefresh": "2018-10-23T05:36:07.6121953", "Holder": CANARY},
        "Links": [{"rel": "A", "x": grown(chance)} for _ in range(chance.randrange(3))],
    }
    return {name: value for name, value in fields.items() if chance.random() < 0.7}


class TestKeep:
    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(seed=st.integers(0, 2**32))
    def test_ten_thousand_random_trees_leak_nothing_and_lose_nothing(self, seed):
        chance = random.Random(seed)
        for _ in range(100):
            listed = listed_fields(chance)
            unlisted = {name: grown(chance) for name in chance.sample(UNLISTED, 3)}

            kept = keep(unlisted | listed, allowed=ALLOWED)

            assert "anary" not in repr(kept)
            assert kept == only_listed(listed)

    @pytest.mark.parametrize("body", [None, [], [{"Message": "x"}], "x", 1, True])
    def test_only_an_object_has_fields(self, body):
        assert keep(body, allowed=ALLOWED) == {}

    def test_names_match_in_any_case_and_keep_their_own(self):
        assert keep({"requestID": GUID}, allowed=ALLOWED) == {"requestID": GUID}

    @pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], '{"a": 1}', ' ["a"]'])
    def test_a_listed_scalar_is_no_way_in_for_objects(self, value):
        assert keep({"Message": value}, allowed=ALLOWED) in ({}, {"Message": []})

    @pytest.mark.parametrize("value", ["x", 1, None, True])
    def test_a_listed_object_is_no_way_in_for_scalars(self, value):
        assert keep({"Login": value}, allowed=ALLOWED) == {}

    @pytest.mark.parametrize(
        "value", [float("inf"), float("-inf"), float("nan"), 10**5, -(10**999), 4e15]
    )
    def test_a_number_too_long_to_be_harmless_is_dropped(self, value):
        assert keep({"Message": value}, allowed=ALLOWED) == {}
        assert keep({"Message": [value, 7]}, allowed=ALLOWED) == {"Message": [7]}

    @pytest.mark.parametrize("shell", [("[", "]"), ('{"Login":', "}"), ('{"Links":[', "]}")])
    def test_however_deep_a_value_is_keeping_goes_no_deeper_than_the_rules(self, shell):
        deep = json.loads(shell[0] * 300 + '{"Id": "x"}' + shell[1] * 300)

        kept = keep({"Login": deep, "Links": deep, "Message": deep}, allowed=ALLOWED)

        assert "x" not in repr(kept)

    def test_the_first_items_of_a_list_are_kept(self):
        links = [{"rel": str(number)} for number in range(5000)]

        kept = keep({"Links": links, "Message": list(range(5000))}, allowed=ALLOWED)

        assert kept == {"Links": links[:20], "Message": list(range(20))}

    def test_a_text_is_cut_whoever_cleans_it(self):
        assert keep({"Message": "x" * 9999}, allowed=ALLOWED, clean=str) == {"Message": "x" * 500}

    def test_a_name_in_many_spellings_is_kept_once(self):
        assert keep({"MESSAGE": "a", "message": "b"}, allowed=ALLOWED) == {"MESSAGE": "a"}

    def test_what_would_make_the_whole_too_large_is_left_out(self):
        rels = [{"rel": ["x " * 200] * 20}] * 20

        kept = keep({"Links": rels, "RequestId": GUID}, allowed=ALLOWED)

        assert kept == {"RequestId": GUID}

    def test_texts_are_cleaned(self):
        clean = Scrubber(secrets=[CANARY])

        kept = keep({"Message": f"no {CANARY} 4520123456789012"}, allowed=ALLOWED, clean=clean)

        assert kept == {"Message": "no [hidden] [number]"}


def only_listed(listed):
    """Say independently what must remain."""
    kept = {name: listed[name] for name in ("RequestId", "mESSAGE") if name in listed}
    if "Login" in listed:
        kept["Login"] = {name: listed["Login"][name] for name in ("Id", "LastRefresh")}
    if "Links" in listed:
        kept["Links"] = [{"rel": link["rel"]} for link in listed["Links"]]
    return kept


class TestScrub:
    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            pytest.param("card 4520123456789012 ok", "card [number] ok", id="card"),
            pytest.param("card 4520 1234 5678 9012.", "card [number].", id="spaced-card"),
            pytest.param("card 4520/1234/5678/9012.", "card [number].", id="slashed-card"),
            pytest.param("card 4520_1234_5678_9012", "card [number]", id="underlined-card"),
            pytest.param("4520, 1234, 5678, 9012 no", "[number] no", id="listed-card"),
            pytest.param("4520 - 1234 - 5678 - 9012", "[number]", id="widely-spaced-card"),
            pytest.param("3782/822463/10005", "[number]", id="other-card"),
            pytest.param("from 2025/2026 on", "from 2025/2026 on", id="two-years"),
            pytest.param("no 00421-003-1234567", "no [number]", id="dashed-account"),
            pytest.param("123456", "[number]", id="six-digits"),
            pytest.param("12345", "12345", id="five-digits"),
            pytest.param("a123456b", "a[number]b", id="digits-in-a-word"),
            pytest.param(f"LoginId {GUID} ok", f"LoginId {GUID} ok", id="guid"),
            pytest.param("at 2018-10-23T05:36:07.6121953", "at 2018-10-23T05:36:07.6121953"),
            pytest.param("on 2025-08-05", "on 2025-08-05", id="date"),
            pytest.param("4321-08-05", "[number]", id="no-date"),
            pytest.param("mail jane.doe@example.com now", "mail [e-mail] now", id="e-mail"),
            pytest.param("Bearer xyz", "Bearer [hidden]", id="bearer"),
            pytest.param("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
            pytest.param("basic dXNlcjpwYXNz", "basic [hidden]", id="basic"),
            pytest.param("flinks-auth-key: abc, x", "flinks-auth-key: [hidden], x", id="header"),
            pytest.param('password="hunter2"', 'password=[hidden]"', id="password"),
            pytest.param("Username = jane", "Username = [hidden]", id="username"),
            pytest.param('bad: {"Password": "x"} end', "bad: [hidden]", id="json-inside"),
            pytest.param("You must provide a valid auth key", "You must provide a valid auth key"),
            pytest.param('"One or more" [sic]', '"One or more" [sic]', id="quotes"),
            pytest.param("a\r\nb\tc\x1b[31md", "a  b c[31md", id="control"),
            pytest.param("a\u202eb\u200bc\ufeffd", "abcd", id="bidi-and-invisible"),
            pytest.param("a\ud800b\x00c", "abc", id="surrogate-and-nul"),
            pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="markup"),
            pytest.param("Façade, déjà vu", "Façade, déjà vu", id="accents"),
            pytest.param("", "", id="empty"),
        ],
    )
    def test_it_cleans(self, text, cleaned):
        assert scrub(text) == cleaned

    @pytest.mark.parametrize(
        "text",
        [
            f"key {CANARY} end",
            f"key {CANARY.upper()} end",
            f"key {CANARY.lower()}",
            "key cAnary-7f3a%2F%2B%C3%A9 end",
            "key cAn\u200bary-7f3a/+é end",
        ],
        ids=["plain", "upper", "lower", "in-a-url", "split-by-invisible"],
    )
    def test_known_secrets_are_hidden(self, text):
        cleaned = scrub(text, secrets=[CANARY])

        assert HIDDEN in cleaned
        assert "7f3a" not in cleaned.lower()

    def test_the_longer_of_two_secrets_is_hidden_whole(self):
        assert scrub("abcd-efgh", secrets=["abcd", "abcd-efgh"]) == HIDDEN

    def test_empty_and_tiny_secrets_blank_nothing(self):
        assert scrub("a b c", secrets=["", "a"]) == "a b c"

    def test_it_cuts(self):
        assert scrub("word " * 1000) == ("word " * 1000)[:499] + "…"

    def test_a_secret_far_behind_the_cut_does_not_come_forward(self):
        text = "jane@example.com " * 3000 + CANARY

        assert "anary" not in scrub(text, secrets=[CANARY])

    @pytest.mark.parametrize(
        "text",
        ["a" * 2_000_000, "1" * 2_000_000, "a-" * 1_000_000, "@" * 2_000_000, "{" * 2_000_000],
        ids=["word", "digits", "dashes", "ats", "braces"],
    )
    def test_a_hostile_megabyte_costs_little(self, text):
        started = time.perf_counter()
        cleaned = scrub(text, secrets=[CANARY])

        assert len(cleaned) <= 500
        assert time.perf_counter() - started < 1.0

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(before=st.text(max_size=30), after=st.text(max_size=30))
    def test_a_secret_is_hidden_wherever_it_stands(self, before, after):
        assert CANARY not in scrub(before + CANARY + after, secrets=[CANARY])
