"""Ten outcomes, each with words for people and a rule for the next time."""

import re

import pytest

from refreshops.rules.outcomes import MEANING_OF, OUTCOME_TABLE, Actor, Outcome, Retry


def test_every_outcome_has_exactly_one_row():
    assert [row.outcome for row in OUTCOME_TABLE] == list(Outcome)
    assert set(MEANING_OF) == set(Outcome)


@pytest.mark.parametrize("row", OUTCOME_TABLE, ids=lambda row: row.outcome)
class TestEachRow:
    def test_it_speaks_to_people(self, row):
        assert 1 <= len(row.label.split()) <= 3
        assert re.fullmatch(r"[A-Z].*\.", row.meaning)
        assert re.fullmatch(r"[A-Z].*\.", row.next_step)

    def test_what_awaits_a_person_is_somebodys_move(self, row):
        assert not row.awaits_person or row.actor is not Actor.NOBODY

    def test_nothing_is_both_never_asked_again_and_nobodys_move(self, row):
        assert row.retry is not Retry.NEVER or row.actor is not Actor.NOBODY


def test_wrong_credentials_are_never_repeated():
    row = MEANING_OF[Outcome.USER_ACTION]

    assert row.retry is Retry.NEVER
    assert not row.retryable_by_order


def test_only_fresh_is_nothing_to_do():
    done = [row.outcome for row in OUTCOME_TABLE if row.next_step == "Nothing to do."]

    assert done == [Outcome.FRESH]
