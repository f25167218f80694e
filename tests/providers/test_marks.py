"""Marks of hidden values: equal ones can be told equal, and nothing else can be learned."""

import random
import re
from collections import Counter

import pytest

from refreshops.providers.contract import Answer
from refreshops.providers.flinks import calls
from refreshops.providers.flinks.persons import without_values
from refreshops.providers.marks import PLAIN, Marker, renewed
from refreshops.providers.redaction import Scrubber
from tests.providers.flinks.spoken import LOGIN_ID, login, refused
from tests.providers.flinks.test_client import SECRET, flinks

MARKER = Marker(b"a key of this installation")
CLEAN = Scrubber(secrets=["sk-canary-key"], marker=MARKER)
CARD = "4520 1234 5678 9012"
USERNAME = "canary.username.48213"
HOLDER = "Canary Q. Holdername"
MARK = re.compile(r"\[(?:hidden|number|e-mail):([a-p]{8})\]")


def marks(text):
    return MARK.findall(text)


def cleaned(text):
    return without_values(CLEAN(text), marker=MARKER)


class TestEqualValues:
    @pytest.mark.parametrize(
        "texts",
        [
            pytest.param([f"Card {CARD}", f"no. {CARD.replace(' ', '-')}."], id="card"),
            pytest.param([f"user '{USERNAME}'", f"The user {USERNAME}, again"], id="username"),
            pytest.param([f"username={USERNAME}", f"is {USERNAME.upper()} ok"], id="field-or-word"),
            pytest.param([f"Holder {HOLDER}", f'holder "{HOLDER}"'], id="holder"),
            pytest.param(["Bearer abc.def-77x", 'token: "abc.def-77x"'], id="token"),
            pytest.param(["mail Jane@Bank.example", "jane@bank.example?"], id="e-mail"),
        ],
    )
    def test_carry_equal_letters_wherever_and_however_they_stood(self, texts):
        found = [marks(cleaned(text)) for text in texts]

        assert found[0] == found[1]
        assert len(found[0]) == 1

    def test_different_values_carry_different_letters(self):
        numbers = [str(4520123456789012 + step) for step in range(300)]

        assert len({MARKER(number) for number in numbers}) == 300

    def test_what_the_answer_says_of_its_people_carries_the_letters_of_the_same_words(self):
        client = flinks(marker=MARKER)
        named = refused("INVALID_LOGIN", message=f"no {USERNAME}", Login={"Username": USERNAME})
        quoted = refused("INVALID_LOGIN", message=f"user '{USERNAME}'")
        call = calls.authorize_cached(LOGIN_ID)

        found = [marks(client.envelope(call, answer).message) for answer in (named, quoted)]

        assert found[0] == found[1] == marks(MARKER(USERNAME))

    def test_another_key_gives_other_letters(self):
        assert Marker(b"another key")(CARD) != MARKER(CARD)


class TestWhatIsLeftPlain:
    def test_without_a_key_all_marks_are_alike(self):
        assert PLAIN(CARD) == PLAIN(USERNAME) == "[hidden]"

    def test_our_own_keys_carry_no_letters(self):
        assert CLEAN("no sk-canary-key here") == "no [hidden] here"

    def test_nor_do_codes_which_are_counted_and_grouped_by(self):
        answer = Answer(401, {"FlinksCode": USERNAME, "Login": login() | {"Username": USERNAME}})

        envelope = flinks(marker=MARKER).envelope(calls.authorize_cached(LOGIN_ID), answer)

        assert envelope.provider_code == "[hidden]"

    def test_our_own_keys_in_an_answer_are_hidden_before_it_is_read(self):
        answer = refused("INVALID_LOGIN", message=f"key {SECRET}")

        envelope = flinks(marker=MARKER).envelope(calls.authorize_cached(LOGIN_ID), answer)

        assert envelope.message == "key [hidden]"


def test_cleaning_again_changes_nothing():
    chance = random.Random(20)
    words = [CARD, USERNAME, f"holder {HOLDER}", "'jane doe'", "a@b.example", "Bearer xyz123", "is"]
    words += ["password: hunter22", "account 12345", '{"a": 1}', "sk-canary-key", "user", "(", "."]
    for _ in range(500):
        text = " ".join(chance.sample(words, 4))
        once = cleaned(text)

        assert cleaned(once) == once, text


class TestRenewed:
    def test_equal_marks_stay_equal_and_two_readers_cannot_compare(self):
        text = cleaned(f"user {USERNAME}, card {CARD}, user {USERNAME}")

        found = [renewed(text, marker=Marker(salt), counted=Counter()) for salt in (b"1", b"2")]

        first, second = marks(found[0]), marks(found[1])
        assert first[0] == first[2] != first[1]
        assert not set(first + second) & set(marks(text))
        assert not set(first) & set(second)

    def test_it_counts_what_it_finds(self):
        counted = Counter()

        renewed(
            cleaned(f"user {USERNAME}, sk-canary-key, card {CARD}"), marker=MARKER, counted=counted
        )

        assert counted == {"[hidden]": 2, "[number]": 1}

    @pytest.mark.parametrize("end", ["", "…"])
    @pytest.mark.parametrize("length", range(8))
    def test_the_letters_of_a_mark_that_was_cut_off_go(self, length, end):
        text = f"no [hidden:{'abcdefgh'[:length]}{end}"

        assert renewed(text, marker=MARKER, counted=Counter()) == f"no [hidden]{end}"

    def test_a_mark_cut_off_behind_its_letters_loses_them_too(self):
        assert renewed("[number:abcdefgh", marker=MARKER, counted=Counter()) == "[number]"
