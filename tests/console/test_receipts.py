"""A switch order's receipt: no step is shown as done without its evidence."""

import pytest

from refreshops.console.receipts import DONE, FAILED, OPEN, WAITING, last_receipt
from tests.console.conftest import make_attempt, make_call, make_run

YES = {"method": "PATCH", "endpoint": "SetScheduledRefresh", "http_status_code": 200}
NO = {**YES, "http_status_code": 401, "provider_code": "ACCESS_DENIED"}
SILENT = {**YES, "http_status_code": None, "state": "no_answer", "error": "out of time"}
READ_BACK = {"http_status_code": 200}


def receipt(register, people, calls, **attempt):
    run = make_run(purpose="switch_off", opened_by=people["ops"], reason="Left", planned=1)
    made = make_attempt(run, register.own, **attempt)
    for call in calls:
        make_call(register.own, run, attempt_id=made.pk, **call)
    found = last_receipt(register.own)
    assert found is not None
    return [line.state for line in found.lines], found.lines


@pytest.mark.parametrize(
    ("calls", "attempt", "states"),
    [
        pytest.param([], {}, [DONE, WAITING, WAITING], id="just-ordered"),
        pytest.param([YES], {}, [DONE, DONE, WAITING], id="accepted-not-read-back-yet"),
        pytest.param(
            [YES, READ_BACK],
            {"outcome": "fresh", "verified": True},
            [DONE, DONE, DONE],
            id="verified",
        ),
        pytest.param(
            [YES, READ_BACK],
            {"outcome": "fresh", "outcome_reason": "unconfirmed"},
            [DONE, DONE, OPEN],
            id="accepted-but-the-flag-was-hidden",
        ),
        pytest.param(
            [SILENT], {"waits_for": "out of time"}, [DONE, WAITING, WAITING], id="timed-out-retried"
        ),
        pytest.param(
            [SILENT],
            {"outcome": "provider_fault", "outcome_reason": "unconfirmed"},
            [DONE, FAILED, FAILED],
            id="never-confirmed",
        ),
        pytest.param(
            [SILENT, READ_BACK],
            {"outcome": "fresh", "verified": True},
            [DONE, OPEN, DONE],
            id="answer-lost-but-the-flag-agrees",
        ),
        pytest.param(
            [NO],
            {"outcome": "our_config", "outcome_reason": "refused"},
            [DONE, FAILED, FAILED],
            id="refused",
        ),
        pytest.param(
            [YES, READ_BACK],
            {"outcome": "provider_fault", "outcome_reason": "unconfirmed"},
            [DONE, OPEN, FAILED],
            id="said-yes-but-the-flag-disagrees",
        ),
        pytest.param([], {"state": "cancelled"}, [DONE, FAILED, FAILED], id="called-off"),
    ],
)
def test_a_receipt(register, people, calls, attempt, states):
    found, _ = receipt(register, people, calls, **attempt)

    assert found == states


def test_it_says_who_when_and_why(register, people):
    _, lines = receipt(register, people, [])

    assert (lines[0].title, lines[0].words) == ("Ordered by ops", "Left")
    assert lines[0].at is not None


def test_an_unconfirmed_order_says_when_the_next_try_is(register, people):
    _, lines = receipt(register, people, [SILENT], waits_for="out of time")

    assert lines[2].title == "Unconfirmed, next try"
    assert lines[2].at is not None


def test_the_steps_link_to_their_calls(signed_in, register, people):
    from tests.console.conftest import page_of

    _, lines = receipt(register, people, [YES, READ_BACK], outcome="fresh", verified=True)

    page = signed_in("manager").get(page_of(register.own)).content.decode()

    assert f"call {lines[1].call.pk}" in page
    assert f"call {lines[2].call.pk}" in page


def test_a_login_never_switched_has_none(register):
    assert last_receipt(register.own) is None
