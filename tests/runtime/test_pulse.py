"""When a ping that stays is proof of a dead cluster."""

import pytest

from refreshops.runtime.pulse import START_SECONDS, Pulse

LIMIT = 15.0
LONGEST_TASK = 300.0


def beating_pulse() -> Pulse:
    pulse = Pulse(limit_seconds=LIMIT, longest_task_seconds=LONGEST_TASK)
    pulse.asked(at=0)
    pulse.answered()
    pulse.asked(at=100)
    return pulse


def look(pulse: Pulse, *, at: float, all_busy=False, moved=False, writable=True) -> str:
    return pulse.sample(at=at, all_busy=all_busy, moved=moved, writable=writable)


def test_a_ping_that_stays_though_a_worker_is_free_is_proof():
    pulse = beating_pulse()

    assert look(pulse, at=100 + LIMIT) == ""
    assert "a worker was free" in look(pulse, at=101 + LIMIT)


@pytest.mark.parametrize(
    "excuse",
    [
        pytest.param({"all_busy": True}, id="every-worker-busy"),
        pytest.param({"moved": True}, id="the-queue-moves"),
        pytest.param({"writable": False}, id="the-database-takes-no-writes"),
    ],
)
def test_it_waits_afresh_after(excuse):
    pulse = beating_pulse()

    assert look(pulse, at=150, **excuse) == ""
    assert look(pulse, at=150 + LIMIT) == ""
    assert look(pulse, at=151 + LIMIT) != ""


def test_busy_workers_excuse_no_longer_than_the_longest_task():
    pulse = beating_pulse()

    said = [look(pulse, at=at, all_busy=True) for at in range(101, 500)]

    assert said.index(next(filter(None, said))) == LONGEST_TASK + LIMIT
    assert "longer than any task" in next(filter(None, said))


def test_a_cold_start_gets_more_time():
    pulse = Pulse(limit_seconds=LIMIT, longest_task_seconds=LONGEST_TASK)
    pulse.asked(at=0)

    assert look(pulse, at=START_SECONDS) == ""
    assert look(pulse, at=START_SECONDS + 1) != ""


def test_nothing_is_judged_while_no_ping_is_out():
    pulse = beating_pulse()
    pulse.answered()

    assert not pulse.waits
    assert look(pulse, at=10_000) == ""
