"""The states of runs, attempts and calls, and the steps between them that are allowed."""

from enum import StrEnum


class AttemptState(StrEnum):
    """One login within one run: waiting, being spoken for, ended, or called off."""

    DUE = "due"
    CALLING = "calling"
    DONE = "done"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """One order over many logins.

    A waiting run has its logins, but begins only with its approval and on its date.
    """

    WAITING = "waiting"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class CallState(StrEnum):
    """One HTTP exchange as traced: written down, answered, or cut off."""

    SENT = "sent"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"


class Purpose(StrEnum):
    """What a run does to its logins."""

    REFRESH = "refresh"
    LIVE_REFRESH = "live_refresh"
    SWITCH_OFF = "switch_off"
    SWITCH_ON = "switch_on"
    CHECK_SCHEDULE = "check_schedule"
    FORGET = "forget"
    # The customer came by a connect link: to an existing login, to a new one, or back with one.
    RECONNECT = "reconnect"
    INVITE = "invite"
    CONNECT = "connect"


# What speaks against an order: asking a login that is off here, or switching it the other way.
WANTS_ACTIVE = frozenset(
    {Purpose.REFRESH, Purpose.LIVE_REFRESH, Purpose.SWITCH_ON, Purpose.RECONNECT}
)
WANTS_INACTIVE = frozenset({Purpose.SWITCH_OFF, Purpose.FORGET})


def may_go_on(purpose: Purpose, *, active: bool) -> bool:
    """Tell whether a login of this status may still be spoken for with this purpose."""
    return purpose not in (WANTS_INACTIVE if active else WANTS_ACTIVE)


class Origin(StrEnum):
    """Where the order came from."""

    DAILY = "daily"
    PERSON = "person"
    API = "api"
    RETRY = "retry"
    CONNECT = "connect"


class ForbiddenStep(Exception):
    """A step that the lifecycle does not know: a programming mistake, not a lost race."""


ATTEMPT_STEPS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.DUE: frozenset({AttemptState.CALLING, AttemptState.CANCELLED}),
    AttemptState.CALLING: frozenset(
        {AttemptState.DUE, AttemptState.DONE, AttemptState.CANCELLED, AttemptState.CALLING}
    ),
    AttemptState.DONE: frozenset(),
    AttemptState.CANCELLED: frozenset(),
}

RUN_STEPS: dict[RunState, frozenset[RunState]] = {
    RunState.WAITING: frozenset({RunState.OPEN, RunState.CANCELLED}),
    RunState.OPEN: frozenset({RunState.PAUSED, RunState.CLOSED, RunState.CANCELLED}),
    RunState.PAUSED: frozenset({RunState.OPEN, RunState.CLOSED, RunState.CANCELLED}),
    RunState.CLOSED: frozenset(),
    RunState.CANCELLED: frozenset(),
}

CALL_STEPS: dict[CallState, frozenset[CallState]] = {
    CallState.SENT: frozenset({CallState.ANSWERED, CallState.NO_ANSWER}),
    CallState.ANSWERED: frozenset(),
    CallState.NO_ANSWER: frozenset(),
}


def check_attempt_step(state: AttemptState, wanted: AttemptState) -> None:
    """Raise `ForbiddenStep` unless an attempt may go from `state` to `wanted`."""
    if wanted not in ATTEMPT_STEPS[state]:
        raise ForbiddenStep(f"attempt: {state} -> {wanted}")


def check_run_step(state: RunState, wanted: RunState) -> None:
    """Raise `ForbiddenStep` unless a run may go from `state` to `wanted`."""
    if wanted not in RUN_STEPS[state]:
        raise ForbiddenStep(f"run: {state} -> {wanted}")
