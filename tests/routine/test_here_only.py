"""What an order teaches where its provider has no such switch: what we do, and nothing of there."""

from datetime import timedelta

import pytest
from django.db.models import Q

from refreshops.logins import leaks
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.providers.contract import Done, Result
from refreshops.routine import erasing
from refreshops.routine.models import Attempt, Slot
from refreshops.routine.services import switch
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.models import Call
from tests.builders import ScriptedConversation, ScriptedProvider, make_login, make_logins
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

SAID = "It has no switch: we stopped asking."


class Switchless(ScriptedConversation):
    def begin(self, subject):
        return Done(Result(Outcome.FRESH, DataState.NONE, reason=Reason.HERE_ONLY, message=SAID))


class WithoutSwitch(ScriptedProvider):
    """A provider that nobody can tell to leave a login alone."""

    def conversation(self, purpose, policy):
        switches = purpose in (Purpose.SWITCH_OFF, Purpose.SWITCH_ON)
        return Switchless() if switches else super().conversation(purpose, policy)


@pytest.fixture
def turn(clock, make_desk):
    """Order all logins on or off, and work until nothing waits; return the provider."""

    def make(*, on=False):
        provider = WithoutSwitch()
        switch(
            logins=Login.objects.all(),
            on=on,
            by=None,
            reason="Left us",
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
        )
        drain(make_desk(provider))
        return provider

    return make


@pytest.mark.parametrize("nightly", [Nightly.ON, Nightly.UNKNOWN, Nightly.OFF])
def test_a_switch_off_leaves_as_it_was_what_the_provider_last_said(turn, clock, nightly):
    seen_at = clock() - timedelta(days=1)
    login = make_login(nightly=nightly, nightly_seen_at=seen_at, nightly_verified_at=seen_at)

    turn()

    login.refresh_from_db()
    assert (login.status, login.nightly) == (LoginStatus.INACTIVE, nightly)
    assert login.nightly_seen_at == seen_at
    assert login.nightly_verified_at is None


def test_what_the_provider_goes_on_with_stays_a_leak(turn):
    make_login(nightly=Nightly.ON)

    turn()

    assert leaks.leaking(Login.objects.all(), leaks.OFF_HERE_ON_THERE).count() == 1


def test_nobody_is_asked_and_no_place_in_the_window_is_taken(turn):
    make_logins(30)

    provider = turn()

    assert provider.asked == []
    assert not Call.objects.exists()
    assert not Slot.objects.filter(Q(free_at__gt=Attempt.objects.first().finished_at)).exists()
    ended = Attempt.objects.values_list("outcome", "outcome_reason", "verified", "message")
    assert set(ended) == {("fresh", "here_only", False, SAID)}


def test_a_login_gone_there_is_not_back_because_we_stopped_asking(turn, clock):
    login = make_login(gone_at=clock())

    turn()

    login.refresh_from_db()
    assert login.gone_at == clock()


def test_switching_on_again_claims_nothing_of_there_either(turn):
    login = make_login(status=LoginStatus.INACTIVE, nightly=Nightly.UNKNOWN)

    turn(on=True)

    login.refresh_from_db()
    assert (login.status, login.nightly) == (LoginStatus.ACTIVE, Nightly.UNKNOWN)


def test_such_an_end_is_no_proof_that_the_provider_knows_any_login(turn, clock):
    """Else a wrong id would erase what a provider has never been asked about."""
    login, other = make_logins(2)
    turn()

    attempt = Attempt.objects.get(login=login)

    assert not erasing._knows_us(attempt, login, now=clock())
    Attempt.objects.filter(login=other).update(outcome_reason="")
    assert erasing._knows_us(attempt, login, now=clock())
