"""States change along the allowed steps; what has ended stays ended."""

import pytest

from refreshops.rules.lifecycle import (
    ATTEMPT_STEPS,
    CALL_STEPS,
    RUN_STEPS,
    AttemptState,
    CallState,
    ForbiddenStep,
    RunState,
    check_attempt_step,
    check_run_step,
)


@pytest.mark.parametrize(
    ("steps", "states"),
    [(ATTEMPT_STEPS, AttemptState), (RUN_STEPS, RunState), (CALL_STEPS, CallState)],
    ids=["attempt", "run", "call"],
)
class TestTables:
    def test_every_state_has_its_steps(self, steps, states):
        assert set(steps) == set(states)

    def test_every_state_can_end(self, steps, states):
        ends = {state for state in states if not steps[state]}

        for state in states:
            assert state in ends or reachable(steps, state) & ends

    def test_every_state_can_be_reached(self, steps, states):
        first = next(iter(states))

        assert {first} | reachable(steps, first) == set(states)


def reachable(steps, start):
    found, waiting = set(), [start]
    while waiting:
        for state in steps[waiting.pop()] - found:
            found.add(state)
            waiting.append(state)
    return found


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("wanted", AttemptState)
def test_an_attempt_steps_only_where_the_table_allows(state, wanted):
    if wanted in ATTEMPT_STEPS[state]:
        check_attempt_step(state, wanted)
    else:
        with pytest.raises(ForbiddenStep, match=f"{state} -> {wanted}"):
            check_attempt_step(state, wanted)


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("wanted", RunState)
def test_a_run_steps_only_where_the_table_allows(state, wanted):
    if wanted in RUN_STEPS[state]:
        check_run_step(state, wanted)
    else:
        with pytest.raises(ForbiddenStep, match=f"{state} -> {wanted}"):
            check_run_step(state, wanted)


@pytest.mark.parametrize("ended", [AttemptState.DONE, AttemptState.CANCELLED])
def test_an_ended_attempt_stays_ended(ended):
    assert ATTEMPT_STEPS[ended] == frozenset()
