"""Writing down what an answer led to: trace, slot, attempt, login, in one transaction.

A worker whose lease was taken over notices here: it may still complete its own Call row, which is
evidence, but changes nothing else (fault A7).
"""

import logging
from dataclasses import replace
from datetime import datetime

from refreshops.bankdata import pieces
from refreshops.logins.models import LoginStatus, PauseKind
from refreshops.providers.contract import (
    Ask,
    Done,
    Envelope,
    Halt,
    Heard,
    Pacing,
    Renew,
    Silence,
    State,
    Step,
    Wait,
)
from refreshops.routine import access, claims, lanes, learning, reading, slots, turn
from refreshops.routine.desk import Desk, Work
from refreshops.routine.models import THE_RUN_HAD_ENDED, LostRace
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState, may_go_on
from refreshops.rules.pacing import free_again_at
from refreshops.tracing import recorder

logger = logging.getLogger(__name__)


def record(desk: Desk, work: Work, heard: Heard) -> Work | None:
    """Write the answer down and return the next call of the same attempt, if it follows at once."""
    now = desk.clock()
    read = reading.read(desk, work, heard, now=now)
    try:
        with desk.writing():
            _close_call(work, heard, read.envelope, now=now)
            following = _apply(desk, work, read, now=now)
            _note_line(desk, heard, now=now)
        return following
    except LostRace:
        logger.warning("Attempt %s was taken over; its late answer is only traced", work.attempt.pk)
        with desk.writing():
            _close_call(work, heard, read.envelope, now=now)
        return None


def _close_call(work: Work, heard: Heard, envelope: Envelope | None, *, now: datetime) -> None:
    if envelope is not None:
        recorder.answered(
            work.call_id,
            at=now,
            http_status_code=envelope.http_status_code,
            provider_code=envelope.provider_code,
            message=envelope.message,
            request_id=envelope.request_id,
            institution=envelope.institution,
            answer=envelope.answer,
        )
    elif isinstance(heard, Silence):
        recorder.not_answered(
            work.call_id, at=now, error=heard.detail, http_status_code=heard.http_status
        )


def _note_line(desk: Desk, heard: Heard, *, now: datetime) -> None:
    if isinstance(heard, Silence) and heard.kind == "network":
        lanes.note_silence(provider_id=desk.row.pk, now=now, detail=heard.detail)
        desk.row.silences += 1
    elif desk.row.silences:
        lanes.note_answer(provider_id=desk.row.pk)
        desk.row.silences = 0


def _apply(desk: Desk, work: Work, read: reading.Reading, *, now: datetime) -> Work | None:
    step = read.step
    _settle_slot(desk, work, step, now=now)
    if isinstance(step, Done):
        learning.finish(work.attempt, step.result, sealed=read.sealed, now=now)
        if work.conversation.gathers:
            pieces.drop(work.attempt.pk)
        return None
    _keep_piece(work, read, now=now)
    if work.fetches_token:
        fault = read.grant is None and not isinstance(step, Halt)
        access.settle(desk, work.attempt, read.grant, sealed=read.sealed, is_fault=fault, now=now)
    else:
        learning.unlearn_flag(work.attempt)
    standing = turn.standing(work.attempt.pk)
    why = _called_off(work, step, standing)
    if why:
        _release(work, now=now)
        work.attempt.call_off(why=why, now=now)
        return None
    match step:
        case Ask():
            on_hold = (
                desk.halting
                or standing.provider_paused
                or standing.run_state != RunState.OPEN.value
            )
            return _ask(desk, work, step, on_hold=on_hold, now=now)
        case Wait():
            spread = step.spread * desk.chance.random()
            _rest(desk, work, step.state, until=step.until + spread, now=now, note=step.note)
        case Halt():
            kind = PauseKind(step.kind)
            if kind is PauseKind.KEYS:
                access.refused(desk, serial=work.token_serial)
            lanes.pause(
                provider_id=desk.row.pk, kind=kind, why=step.reason, now=now, resume_at=step.until
            )
            _rest(desk, work, step.state, until=now, now=now, note=kind.label)
        case Renew():
            access.refused(desk, serial=work.token_serial)
            _rest(desk, work, step.state, until=now, now=now, note="another access token")
    return None


