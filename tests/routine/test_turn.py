"""Whose turn it is: the order of the waiting, and what keeps everybody waiting."""

from datetime import timedelta

import pytest
from django.db import transaction

from refreshops.logins.models import Login, Provider
from refreshops.routine import turn
from refreshops.routine.models import RANK_PERSON, Attempt, Run, Slot
from tests.builders import NOON, make_login, make_logins

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(make_desk, open_today) -> list[Attempt]:
    """Three logins of today's run, in the order of their turns, and free slots."""
    make_logins(3)
    open_today()
    make_desk(limit=3)
    return list(Attempt.objects.order_by("not_before", "id"))


def next_login_at(moment=NOON):
    found = turn.next_due(provider_id=Provider.objects.get().pk, now=moment)
    return None if found is None else found.pk


def change(attempt: Attempt, **fields) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(**fields)


def test_who_waits_longest_comes_first_with_its_login(waiting):
    change(waiting[2], not_before=NOON - timedelta(seconds=1))

    found = turn.next_due(provider_id=Provider.objects.get().pk, now=NOON)

    with_login = Attempt.objects.select_related("login").get(pk=waiting[2].pk)
    assert found == with_login
    assert vars(found.login).keys() == vars(with_login.login).keys()
    assert (found.login.login_id, found.conversation, found.not_before) == (
        with_login.login.login_id,
        {},
        NOON - timedelta(seconds=1),
    )


def test_a_persons_order_goes_before_the_daily_run(waiting):
    change(waiting[1], rank=RANK_PERSON)

    assert next_login_at() == waiting[1].pk


def test_a_poll_goes_before_everything_that_needs_a_slot(waiting):
    change(waiting[1], rank=RANK_PERSON)
    change(waiting[2], paced=False)

    assert next_login_at() == waiting[2].pk


def test_nothing_is_due_before_its_time(waiting):
    Attempt.objects.update(not_before=NOON + timedelta(microseconds=1))

    assert next_login_at() is None
    assert next_login_at(NOON + timedelta(microseconds=1)) == waiting[0].pk


def test_without_a_free_slot_only_a_poll_is_due(waiting):
    Slot.objects.update(free_at=NOON + timedelta(seconds=1))

    assert next_login_at() is None
    change(waiting[2], paced=False)
    assert next_login_at() == waiting[2].pk


def test_a_login_that_somebody_speaks_for_is_passed_over(waiting):
    spoken_for = Attempt.objects.get(pk=waiting[0].pk)
    other = Run.objects.create(
        provider=spoken_for.run.provider,
        purpose="check_schedule",
        origin="person",
        local_date=NOON.date(),
        opened_at=NOON,
    )
    Attempt.objects.create(
        run=other,
        login=spoken_for.login,
        purpose="check_schedule",
        not_before=NOON,
        state="calling",
        lease_until=NOON,
    )

    assert next_login_at() == waiting[1].pk


def test_the_call_about_the_provider_as_a_whole_has_no_login(waiting):
    run = Run.objects.get()
    opening = Attempt.objects.create(run=run, purpose="refresh", not_before=NOON, rank=0)

    found = turn.next_due(provider_id=run.provider_id, now=NOON)

    assert (found.pk, found.login) == (opening.pk, None)


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        pytest.param(Run, {"state": "paused"}, id="the-run-is-paused"),
        pytest.param(Run, {"state": "cancelled", "closed_at": NOON}, id="the-run-is-cancelled"),
        pytest.param(
            Provider, {"paused_at": NOON, "paused_reason": "x"}, id="the-provider-is-paused"
        ),
    ],
)
def test_nobodys_turn_comes_while(waiting, rows, fields):
    assert next_login_at() is not None

    rows.objects.update(**fields)

    assert next_login_at() is None


def test_another_providers_attempts_are_left_to_it(waiting):
    elsewhere = Provider.objects.create(name="flanks")
    make_login(provider=elsewhere)

    assert turn.next_due(provider_id=elsewhere.pk, now=NOON) is None


def test_an_attempts_standing_is_that_of_its_run_provider_and_login(waiting):
    attempt = waiting[0]

    assert turn.standing(attempt.pk) == turn.Standing("open", False, "active")
    Run.objects.update(state="paused")
    Provider.objects.update(paused_at=NOON, paused_reason="x")
    Login.objects.update(status="inactive")
    assert turn.standing(attempt.pk) == turn.Standing("paused", True, "inactive")


@pytest.mark.parametrize(
    ("known", "than", "newer"),
    [
        pytest.param(None, None, False, id="never-refreshed"),
        pytest.param(None, NOON, False, id="the-first-refresh"),
        pytest.param(NOON, None, True, id="an-answer-that-says-nothing"),
        pytest.param(NOON, NOON, False, id="the-same"),
        pytest.param(NOON, NOON + timedelta(seconds=1), False, id="an-older-one-is-known"),
        pytest.param(NOON, NOON - timedelta(microseconds=1), True, id="a-newer-one-is-known"),
    ],
)
def test_whoever_holds_a_login_knows_whether_a_newer_refresh_is_known(known, than, newer):
    login = make_login(last_refresh_at=known)

    with transaction.atomic():
        assert turn.hold_login_and_compare(login.pk, than=than) is newer


def test_a_login_that_has_gone_knows_of_no_refresh(waiting):
    gone = Login.objects.order_by("pk").last().pk + 1

    with transaction.atomic():
        assert turn.hold_login_and_compare(gone, than=None) is False
