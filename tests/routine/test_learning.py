"""What an ended attempt teaches: the seven-day clock, who is gone, what a look proves."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Login, Provider, UnknownLogin
from refreshops.providers.contract import Result
from refreshops.routine import learning
from refreshops.routine.models import Attempt, Run
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from tests.builders import NOON, make_login, make_provider

pytestmark = pytest.mark.django_db

EARLIER = NOON - timedelta(days=3)
GONE = {"outcome": Outcome.LOGIN_GONE, "reason": Reason.UNKNOWN_LOGIN}


@pytest.fixture
def end(clock):
    """End one attempt of a purpose for a login (or for none) with a result."""

    def make(login, purpose=Purpose.REFRESH, *, outcome=Outcome.FRESH, run=None, **learned):
        run = run or Run.objects.create(
            provider=make_provider(),
            purpose=purpose.value,
            origin="person",
            local_date=NOON.date(),
            opened_at=clock(),
        )
        attempt = Attempt.objects.create(
            run=run,
            login=login,
            purpose=run.purpose,
            not_before=NOON,
            state="calling",
            lease_until=NOON,
        )
        result = Result(outcome, DataState.NONE, **learned)
        learning.finish(attempt, result, sealed=None, now=clock())
        if login is not None:
            login.refresh_from_db()
        return attempt

    return make


def test_the_seven_day_clock_is_set_by_who_learned_it_and_kept_by_who_did_not(end):
    login = make_login()
    friday = NOON + timedelta(days=6)

    end(login, drops_out_at=friday)
    end(login, outcome=Outcome.PROVIDER_FAULT, reason=Reason.NETWORK)

    assert login.drops_out_at == friday


@pytest.mark.parametrize("purpose", [Purpose.REFRESH, Purpose.SWITCH_OFF, Purpose.CHECK_SCHEDULE])
def test_a_login_the_provider_does_not_know_is_gone_since_it_said_so_first(end, clock, purpose):
    login = make_login()

    end(login, purpose, **GONE)
    clock.move(hours=1)
    end(login, purpose, **GONE)

    assert login.gone_at == NOON


@pytest.mark.parametrize(
    ("learned", "still_gone"),
    [
        pytest.param({"outcome": Outcome.FRESH}, False, id="fresh"),
        pytest.param({"outcome": Outcome.USER_ACTION}, False, id="the-customer-must-act"),
        pytest.param(
            {"outcome": Outcome.LOGIN_GONE, "reason": Reason.DISABLED}, False, id="disabled"
        ),
        pytest.param({"outcome": Outcome.UNKNOWN, "nightly": False}, False, id="its-flag-was-seen"),
        pytest.param({"outcome": Outcome.PROVIDER_FAULT}, True, id="provider-fault"),
        pytest.param({"outcome": Outcome.OUR_CONFIG}, True, id="our-own-fault"),
        pytest.param({"outcome": Outcome.THROTTLED}, True, id="throttled"),
    ],
)
def test_a_login_is_known_again_once_an_answer_speaks_of_it(end, learned, still_gone):
    login = make_login(gone_at=EARLIER)

    end(login, **learned)

    assert (login.gone_at is not None) is still_gone


@pytest.mark.parametrize(
    ("status", "verified_at", "seen", "expected"),
    [
        pytest.param("inactive", None, False, NOON, id="off-as-ordered-is-proof"),
        pytest.param("inactive", EARLIER, False, NOON, id="proof-is-renewed"),
        pytest.param("inactive", EARLIER, True, None, id="on-behind-our-back-disproves"),
        pytest.param("inactive", EARLIER, None, EARLIER, id="a-flag-not-seen-says-nothing"),
        pytest.param("active", EARLIER, False, None, id="off-behind-our-back-disproves"),
        pytest.param("active", None, True, None, id="on-was-never-ordered"),
        pytest.param("active", EARLIER, True, EARLIER, id="on-as-ordered-stays-verified"),
    ],
)
def test_a_look_at_the_schedule_proves_or_disproves(end, status, verified_at, seen, expected):
    login = make_login(status=status, nightly_verified_at=verified_at)

    end(login, Purpose.CHECK_SCHEDULE, nightly=seen)

    assert login.nightly_verified_at == expected


def test_a_login_switched_while_we_looked_is_judged_as_it_is_now(end):
    login = make_login(status="inactive")
    seen_by_the_worker = Login.objects.get(pk=login.pk)
    Login.objects.update(status="active")

    end(seen_by_the_worker, Purpose.CHECK_SCHEDULE, nightly=False)

    assert Login.objects.get().nightly_verified_at is None


def test_the_providers_report_is_noted_whatever_run_it_opens(end):
    stranger = "11111111-2222-4333-8444-555555555555"
    card = {"login_id": stranger, "state": "", "code": "", "last_refresh_at": None}

    end(None, Purpose.CHECK_SCHEDULE, report=[card])

    assert UnknownLogin.objects.get().login_id == stranger


def test_logins_known_to_be_gone_can_be_retired_without_suspicion(end, clock):
    logins = [make_login(gone_at=EARLIER, status="inactive") for _ in range(8)]
    run = end(logins[0], Purpose.SWITCH_OFF, **GONE).run

    for login in logins[1:]:
        end(login, run=run, **GONE)

    assert Provider.objects.get().paused_at is None
    assert {login.gone_at for login in logins} == {EARLIER}


def test_a_suspicion_of_our_own_keys_calls_nobody_gone(end):
    logins = [make_login() for _ in range(5)]
    run = end(logins[0], **GONE).run

    for login in logins[1:]:
        end(login, run=run, **GONE)

    assert Provider.objects.get().paused_kind == "suspect"
    assert not Login.objects.exclude(gone_at=None).exists()