def _keep_piece(work: Work, read: reading.Reading, *, now: datetime) -> None:
    piece = read.step.piece if isinstance(read.step, Ask | Wait) else None
    if piece is None or read.sealed is None:
        return
    pieces.keep(
        attempt_id=work.attempt.pk,
        login_id=work.attempt.login_id,
        name=piece.name,
        sealed=read.sealed,
        now=now,
    )


def _settle_slot(desk: Desk, work: Work, step: Step, *, now: datetime) -> None:
    """Free the slot one window after the answer; at once when it was reserved but not spent."""
    if work.slot_id is None:
        return
    if work.call.pacing is Pacing.USE:
        free_at = free_again_at(answered_at=now, window=desk.pace.window)
        slots.settle(slot_id=work.slot_id, free_at=free_at)
        work.slot_id = None
    elif not (isinstance(step, Ask) and step.call.pacing is Pacing.USE):
        _release(work, now=now)


def _called_off(work: Work, step: Step, standing: turn.Standing) -> str:
    """Say why an attempt must not go on, or return an empty text.

    A login that was switched the other way meanwhile still gets the data call that its answer
    leads to at once; it rests and queues no more.
    """
    if standing.run_state in (RunState.CANCELLED.value, RunState.CLOSED.value):
        return THE_RUN_HAD_ENDED
    at_once = isinstance(step, Ask) and step.call.pacing is Pacing.FREE
    if standing.login_status is None or at_once:
        return ""
    active = standing.login_status == LoginStatus.ACTIVE.value
    if may_go_on(Purpose(work.attempt.purpose), active=active):
        return ""
    return f"Called off: the login is {standing.login_status} now."


def _release(work: Work, *, now: datetime) -> None:
    """Give a slot back that was reserved and not spent."""
    if work.slot_id is not None:
        slots.settle(slot_id=work.slot_id, free_at=now)
        work.slot_id = None


def _ask(desk: Desk, work: Work, ask: Ask, *, on_hold: bool, now: datetime) -> Work | None:
    """Go on at once with a call that needs no slot or has one; else queue for it."""
    if work.slot_id is not None and not on_hold:
        until = claims.held_until(desk, ask.call, now=now)
        if not slots.hold(slot_id=work.slot_id, until=until):
            work.slot_id = None  # taken away by a lower limit
    waits_for_slot = ask.call.pacing is not Pacing.FREE and work.slot_id is None
    held = access.in_hand(desk, now=now) if ask.call.shared_token else None
    waits_for_token = ask.call.shared_token and held is None
    if waits_for_slot or waits_for_token or on_hold:
        _release(work, now=now)
        _rest(desk, work, ask.state, until=now, now=now)
        return None
    claims.lease(
        desk, work.attempt, now=now, conversation=ask.state, starts=1, slot_id=work.slot_id
    )
    call = ask.call if held is None else replace(ask.call, token=held.text)
    call_id = claims.write_down(desk, work.attempt, call, now=now)
    return Work(
        work.attempt,
        work.subject,
        work.conversation,
        ask.state,
        call,
        call_id,
        work.slot_id,
        held.serial if held else None,
    )


def _rest(
    desk: Desk, work: Work, state: State, *, until: datetime, now: datetime, note: str = ""
) -> None:
    """Give the attempt back until its time has come; any worker may go on with it."""
    again = work.conversation.resume(work.subject, state, now=max(until, now))
    work.attempt.step_to(
        AttemptState.DUE,
        not_before=max(until, now),
        conversation=state,
        paced=again.call.pacing is not Pacing.FREE,
        starts=0,
        lease_token="",
        lease_until=None,
        slot=None,
        waits_for=note[:120],
    )
