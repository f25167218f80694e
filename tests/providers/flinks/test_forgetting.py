"""Deleting a login at Flinks: waits while it is busy, and knows when it was done before."""

import pytest

from refreshops.providers.contract import Answer, Pacing
from refreshops.providers.flinks.conversations import Forget
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import LOGIN_ID, NETWORK, POLICY, Play, refused

UNKNOWN = refused("INVALID_LOGIN", status=400, message="The LoginId does not belong to you")


def forget():
    return Forget(policy=POLICY)


@pytest.mark.parametrize(
    "body",
    [
        {"StatusCode": 200, "Message": "Card deleted"},
        {"HttpStatusCode": 200},
        "Login deleted",
        {},
    ],
)
def test_it_deletes(body):
    play = Play(forget()).hear(Answer(200, body))

    assert play.asked[0].method == "DELETE"
    assert play.asked[0].path == f"BankingServices/DeleteCard/{LOGIN_ID}"
    assert play.asked[0].pacing is Pacing.USE
    assert play.end.outcome is Outcome.FRESH
    assert play.end.nightly is False


def test_it_waits_twice_while_the_login_is_in_use():
    play = Play(forget()).hear(*[refused("CARD_IN_USE", status=400)] * 3)

    assert play.pauses == [300, 300]
    assert (play.end.outcome, play.end.reason) == (Outcome.THROTTLED, Reason.BUSY)
    assert play.end.nightly is None


@pytest.mark.parametrize("heard", [UNKNOWN, Answer(200, "Invalid LoginId")])
def test_an_unknown_login_is_gone(heard):
    play = Play(forget()).hear(heard)

    assert (play.end.outcome, play.end.reason) == (Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN)


@pytest.mark.parametrize("heard", [UNKNOWN, Answer(200, "Invalid LoginId")])
def test_an_unknown_login_after_a_silence_is_deleted(heard):
    play = Play(forget()).hear(NETWORK, heard)

    assert play.end.outcome is Outcome.FRESH
    assert play.end.nightly is False


def test_silence_alone_claims_nothing():
    play = Play(forget()).hear(NETWORK, NETWORK, NETWORK)

    assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.NETWORK)
    assert play.end.nightly is None
