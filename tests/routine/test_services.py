"""Orders of people: switching with proof, pausing, cancelling, retrying what may be retried."""

import pytest

from refreshops.logins.models import Login, LoginStatus
from refreshops.routine import services
from refreshops.routine.models import Attempt, Run
from refreshops.rules.outcomes import Outcome
from tests.builders import make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def switch(clock):
    def make(on=False, reason="The customer left", logins=None):
        return services.switch(
            logins=Login.objects.all() if logins is None else logins,
            on=on,
            by=None,
            reason=reason,
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
        )

    return make


def test_a_switch_off_makes_logins_inactive_at_once_but_not_off_at_the_provider(switch):
    login = make_login(nightly="on")

    (opened,) = switch()

    login.refresh_from_db()
    assert (login.status, login.nightly) == ("inactive", "on")
    assert login.status_reason == "The customer left"
    assert (opened.run.purpose, opened.planned) == ("switch_off", 1)


def test_a_switch_off_needs_a_reason(switch):
    make_login()

    with pytest.raises(services.ReasonMissing):
        switch(reason="  ")
    assert Login.objects.get().status == LoginStatus.ACTIVE
    assert not Run.objects.exists()


def test_a_switch_off_calls_off_the_waiting_refresh(switch, open_today):
    make_login()
    run = open_today()

    switch()

    assert Attempt.objects.get(run=run).state == "cancelled"


def test_the_same_switch_twice_is_one_order(switch):
    make_logins(2)

    (opened,) = switch()
    with pytest.raises(services.AlreadyOrdered, match=f"in run {opened.run.pk} already") as held:
        switch(reason="Once more")

    assert held.value.runs == [opened.run.pk]
    assert Attempt.objects.filter(purpose="switch_off").count() == 2
    assert set(Login.objects.values_list("status_reason", flat=True)) == {"The customer left"}
    assert Run.objects.count() == 1


def test_a_filter_that_no_longer_fits_after_the_marking_still_orders_everything(switch):
    make_logins(3)

    (opened,) = switch(logins=Login.objects.filter(status=LoginStatus.ACTIVE))

    assert opened.planned == 3


def test_a_switch_on_takes_back_a_waiting_switch_off(switch):
    make_login()
    switch()

    switch(on=True)

    states = dict(Attempt.objects.values_list("purpose", "state"))
    assert states == {"switch_off": "cancelled", "switch_on": "due"}
    assert Login.objects.get().status == "active"


def test_pause_resume_and_cancel_say_why(open_today, clock):
    make_logins(2)
    run = open_today()

    services.pause_run(run, by="Ola", why="bank holiday", now=clock())
    paused = (run.state, run.state_reason)
    services.resume_run(run, by="Ola", now=clock())
    left = services.cancel_run(run, by="Ola", why="wrong day", now=clock())

    run.refresh_from_db()
    assert paused == ("paused", "Paused by Ola: bank holiday")
    assert (run.state, left, run.totals["cancelled"]) == ("cancelled", 2, 2)


def test_a_closed_run_cannot_be_paused(open_today, make_desk, clock):
    run = open_today()
    Run.objects.filter(pk=run.pk).update(state="closed", closed_at=clock())

    with pytest.raises(services.RunAlreadyClosed):
        services.pause_run(run, by="Ola", why="too late", now=clock())


def test_a_retry_takes_exactly_what_may_be_retried(open_today, clock):
    logins = {outcome: make_login(institution=outcome.value) for outcome in Outcome}
    run = open_today()
    for outcome, login in logins.items():
        Attempt.objects.filter(login=login).update(state="done", outcome=outcome.value)

    opened = services.retry_failed(
        run, by=None, now=clock(), local_date=clock().date(), window=WINDOW
    )

    again = set(opened.run.attempts.values_list("login__institution", flat=True))
    assert again == {
        "stale",
        "institution_unavailable",
        "throttled",
        "our_config",
        "provider_fault",
        "unknown",
    }
    assert (opened.run.origin, opened.run.retry_of) == ("retry", run)


def test_a_persons_pause_holds_until_a_person_resumes(make_desk, open_today, clock):
    make_logins(2)
    open_today()
    desk = make_desk()
    services.pause_provider(make_provider(), by=None, why="Flinks asked us to", now=clock())
    clock.move(days=1)

    assert drain(desk) == 0
    services.resume_provider(make_provider(), by=None, now=clock())
    assert drain(desk) == 2
