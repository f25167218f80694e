"""What must not be lost: refused writes, contrary orders, days that change, runs that end late."""

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError

from refreshops.logins.models import Login, PauseKind, Provider
from refreshops.routine import claims, endings, engine, lanes, learning, recording, services, turn
from refreshops.routine.models import Attempt, Slot
from refreshops.tracing.models import Call
from tests.builders import ScriptedProvider, make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def switch(clock):
    def make(*, on):
        return services.switch(
            logins=Login.objects.all(),
            on=on,
            by=None,
            reason="a test",
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
        )

    return make


class TestARefusedWrite:
    @pytest.fixture
    def refusing(self, monkeypatch):
        """Refuse the first writes that end an attempt, after its object has changed."""
        original = recording.learning.finish
        left = [2]
        monkeypatch.setattr(engine.time, "sleep", lambda seconds: None)
        monkeypatch.setattr(engine.connection, "close", lambda: None)

        def finish(*args, **kwargs):
            original(*args, **kwargs)
            if left[0]:
                left[0] -= 1
                raise DatabaseError("disk full")

        monkeypatch.setattr(recording.learning, "finish", finish)
        return left

    def test_is_tried_again_from_the_beginning(self, make_desk, open_today, refusing):
        make_login()
        open_today()
        desk = make_desk()

        drain(desk)

        assert Attempt.objects.get().outcome == "fresh"
        assert Call.objects.filter(state="answered").count() == 2
        assert desk.held == {}

    def test_that_stays_refused_lets_the_lease_go(self, make_desk, open_today, refusing, clock):
        refusing[0] = 100
        make_login()
        open_today()
        desk = make_desk()
        drain(desk)
        refusing[0] = 0
        clock.move(seconds=11)

        engine.tend(desk)
        drain(desk)

        assert desk.held == {}
        assert Attempt.objects.get().outcome == "fresh"


def test_an_answer_that_our_own_reading_breaks_on_parks_one_login(make_desk, open_today):
    strange, usual = make_login(institution="A"), make_login(institution="B")
    open_today()
    desk = make_desk()
    envelope = desk.provider.envelope

    def breaks(call, answer):
        if call.body["login"] == strange.login_id:
            raise RecursionError
        return envelope(call, answer)

    desk.provider.envelope = breaks
    drain(desk)

    parked = Attempt.objects.get(login=strange)
    assert (parked.outcome, parked.outcome_reason) == ("our_config", "crashed")
    assert Call.objects.get(login_id=strange.login_id).state == "answered"
    assert Attempt.objects.get(login=usual).outcome == "fresh"
    assert desk.held == {}


def test_a_lease_that_another_thread_took_meanwhile_is_not_let_go(make_desk, open_today):
    make_login()
    open_today()

    def answer(call):
        (key,) = desk.held
        desk.held[key] = "the token of another thread"
        return {"then": "done"}

    desk = make_desk(ScriptedProvider(answer))
    engine.speak_once(desk)

    assert list(desk.held.values()) == ["the token of another thread"]


def test_a_worker_that_slept_past_its_lease_does_not_send(make_desk, open_today, monkeypatch):
    make_login()
    open_today()
    provider = ScriptedProvider()
    desk = make_desk(provider)
    work = claims.claim(desk)
    work.written_s = time.monotonic() - 11
    monkeypatch.setattr(claims, "claim", lambda desk: work)

    engine.speak_once(desk)

    assert provider.asked == []
    assert "stopped for too long" in Call.objects.get().error


class TestContraryOrders:
    def test_a_switch_off_that_waits_is_called_off_by_a_switch_on(self, make_desk, switch, clock):
        make_login()
        switch(on=False)

        def answer(call):
            switch(on=True)
            return {"then": "wait", "seconds": 10, "step": "authorize"}

        desk = make_desk(ScriptedProvider(answer))
        engine.speak_once(desk)

        assert dict(Attempt.objects.values_list("purpose", "state")) == {
            "switch_off": "cancelled",
            "switch_on": "due",
        }

    def test_a_refresh_polls_no_more_after_a_switch_off(self, make_desk, open_today, switch):
        make_login()
        run = open_today()

        def answer(call):
            switch(on=False)
            return {"then": "wait", "seconds": 10, "step": "poll"}

        engine.speak_once(make_desk(ScriptedProvider(answer)))

        ended = Attempt.objects.get(run=run)
        assert (ended.state, ended.message) == (
            "cancelled",
            "Called off: the login is inactive now.",
        )
        assert ended.finished_at is not None

    def test_a_refresh_that_has_its_answer_still_fetches_the_data(
        self, make_desk, open_today, switch
    ):
        make_login()
        run = open_today()

        def answer(call):
            if call.endpoint == "authorize":
                switch(on=False)
                return {"then": "ask", "step": "detail"}
            return {"then": "done", "data": True}

        engine.speak_once(make_desk(ScriptedProvider(answer)))

        assert Attempt.objects.get(run=run).outcome == "fresh"

    def test_an_attempt_of_a_login_switched_off_meanwhile_is_never_begun(
        self, make_desk, open_today
    ):
        first, second = make_login(institution="A"), make_login(institution="B")
        open_today()
        Login.objects.filter(pk=first.pk).update(status="inactive")
        provider = ScriptedProvider()

        drain(make_desk(provider))

        assert {login for _, login in provider.asked} == {second.login_id}
        assert Attempt.objects.get(login=first).state == "cancelled"


