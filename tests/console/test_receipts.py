"""A receipt in the browser: on the login's page, and as documents for the billing department."""

from refreshops.console.receipts import last_receipt
from tests.console.conftest import make_attempt, make_call, make_run, page_of

YES = {"method": "PATCH", "endpoint": "SetScheduledRefresh", "http_status_code": 200}
READ_BACK = {"http_status_code": 200}


def make_order(login, *calls, run=None, **attempt):
    """Return an attempt of a switch-off with its calls."""
    run = run or make_run(purpose="switch_off", reason="Left", planned=1)
    made = make_attempt(run, login, **attempt)
    for call in calls:
        make_call(login, run, attempt_id=made.pk, **call)
    return made


def test_the_steps_link_to_their_calls(signed_in, register):
    make_order(register.own, YES, READ_BACK, outcome="fresh", verified=True)
    receipt = last_receipt(register.own)

    page = signed_in("manager").get(page_of(register.own)).content.decode()

    assert "Receipt: switch off" in page
    assert f"call {receipt.accepted.call.pk}" in page
    assert f"call {receipt.verified.call.pk}" in page


def test_a_login_never_switched_has_none(register):
    assert last_receipt(register.own) is None
