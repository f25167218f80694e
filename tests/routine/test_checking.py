"""A look at the schedule: only chosen logins, the report first, and whom a sample finds."""

import random
from datetime import timedelta

import pytest

from refreshops.logins.models import Login, LoginStatus, Nightly, UnknownLogin
from refreshops.providers.contract import Answer, Ask, Call, Done, Pacing, Result
from refreshops.routine import checking, keeper
from refreshops.routine.models import Attempt, Run
from refreshops.routine.opening import NothingToDo
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome
from tests.builders import NOON, ScriptedProvider, make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

INACTIVE, OFF = LoginStatus.INACTIVE, Nightly.OFF
UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"


class Report:
    """The one call about the provider as a whole: it reports a login nobody registered."""

    gathers = False

    def begin(self, subject):
        return self.resume(subject, {"step": "report"}, now=NOON)

    def resume(self, subject, state, *, now):
        body = {"login": subject.login_id}
        return Ask(Call("report", "GET", "report", body=body, pacing=Pacing.FREE), state)

    def heard(self, subject, state, heard, *, now):
        report = [{"login_id": UNKNOWN_ID, "last_refresh_at": None, "state": "", "code": "X"}]
        return Done(Result(Outcome.FRESH, DataState.NONE, report=report))


class Reporting(ScriptedProvider):
    def opening(self, policy):
        return Report()

    def send(self, call):
        if call.endpoint != "report":
            return super().send(call)
        with self.lock:
            self.asked.append((call.endpoint, call.body["login"]))
        return Answer(200, {})


@pytest.fixture
def look(clock):
    def make(logins=None, **terms):
        usual = {
            "provider": make_provider(),
            "logins": Login.objects.none() if logins is None else logins,
            "by": None,
            "reason": "a test",
            "now": clock(),
            "local_date": clock().date(),
            "window": WINDOW,
        }
        return checking.check_schedule(**(usual | terms))

    return make


class TestTheOrder:
    def test_it_asks_the_chosen_logins_and_nobody_else(self, look):
        chosen, *_ = make_logins(3)

        opened = look(Login.objects.filter(pk=chosen.pk))

        assert (opened.run.purpose, opened.planned) == (Purpose.CHECK_SCHEDULE.value, 1)
        assert list(Attempt.objects.values_list("login", flat=True)) == [chosen.pk]

    def test_it_changes_nothing_about_the_logins(self, look):
        login = make_login(status=INACTIVE, nightly=OFF, nightly_verified_at=NOON)

        look(Login.objects.all())

        login.refresh_from_db()
        assert (login.status, login.nightly_verified_at) == (INACTIVE, NOON)

    def test_nothing_to_ask_is_refused(self, look):
        make_login()

        with pytest.raises(NothingToDo):
            look()
        assert not Run.objects.exists()

    def test_the_report_alone_is_enough(self, look):
        opened = look(with_report=True)

        attempt = Attempt.objects.get()
        assert (attempt.login, attempt.purpose) == (None, Purpose.CHECK_SCHEDULE.value)
        assert (opened.run.planned, opened.run.closed_at) == (0, None)

    def test_the_report_is_asked_first_and_noted_and_the_run_closes(self, look, make_desk, clock):
        make_logins(2, status=INACTIVE)
        provider = Reporting()
        desk = make_desk(provider)
        opened = look(Login.objects.all(), with_report=True)

        drain(desk)

        assert provider.asked[0] == ("report", "")
        assert {endpoint for endpoint, _ in provider.asked[1:]} == {"authorize", "detail"}
        assert UnknownLogin.objects.get().login_id == UNKNOWN_ID
        states = Attempt.objects.filter(run=opened.run).values_list("state", flat=True)
        assert set(states) == {AttemptState.DONE.value}

    def test_a_run_with_the_report_alone_ends(self, look, make_desk):
        desk = make_desk(Reporting())
        opened = look(with_report=True)

        drain(desk)
        keeper.tend(desk)

        opened.run.refresh_from_db()
        assert opened.run.state == "closed"

    def test_a_second_look_at_the_same_login_is_no_second_attempt(self, look):
        make_login()
        look(Login.objects.all())

        look(Login.objects.all(), with_report=True)

        assert Attempt.objects.filter(login__isnull=False).count() == 1


def seen(days_ago, **fields):
    proven = {"status": INACTIVE, "nightly": OFF, "nightly_verified_at": NOON}
    return make_login(**(proven | {"nightly_seen_at": NOON - timedelta(days=days_ago)} | fields))


class TestTheSample:
    def sample(self, number, **terms):
        chance = random.Random(1)
        return set(checking.sample(Login.objects.all(), number=number, chance=chance, **terms))

    def test_those_never_verified_come_first_then_the_longest_unseen(self):
        never = {seen(1, nightly_verified_at=None) for _ in range(2)}
        old, older, _ = seen(10), seen(20), seen(5)

        assert self.sample(2) == never
        assert self.sample(3) == never | {older}
        assert self.sample(4) == never | {older, old}

    def test_among_many_never_verified_it_draws_at_random(self):
        for _ in range(30):
            seen(1, nightly_verified_at=None)
        everyone = Login.objects.all()

        drawn = [
            frozenset(checking.sample(everyone, number=5, chance=random.Random(seed)))
            for seed in range(4)
        ]

        assert {len(some) for some in drawn} == {5}
        assert len(set(drawn)) > 1

    def test_active_ones_only_when_wanted_and_after_the_inactive(self):
        inactive, active = seen(1), seen(9, status=LoginStatus.ACTIVE)

        assert self.sample(5) == {inactive}
        assert self.sample(1, also_active=True) == {inactive}
        assert self.sample(5, also_active=True) == {inactive, active}

    def test_who_is_gone_there_is_never_asked(self):
        seen(9, gone_at=NOON)
        seen(9, gone_at=NOON, status=LoginStatus.ACTIVE)

        assert self.sample(5, also_active=True) == set()

    @pytest.mark.parametrize("number", [0, -1])
    def test_none_is_none(self, number):
        seen(9)

        assert self.sample(number) == set()


def test_in_question_is_what_leaks_or_was_never_verified_the_longest_unseen_first():
    seen(1)
    make_login(nightly=Nightly.ON)
    leak, stale = seen(3, nightly=Nightly.ON), seen(4, status=LoginStatus.ACTIVE)
    unproven = seen(2, nightly_verified_at=None)
    everyone = Login.objects.all()

    assert set(checking.in_question(everyone, at_most=9)) == {leak, stale, unproven}
    assert set(checking.in_question(everyone, at_most=2)) == {leak, stale}
