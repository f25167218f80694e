"""Retry failed only: exactly the logins that may get better by asking again, whatever happened."""

import random
from datetime import timedelta

import pytest

from refreshops.routine import services
from refreshops.routine.models import Attempt, Run
from refreshops.routine.retrying import logins_to_retry, retry_plan
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from tests.builders import NOON, make_login, make_provider
from tests.routine.conftest import WINDOW

pytestmark = pytest.mark.django_db

# Written out: the table must not agree with itself alone.
NEVER = {Outcome.FRESH, Outcome.USER_ACTION, Outcome.LOGIN_GONE, Outcome.PENDING}


def make_run(purpose=Purpose.REFRESH, **fields):
    defaults = {"origin": "person", "local_date": NOON.date(), "opened_at": NOON}
    return Run.objects.create(
        provider=make_provider(), purpose=purpose.value, **(defaults | fields)
    )


def ended(run, login, outcome, *, minutes=0):
    return Attempt.objects.create(
        run=run,
        login=login,
        purpose=run.purpose,
        state="done",
        outcome=outcome.value,
        not_before=NOON,
        finished_at=NOON + timedelta(minutes=minutes),
    )


@pytest.mark.parametrize("seed", range(20))
def test_random_runs_are_retried_to_the_login(seed):
    chance = random.Random(seed)
    run, expected = make_run(), set()
    for _ in range(chance.randint(1, 25)):
        outcome, login = chance.choice(list(Outcome)), make_login()
        ended(run, login, outcome)
        if outcome not in NEVER:
            expected.add(login.pk)
    for state in ("due", "cancelled"):
        Attempt.objects.create(
            run=run, login=make_login(), purpose=run.purpose, state=state, not_before=NOON
        )

    if not expected:
        with pytest.raises(services.NothingToDo):
            retry(run)
        return
    opened = retry(run)

    assert set(opened.run.attempts.values_list("login_id", flat=True)) == expected
    assert opened.run.retry_of == run


def retry(run):
    return services.retry_failed(run, by=None, now=NOON, local_date=NOON.date(), window=WINDOW)


@pytest.mark.parametrize("later", list(Outcome), ids=lambda outcome: outcome.value)
@pytest.mark.parametrize("purpose", [Purpose.REFRESH, Purpose.LIVE_REFRESH, Purpose.RECONNECT])
def test_what_a_later_answer_has_settled_is_not_asked_again(later, purpose):
    run, login = make_run(), make_login()
    ended(run, login, Outcome.INSTITUTION_UNAVAILABLE)

    ended(make_run(purpose), login, later, minutes=5)

    assert logins_to_retry(run, now=NOON).exists() is (later not in NEVER)
    assert retry_plan(run, Attempt.objects.all(), now=NOON).answered_since == (later in NEVER)


def test_an_earlier_answer_and_another_purpose_settle_nothing():
    run, login = make_run(), make_login()
    ended(make_run(), login, Outcome.USER_ACTION, minutes=-5)
    ended(make_run(Purpose.CHECK_SCHEDULE), login, Outcome.FRESH, minutes=5)

    ended(run, login, Outcome.STALE)

    assert list(logins_to_retry(run, now=NOON)) == [login]


def test_a_login_switched_meanwhile_is_left_out():
    run, login = make_run(), make_login(status="inactive")
    ended(run, login, Outcome.STALE)

    plan = retry_plan(run, Attempt.objects.all(), now=NOON)

    assert not logins_to_retry(run, now=NOON).exists()
    assert (plan.switched_since, plan.again.total()) == (1, 0)


def test_the_plan_counts_what_the_retry_takes():
    run = make_run()
    for outcome in Outcome:
        ended(run, make_login(), outcome)

    plan = retry_plan(run, Attempt.objects.all(), now=NOON)

    assert plan.again.total() == logins_to_retry(run, now=NOON).count() == len(Outcome) - len(NEVER)
    assert {Outcome(name) for name in plan.left_out} == NEVER
