"""The engine over a scripted provider: claims, leases, slots, traces, what follows an answer."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.bankdata.models import Snapshot
from refreshops.logins.models import Login, PauseKind, Provider
from refreshops.providers.contract import NoAnswer
from refreshops.routine import claims, engine, lanes, slots
from refreshops.routine.models import Attempt, Run, Slot
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.models import Call
from tests.builders import ScriptedProvider, make_login, make_logins, make_provider
from tests.routine.conftest import drain

pytestmark = pytest.mark.django_db


def test_a_run_ends_with_one_outcome_a_login(make_desk, open_today):
    make_logins(3)
    run, desk = open_today(), make_desk()

    drain(desk)
    engine.tend(desk)

    run.refresh_from_db()
    assert run.state == "closed"
    assert run.totals["outcomes"] == {"fresh": 3}
    assert Login.objects.filter(outcome="fresh").count() == 3


def test_a_call_row_is_committed_before_the_call_is_sent(make_desk, open_today):
    login = make_login()
    open_today()
    seen = []

    def answer(call):
        seen.append(list(Call.objects.values_list("endpoint", "state", "login_id").order_by("id")))
        return {"then": "ask", "step": "detail"} if call.endpoint == "authorize" else {"then": ""}

    drain(make_desk(ScriptedProvider(answer)))

    assert seen[0] == [("authorize", "sent", login.login_id)]
    assert seen[1][0][:2] == ("authorize", "answered")
    assert seen[1][1][:2] == ("detail", "sent")
    assert Call.objects.filter(state="answered").count() == 2


def test_no_more_slots_are_used_than_the_limit_allows_in_a_window(make_desk, open_today, clock):
    make_logins(5)
    open_today()
    provider = ScriptedProvider()
    desk = make_desk(provider, limit=2)

    counts = []
    for _ in range(4):
        drain(desk)
        counts.append(len([step for step, _ in provider.asked if step == "authorize"]))
        clock.move(seconds=30.5)

    assert counts == [2, 2, 4, 4]


def test_a_slot_is_free_a_window_after_the_answer_not_after_the_question(
    make_desk, open_today, clock
):
    make_login()
    open_today()

    def slow(call):
        clock.move(seconds=7)
        return {"then": "done"}

    drain(make_desk(ScriptedProvider(slow), limit=1))

    assert Slot.objects.get().free_at == clock() + timedelta(seconds=60)


def test_a_reserved_slot_is_used_by_the_call_it_was_reserved_for(make_desk, open_today, clock):
    make_logins(2)
    open_today()
    provider = ScriptedProvider(mint=True)

    drain(make_desk(provider, limit=1))

    assert [step for step, _ in provider.asked] == ["mint", "authorize", "detail"]
    assert Slot.objects.get().free_at == clock() + timedelta(seconds=60)


def test_a_reserved_slot_is_given_back_when_its_call_never_came(make_desk, open_today, clock):
    make_login()
    open_today()
    provider = ScriptedProvider(lambda call: {"then": "done"}, mint=True)

    drain(make_desk(provider, limit=1))

    assert Slot.objects.get().free_at == clock()


def test_a_poll_is_a_row_and_blocks_nobody(make_desk, open_today, clock):
    first, second = make_login(institution="A"), make_login(institution="B")
    open_today()

    def answer(call):
        if call.endpoint == "authorize" and call.body["login"] == first.login_id:
            return {"then": "wait", "seconds": 10, "step": "poll"}
        return {"then": "done"}

    desk = make_desk(ScriptedProvider(answer))
    drain(desk)

    waiting = Attempt.objects.get(login=first)
    assert (waiting.state, waiting.conversation) == ("due", {"step": "poll"})
    assert waiting.not_before == clock() + timedelta(seconds=10)
    assert not waiting.paced
    assert Attempt.objects.get(login=second).state == "done"
    clock.move(seconds=10)
    drain(desk)
    assert Attempt.objects.get(login=first).state == "done"


def test_an_attempt_left_by_a_dead_worker_is_asked_again(make_desk, open_today, clock):
    login = make_login()
    open_today()
    desk = make_desk()
    claims.claim(desk)
    clock.move(seconds=11)

    taken = claims.reclaim(provider_id=desk.row.pk, now=clock(), furthest=timedelta(minutes=2))
    drain(desk)

    assert taken == 1
    cut = Call.objects.order_by("id").first()
    assert cut.state == "no_answer"
    assert "worker stopped" in cut.error
    assert Attempt.objects.get(login=login).outcome == "fresh"


def test_a_lease_that_still_holds_is_left_alone(make_desk, open_today, clock):
    make_login()
    open_today()
    desk = make_desk()
    claims.claim(desk)
    clock.move(seconds=9)

    taken = claims.reclaim(provider_id=desk.row.pk, now=clock(), furthest=timedelta(minutes=2))

    assert taken == 0


def test_the_third_start_without_an_answer_ends_the_attempt_and_the_next_goes_on(
    make_desk, open_today, clock
):
    poison, healthy = make_login(institution="A"), make_login(institution="B")
    open_today()
    Attempt.objects.filter(login=healthy).update(rank=11)
    desk = make_desk()

    for _ in range(3):
        assert claims.claim(desk).attempt.login_id == poison.pk
        clock.move(seconds=11)
        claims.reclaim(provider_id=desk.row.pk, now=clock(), furthest=timedelta(minutes=2))
    drain(desk)

    ended = Attempt.objects.get(login=poison)
    assert (ended.outcome, ended.outcome_reason) == ("provider_fault", "crashed")
    assert Attempt.objects.get(login=healthy).outcome == "fresh"


def test_a_worker_that_lost_its_lease_changes_nothing_but_its_own_call(
    make_desk, open_today, clock
):
    make_login()
    open_today()
    provider = ScriptedProvider()
    late, quick = make_desk(provider), make_desk(provider)
    work = claims.claim(late)
    clock.move(seconds=11)
    claims.reclaim(provider_id=late.row.pk, now=clock(), furthest=timedelta(minutes=2))
    drain(quick)
    before = Attempt.objects.values().get()

    from refreshops.routine.recording import record

    following = record(late, work, engine.exchange(late, work))

    assert following is None
    assert Attempt.objects.values().get() == before


def test_two_desks_never_speak_for_one_login_at_once(make_desk, open_today, clock):
    login = make_login()
    open_today()
    desk, other = make_desk(), make_desk()
    from refreshops.routine.opening import open_run

    open_run(
        provider=make_provider(),
        purpose=Purpose.CHECK_SCHEDULE,
        logins=Login.objects.all(),
        by=None,
        reason="test",
        now=clock(),
        local_date=clock().date(),
        window=timedelta(seconds=60),
    )

    first, second = claims.claim(desk), claims.claim(other)

    assert first is not None
    assert second is None
    assert Attempt.objects.filter(login=login, state="calling").count() == 1


def test_a_refused_key_pauses_the_provider_and_burns_no_login(make_desk, open_today):
    make_logins(4)
    run = open_today()
    desk = make_desk(ScriptedProvider(lambda call: {"then": "halt"}))

    drain(desk)

    row = Provider.objects.get()
    assert (row.paused_kind, row.paused_reason) == ("keys", "The key was refused.")
    assert Attempt.objects.filter(run=run, state="due").count() == 4
    assert Call.objects.count() == 1


def test_the_provider_is_probed_again_when_the_pause_is_over(make_desk, open_today, clock):
    make_login()
    open_today()
    answers = iter([{"then": "halt"}, {"then": "done"}])
    desk = make_desk(ScriptedProvider(lambda call: next(answers)))
    drain(desk)
    clock.move(minutes=15)

    engine.tend(desk)
    drain(desk)

    assert Attempt.objects.get().outcome == "fresh"


def test_silences_in_a_row_pause_the_provider(make_desk, open_today):
    make_logins(9)
    open_today()

    drain(make_desk(ScriptedProvider(lambda call: NoAnswer("connection refused"))))

    row = Provider.objects.get()
    assert row.paused_kind == "network"
    assert "connection refused" in row.paused_reason
    assert Attempt.objects.filter(state="due").count() == 5
    assert Call.objects.filter(state="no_answer", error="connection refused").count() == 5


def test_a_long_outage_blames_no_login_and_probes_one_at_a_time(make_desk, open_today, clock):
    make_logins(9)
    open_today()
    desk = make_desk(ScriptedProvider(lambda call: NoAnswer("connection refused")))
    drain(desk)
    blamed = Attempt.objects.filter(state="done").count()

    for _ in range(20):
        clock.move(minutes=5)
        engine.tend(desk)
        drain(desk)

    assert Attempt.objects.filter(state="done").count() == blamed
    assert Call.objects.count() == 5 + 20


def test_one_silence_after_a_throttle_pause_is_no_outage(make_desk, open_today, clock):
    make_logins(3)
    open_today()
    lanes.pause(
        provider_id=make_provider().pk,
        kind=PauseKind.THROTTLED,
        why="too many requests",
        now=clock(),
        resume_at=clock(),
    )
    answers = iter([NoAnswer("timeout"), {"then": "done"}, {"then": "done"}])
    desk = make_desk(ScriptedProvider(lambda call: next(answers)))

    engine.tend(desk)
    drain(desk)

    assert Provider.objects.get().paused_at is None
    assert not Attempt.objects.filter(state="due").exists()


def test_an_answer_forgets_the_silences(make_desk, open_today):
    make_logins(9)
    open_today()
    count = iter(range(100))

    def now_and_then(call):
        return NoAnswer("reset") if next(count) % 4 else {"then": "done"}

    drain(make_desk(ScriptedProvider(now_and_then)))

    assert Provider.objects.get().paused_at is None
    assert not Attempt.objects.filter(state="due").exists()


def test_a_mistake_of_our_own_parks_one_login_and_the_next_goes_on(make_desk, open_today):
    broken, healthy = make_login(institution="A"), make_login(institution="B")
    open_today()

    def answer(call):
        return {"then": "break"} if call.body["login"] == broken.login_id else {"then": "done"}

    drain(make_desk(ScriptedProvider(answer)))

    parked = Attempt.objects.get(login=broken)
    assert (parked.outcome, parked.outcome_reason) == ("our_config", "crashed")
    assert Attempt.objects.get(login=healthy).outcome == "fresh"


def test_bank_data_is_sealed_at_rest_and_can_be_opened(make_desk, open_today):
    login = make_login()
    open_today()
    desk = make_desk()

    drain(desk)

    snapshot = Snapshot.objects.get(login=login)
    assert b"balance" not in bytes(snapshot.payload)
    assert desk.vault.open(snapshot.payload) == {"secret": "balance"}


def test_a_lower_limit_holds_from_the_next_call_on(make_desk, open_today, clock):
    make_logins(12)
    open_today()
    provider = ScriptedProvider()
    desk = make_desk(provider, limit=6)
    drain(desk)
    Provider.objects.update(logins_per_minute=2)

    engine.tend(desk)
    clock.move(seconds=60)
    drain(desk)

    assert len([step for step, _ in provider.asked if step == "authorize"]) == 8
    assert Slot.objects.count() == 2


def test_a_higher_limit_is_used_within_one_window(make_desk, open_today, clock):
    make_logins(12)
    open_today()
    provider = ScriptedProvider()
    desk = make_desk(provider, limit=2)
    drain(desk)
    Provider.objects.update(logins_per_minute=6)

    engine.tend(desk)
    drain(desk)
    at_once = len([step for step, _ in provider.asked if step == "authorize"])
    clock.move(seconds=60)
    drain(desk)

    assert at_once == 2
    assert len([step for step, _ in provider.asked if step == "authorize"]) == 8


def test_a_limit_that_goes_down_and_up_again_makes_no_burst(make_desk, open_today, clock):
    make_logins(20)
    open_today()
    provider = ScriptedProvider()
    desk = make_desk(provider, limit=6)
    drain(desk)

    for limit in (1, 6):
        Provider.objects.update(logins_per_minute=limit)
        engine.tend(desk)
        clock.move(seconds=1)
        drain(desk)

    assert len([step for step, _ in provider.asked if step == "authorize"]) == 6


def test_a_limit_of_many_thousands_can_be_lowered_again(make_desk, clock):
    desk = make_desk(limit=9000)
    Provider.objects.update(logins_per_minute=3)

    engine.tend(desk)

    assert Slot.objects.count() == 3


def test_a_fresh_install_need_not_wait_for_its_first_slots(make_desk, clock):
    make_desk(limit=3)

    assert set(Slot.objects.values_list("free_at", flat=True)) == {clock()}


def test_slots_after_a_clock_jump_come_back_slowly_but_come_back(make_desk, clock):
    desk = make_desk(limit=3)
    Slot.objects.update(free_at=clock() + timedelta(hours=1))

    slots.bring_back(provider_id=desk.row.pk, now=clock(), furthest=timedelta(minutes=5))

    assert set(Slot.objects.values_list("free_at", flat=True)) == {clock() + timedelta(minutes=5)}


def test_a_paused_run_stops_after_the_call_in_flight(make_desk, open_today):
    make_logins(3)
    run = open_today()

    def answer(call):
        Run.objects.filter(pk=run.pk).update(state="paused")
        return {"then": "ask", "step": "detail"}

    provider = ScriptedProvider(answer)
    drain(make_desk(provider))

    assert [step for step, _ in provider.asked] == ["authorize"]
    assert Attempt.objects.filter(state="due").count() == 3


def test_unknown_logins_everywhere_are_suspected_to_be_our_own_mistake(make_desk, open_today):
    make_logins(8)
    open_today()

    drain(make_desk(ScriptedProvider(lambda call: {"then": "done", "outcome": "login_gone"})))

    row = Provider.objects.get()
    assert row.paused_kind == "suspect"
    assert Attempt.objects.filter(state="done").count() == 5


@pytest.mark.django_db(transaction=True)
def test_drive_works_with_threads_until_nothing_is_left(make_desk, open_today, clock):
    make_logins(12)
    run = open_today()
    desk = make_desk(concurrency=4)

    driven = engine.drive(
        provider=desk.provider,
        row_id=desk.row.pk,
        clock=clock,
        pace=desk.pace,
        vault=desk.vault,
        stop=lambda: False,
        until_idle=True,
    )

    run.refresh_from_db()
    assert (driven.ended, driven.calls, run.state) == ("nothing left", 24, "closed")


def test_a_login_of_two_calls_costs_few_statements(
    make_desk, open_today, django_assert_max_num_queries
):
    make_login()
    open_today()
    desk = make_desk()

    # Three transactions, here six savepoints: the claim, what the first answer leads to, the end.
    # PostgreSQL locks the login's row with one more; one asks whether it was forgotten meanwhile,
    # and one whether a delivery told of a newer refresh.
    with django_assert_max_num_queries(23):
        engine.speak_once(desk)

    assert Attempt.objects.get().outcome == "fresh"


def test_the_keepers_round_writes_nothing_when_nothing_has_changed(make_desk, open_today):
    make_logins(2)
    open_today()
    desk = make_desk()
    claims.claim(desk)
    desk.held.clear()

    with CaptureQueriesContext(connection) as seen:
        engine.tend(desk)

    assert [row["sql"] for row in seen if not row["sql"].startswith("SELECT")] == []


@pytest.mark.django_db(transaction=True)
def test_a_thread_at_rest_is_woken_by_the_slot_that_another_gives_back(
    make_desk, open_today, clock, monkeypatch
):
    monkeypatch.setattr(engine, "IDLE_TICK", timedelta(hours=1))
    make_logins(2)
    open_today()

    def answer(call):
        # The only slot is reserved meanwhile, and given back unspent when this call ends.
        time.sleep(0.3)
        return {"then": "done"}

    desk = make_desk(ScriptedProvider(answer, mint=True), limit=1, concurrency=3)

    def drive():
        engine.drive(
            provider=desk.provider,
            row_id=desk.row.pk,
            clock=clock,
            pace=desk.pace,
            vault=desk.vault,
            stop=lambda: Attempt.objects.filter(state="done").count() == 2,
        )
        connection.close()

    driving = threading.Thread(target=drive, daemon=True)

    driving.start()
    driving.join(timeout=20)

    assert not driving.is_alive()