class TestNoLoginIsLostForTheDay:
    def test_one_that_is_called_for_at_the_change_of_day_ends_in_todays_run(
        self, make_desk, open_today, clock
    ):
        make_login()
        open_today()
        desk = make_desk()
        work = claims.claim(desk)
        clock.move(days=1)

        today = open_today()
        recording.record(desk, work, engine.exchange(desk, work))
        drain(desk)

        assert today.planned == 1
        assert Attempt.objects.get().run == today
        assert Attempt.objects.get().state in ("done", "due", "calling")

    def test_one_that_waits_in_a_paused_run_is_taken_into_the_daily_run(
        self, open_today, order, clock
    ):
        make_logins(2)
        stuck = order().run
        services.pause_run(stuck, by="Ola", why="later", now=clock())

        today = open_today()

        stuck.refresh_from_db()
        assert (today.planned, stuck.planned) == (2, 0)

    def test_one_that_waits_in_a_paused_run_is_taken_into_a_persons_order(self, order, clock):
        make_login()
        services.pause_run(order().run, by="Ola", why="later", now=clock())

        again = order()

        assert (again.planned, again.brought_forward) == (1, 0)

    @pytest.mark.parametrize("opening", [False, True], ids=["plain", "begun-with-a-report"])
    def test_one_of_a_cancelled_order_goes_back_to_the_daily_run(
        self, open_today, order, clock, opening
    ):
        login = make_login()
        mine = order().run
        today = open_today(opening=opening)

        services.cancel_run(mine, by="Ola", why="a mistake", now=clock())

        today.refresh_from_db()
        attempt = Attempt.objects.get(login=login)
        assert (today.planned, attempt.run, attempt.state) == (1, today, "due")

    def test_one_that_comes_to_rest_just_when_its_run_is_cancelled_is_asked_the_next_day(
        self, make_desk, open_today, clock, monkeypatch
    ):
        make_login()
        run = open_today()
        rest = {"then": "wait", "seconds": 10, "step": "authorize"}
        desk = make_desk(ScriptedProvider(lambda call: rest))
        work = claims.claim(desk)
        standing = turn.standing(work.attempt.pk)
        services.cancel_run(run, by="Ola", why="enough", now=clock())
        monkeypatch.setattr(turn, "standing", lambda pk: standing)  # read an instant before
        recording.record(desk, work, engine.exchange(desk, work))

        engine.tend(desk)
        clock.move(days=1)

        run.refresh_from_db()
        assert (run.totals["cancelled"], run.totals["due"], run.totals["calling"]) == (1, 0, 0)
        assert open_today().planned == 1

    def test_a_day_that_began_before_the_register_begins_again(self, open_today, make_desk):
        empty = open_today()
        engine.tend(make_desk())
        make_login()

        again = open_today()

        assert (empty.planned, again.planned) == (0, 1)
        assert again.state == "open"


def test_a_run_is_closed_with_its_totals_or_not_at_all(open_today, clock, monkeypatch):
    run = open_today()

    def killed(*_):
        raise RuntimeError("killed between two statements")

    monkeypatch.setattr(learning, "totals_of", killed)
    with pytest.raises(RuntimeError):
        endings.close_finished(provider_id=run.provider_id, now=clock())

    run.refresh_from_db()
    assert (run.state, run.closed_at) == ("open", None)


def test_totals_of_a_cancelled_run_count_the_answer_that_came_later(make_desk, open_today, clock):
    make_logins(3)
    run = open_today()
    desk = make_desk()
    work = claims.claim(desk)
    services.cancel_run(run, by="Ola", why="enough", now=clock())

    recording.record(desk, work, engine.exchange(desk, work))
    engine.tend(desk)

    run.refresh_from_db()
    assert (run.totals["done"] + run.totals["cancelled"], run.totals["calling"]) == (3, 0)


