"""When the next waiting attempt may go on: what a driver and the heartbeat wait for."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Provider
from refreshops.routine import claims, models
from refreshops.routine.models import Attempt, Run
from tests.builders import NOON, make_login, make_logins, make_provider

pytestmark = pytest.mark.django_db


def earliest():
    return claims.earliest(provider_id=make_provider().pk)


def after(**span):
    return NOON + timedelta(**span)


def test_nothing_waits_when_there_is_nothing():
    assert earliest() is None


@pytest.mark.parametrize("paced", [True, False])
@pytest.mark.parametrize("rank", [models.RANK_PERSON, models.RANK_DAILY])
def test_the_earliest_counts_whatever_its_rank_and_pacing(open_today, rank, paced):
    first, *others = make_logins(3)
    open_today()
    Attempt.objects.filter(login__in=others).update(not_before=after(hours=2))
    Attempt.objects.filter(login=first).update(not_before=after(hours=1), rank=rank, paced=paced)

    assert earliest() == after(hours=1)


@pytest.mark.parametrize(
    "state",
    [{"state": "paused"}, {"state": "waiting"}, {"state": "cancelled", "closed_at": NOON}],
    ids=lambda fields: fields["state"],
)
def test_a_run_that_is_not_open_is_not_waited_for(open_today, state):
    make_login()
    run = open_today()

    Run.objects.filter(pk=run.pk).update(**state)

    assert earliest() is None


def test_a_paused_provider_is_not_waited_for(open_today):
    make_login()
    open_today()

    Provider.objects.update(paused_at=NOON, paused_reason="x")

    assert earliest() is None


def test_another_providers_attempts_are_left_to_it(open_today):
    make_login()
    open_today()

    assert claims.earliest(provider_id=Provider.objects.create(name="flanks").pk) is None


def test_it_takes_one_query(open_today, django_assert_num_queries):
    make_logins(5)
    provider_id = open_today().provider_id

    with django_assert_num_queries(1):
        claims.earliest(provider_id=provider_id)