def test_a_paused_run_whose_last_call_has_ended_is_closed(make_desk, open_today, clock):
    make_login()
    run = open_today()

    def answer(call):
        services.pause_run(run, by="Ola", why="wait", now=clock())
        return {"then": "done"}

    desk = make_desk(ScriptedProvider(answer))
    drain(desk)
    engine.tend(desk)

    run.refresh_from_db()
    assert run.state == "closed"


def test_a_clock_set_back_an_hour_does_not_hold_the_run_up(make_desk, open_today, clock):
    make_logins(2)
    open_today()
    desk = make_desk()
    clock.move(hours=-1)
    Slot.objects.update(free_at=clock())

    engine.tend(desk)
    drain(desk)

    assert not Attempt.objects.filter(state="due").exists()


def test_a_persons_pause_replaces_a_machines_in_one_step(clock):
    provider = make_provider()
    lanes.pause(
        provider_id=provider.pk,
        kind=PauseKind.THROTTLED,
        why="too many",
        now=clock(),
        resume_at=clock() + timedelta(seconds=1),
    )

    services.pause_provider(provider, by=None, why="maintenance", now=clock())

    row = Provider.objects.get()
    assert (row.paused_kind, row.paused_reason, row.resume_at) == ("person", "maintenance", None)


def test_a_slot_taken_away_while_a_token_is_minted_is_waited_for_again(make_desk, open_today):
    make_login()
    open_today()

    def answer(call):
        if call.endpoint == "mint":
            Slot.objects.all().delete()
            return {"then": "ask", "step": "authorize"}
        return {"then": "done"}

    desk = make_desk(ScriptedProvider(answer, mint=True), limit=1)
    engine.speak_once(desk)

    waiting = Attempt.objects.get()
    assert (waiting.state, waiting.paced) == ("due", True)


def test_a_second_order_of_the_same_rank_is_told_to_wait_for_the_first(order, make_desk, clock):
    from refreshops.routine.progress import progress_of

    make_logins(4, institution="A")
    first = order().run
    make_logins(4, institution="B")
    second = order(logins=Login.objects.filter(institution="B")).run
    make_desk(limit=2)

    etas = [progress_of(run, now=clock(), window=WINDOW).eta_at for run in (first, second)]

    assert etas == [clock() + WINDOW, clock() + 3 * WINDOW]


def test_unknown_logins_are_suspected_even_when_the_fifth_was_skipped(make_desk, open_today):
    make_logins(9)
    run = open_today()
    Attempt.objects.filter(pk__in=list(run.attempts.values_list("pk", flat=True)[:6])).update(
        state="done", outcome="login_gone", finished_at=run.opened_at
    )

    drain(make_desk(ScriptedProvider(lambda call: {"then": "done", "outcome": "login_gone"})))

    assert Provider.objects.get().paused_kind == "suspect"
    assert set(Attempt.objects.filter(state="done").values_list("outcome", flat=True)) == {
        "our_config"
    }


def test_after_a_resume_the_next_few_unknown_logins_are_suspected_again(
    make_desk, open_today, clock
):
    make_logins(20)
    open_today()
    gone = ScriptedProvider(lambda call: {"then": "done", "outcome": "login_gone"})
    desk = make_desk(gone)

    drain(desk)
    services.resume_provider(make_provider(), by=None, now=clock())
    drain(desk)

    assert Provider.objects.get().paused_kind == "suspect"
    assert Attempt.objects.filter(state="done", outcome="our_config").count() == 10
    assert Login.objects.filter(outcome="login_gone").count() == 0


def test_who_was_told_yes_and_waits_for_a_second_slot_ends_the_suspicion(make_desk, open_today):
    known = make_logins(2, institution="A")
    make_logins(8, institution="B")
    open_today()

    def answer(call):
        if call.body["login"] in {login.login_id for login in known}:
            return {"then": "wait", "step": "authorize", "seconds": 3600}
        return {"then": "done", "outcome": "login_gone"}

    drain(make_desk(ScriptedProvider(answer)))

    assert Provider.objects.get().paused_at is None
    assert Login.objects.filter(outcome="login_gone").count() == 8


def test_one_login_that_answers_ends_the_suspicion(make_desk, open_today):
    known = make_login(institution="A")
    make_logins(8, institution="B")
    open_today()

    def answer(call):
        found = "fresh" if call.body["login"] == known.login_id else "login_gone"
        return {"then": "done", "outcome": found}

    drain(make_desk(ScriptedProvider(answer)))

    assert Provider.objects.get().paused_at is None
    assert Attempt.objects.filter(outcome="login_gone").count() == 8
