"""Claiming the next attempt, and taking back what a dead worker left.

One transaction holds the claim: lease, slot and the Call row "sent". Only after it is committed
does anything leave the house (design.md section 3).
"""

import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Subquery

from refreshops.logins.models import LoginStatus
from refreshops.logins.models import Provider as ProviderRow
from refreshops.providers.contract import Ask, Call, Conversation, Done, Pacing, Subject
from refreshops.routine import access, lanes, learning, slots, turn, turns
from refreshops.routine.desk import Desk, Work, subject_of
from refreshops.routine.models import (
    RANK_CUSTOMER,
    RANK_DAILY,
    RANK_PERSON,
    THE_RUN_HAD_ENDED,
    Attempt,
    LostRace,
    Run,
)
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState, may_go_on
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.rules.pacing import free_at_the_latest
from refreshops.tracing import recorder

logger = logging.getLogger(__name__)

# Claims without a recorded answer before an attempt is given up (fault A6).
STARTS_ALLOWED = 3


def claim(desk: Desk) -> Work | None:
    """Take the next attempt and write its call down; None when nothing may be sent now."""
    now = desk.clock()
    if lanes.is_suspect(desk.row) and _somebody_is_calling(desk.row.pk):
        return None  # one probe at a time, while the provider may be away
    # On SQLite an empty write transaction stops every other writer: who found nothing looks first.
    looks_first = desk.empty_handed and connection.vendor == "sqlite"
    if looks_first and turn.next_due(provider_id=desk.row.pk, now=now) is None:
        return None
    work, again = _claim_one(desk, now=now)
    while again and not desk.halting:
        work, again = _claim_one(desk, now=now)
    desk.empty_handed = work is None
    if work is not None:
        desk.held[work.attempt.pk] = work.attempt.lease_token
    return work


def _claim_one(desk: Desk, *, now: datetime) -> tuple[Work | None, bool]:
    """Return the work claimed, and whether to look again because the first was called off."""
    try:
        with desk.writing():
            attempt = turn.next_due(provider_id=desk.row.pk, now=now)
            if attempt is None:
                return None, False
            login = attempt.login
            if login is not None and not may_go_on(
                Purpose(attempt.purpose), active=login.status == LoginStatus.ACTIVE.value
            ):
                attempt.call_off(why=f"Called off: the login is {login.status} now.", now=now)
                return None, True
            begins = attempt.rank == RANK_CUSTOMER and attempt.paced and not attempt.conversation
            if begins and turns.hold_back(
                attempt,
                limit=desk.row.logins_per_minute,
                share_percent=desk.pace.customers_percent,
                now=now,
                window=desk.pace.window,
            ):
                return None, True
            work = start(desk, attempt, now=now)
            return work, work is None and attempt.state == AttemptState.DONE
    except (IntegrityError, LostRace):
        return None, False  # another worker speaks for this login already


def _somebody_is_calling(provider_id: int) -> bool:
    return Attempt.objects.filter(
        state=AttemptState.CALLING.value, run__provider_id=provider_id
    ).exists()


def start(desk: Desk, attempt: Attempt, *, now: datetime) -> Work | None:
    """Lease a due attempt, take its slot and write its next call down, in this transaction.

    None when it cannot be called for now, or has ended already: the provider need not be asked.
    """
    subject = subject_of(attempt)
    try:
        conversation = desk.script(attempt)
        step = (
            conversation.resume(subject, attempt.conversation, now=now)
            if attempt.conversation
            else conversation.begin(subject)
        )
    except Exception as broke:
        logger.exception("Attempt %s cannot be begun", attempt.pk)
        _park(desk, attempt, why=f"{type(broke).__name__}: {broke}", now=now)
        return None
    if isinstance(step, Done):
        _hold(desk, attempt, now=now)
        result = replace(step.result, data_state=learning.held_state(attempt, now=now))
        learning.finish(attempt, result, sealed=None, now=now)
        return None
    return _send_or_fetch(desk, attempt, subject, conversation, step, now=now)


def _send_or_fetch(
    desk: Desk,
    attempt: Attempt,
    subject: Subject,
    conversation: Conversation,
    ask: Ask,
    *,
    now: datetime,
) -> Work | None:
    """Begin the call, or that for the token it needs; None while others fetch, or for want of
    a slot.
    """
    call, serial = ask.call, None
    if call.shared_token:
        held = access.look_up(desk, now=now)
        if held is None:
            return _fetch(desk, attempt, subject, conversation, ask, now=now)
        call, serial = replace(call, token=held.text), held.serial
    slot_id = None
    if ask.call.pacing is not Pacing.FREE:
        slot_id = slots.take(
            provider_id=desk.row.pk, now=now, until=held_until(desk, ask.call, now=now)
        )
        if slot_id is None:
            attempt.step_to_paced()
            return None
    learning.unlearn_flag(attempt, wait=False)
    lease(
        desk, attempt, now=now, conversation=ask.state, slot_id=slot_id, starts=attempt.starts + 1
    )
    call_id = write_down(desk, attempt, call, now=now)
    return Work(attempt, subject, conversation, ask.state, call, call_id, slot_id, serial)


def _fetch(
    desk: Desk,
    attempt: Attempt,
    subject: Subject,
    conversation: Conversation,
    ask: Ask,
    *,
    now: datetime,
) -> Work | None:
    """Begin the call for the shared token, on behalf of this attempt, if it is for us to make."""
    call = desk.provider.token_call()
    if call is None:
        _park(desk, attempt, why="This provider shares no access token.", now=now)
        return None
    if not access.begin_fetch(desk, attempt, now=now):
        return None
    lease(desk, attempt, now=now, conversation=ask.state, starts=attempt.starts + 1)
    call_id = write_down(desk, attempt, call, now=now, of_login=False)
    return Work(attempt, subject, conversation, ask.state, call, call_id, None, fetches_token=True)


def held_until(desk: Desk, call: Call, *, now: datetime) -> datetime:
    """Return when a slot comes back by itself should this worker die."""
    return free_at_the_latest(sent_at=now, deadline=desk.deadline(call), window=desk.pace.window)


def lease(desk: Desk, attempt: Attempt, *, now: datetime, **fields: object) -> None:
    """Hold the attempt for this process; the lease is renewed while the call lasts."""
    token = attempt.lease_token or ""
    fresh_token = token if attempt.state == AttemptState.CALLING else secrets.token_hex(16)
    attempt.step_to(
        AttemptState.CALLING,
        lease_until=now + desk.pace.lease,
        lease_token=fresh_token,
        waits_for="",
        **fields,
    )


def write_down(
    desk: Desk, attempt: Attempt, call: Call, *, now: datetime, of_login: bool = True
) -> int:
    """Insert the Call row; its id. A call that is not `of_login` concerns all of them."""
    login = attempt.login if of_login else None
    return recorder.write_down(
        recorder.Intent(
            provider=desk.provider.name,
            endpoint=call.endpoint,
            method=call.method,
            url=desk.provider.shown_url(call),
            body=desk.provider.shown_body(call),
            login_id=login.login_id if login else attempt.claimed_login_id if of_login else "",
            institution=login.institution if login else "",
            run_id=attempt.run_id,
            attempt_id=attempt.pk,
        ),
        now=now,
    )


def _park(desk: Desk, attempt: Attempt, *, why: str, now: datetime) -> None:
    """End an attempt that our own script cannot begin; the next login goes on."""
    _hold(desk, attempt, now=now)
    learning.give_up(attempt, outcome=Outcome.OUR_CONFIG, reason=Reason.FLOW, message=why, now=now)


def _hold(desk: Desk, attempt: Attempt, *, now: datetime) -> None:
    """Take an attempt that ends without any call."""
    attempt.step_to(
        AttemptState.CALLING,
        lease_until=now + desk.pace.lease,
        lease_token=secrets.token_hex(16),
    )


def renew(desk: Desk, *, now: datetime) -> None:
    """Extend the lease of every attempt this process is calling for."""
    held = dict(desk.held)
    if held:
        Attempt.objects.filter(
            pk__in=held, lease_token__in=held.values(), state=AttemptState.CALLING.value
        ).update(lease_until=now + desk.pace.lease)


def reclaim(*, provider_id: int, now: datetime, furthest: timedelta) -> int:
    """Take back attempts whose lease ran out; return how many.

    Their calls in flight are closed as cut off, their step is asked again; the third claim without
    an answer ends the attempt as crashed. A lease further ahead than `furthest` is the mark of a
    clock that jumped back, and counts as run out.
    """
    lost = Attempt.objects.filter(
        state=AttemptState.CALLING.value, run__provider_id=provider_id
    ).exclude(lease_until__range=(now, now + furthest))
    taken = 0
    for attempt in lost.select_related("run", "login")[:200]:
        try:
            taken += _take_back(attempt, now=now)
        except LostRace:
            continue  # its worker, or another reclaimer, was quicker
    return taken


def _take_back(attempt: Attempt, *, now: datetime) -> int:
    with transaction.atomic():
        learning.unlearn_flag(attempt)
        if attempt.run.state in (RunState.CANCELLED.value, RunState.CLOSED.value):
            attempt.call_off(why=THE_RUN_HAD_ENDED, now=now)
        elif attempt.starts >= STARTS_ALLOWED:
            learning.give_up(
                attempt,
                outcome=Outcome.PROVIDER_FAULT,
                reason=Reason.CRASHED,
                message=f"The worker died {attempt.starts} times in a row on this login.",
                now=now,
            )
        else:
            attempt.step_to(
                AttemptState.DUE, not_before=now, lease_token="", lease_until=None, slot=None
            )
        recorder.cut_off(
            attempt_id=attempt.pk,
            at=now,
            error="No answer known: the worker stopped before it could write the answer down.",
        )
    return 1


def earliest(*, provider_id: int) -> datetime | None:
    """Return when the next waiting attempt may go on, or None when nothing waits.

    Looks at the first row of each part of the index `attempt_due`, however many wait behind it.
    """
    awake = Run.objects.filter(
        pk=OuterRef("run"), state=RunState.OPEN.value, provider_id=provider_id
    )
    due = Attempt.objects.filter(Exists(awake), state=AttemptState.DUE.value)
    firsts = [
        # "IN" of one: for a plain False Django writes NOT, which SQLite's index does not serve.
        Subquery(
            due.filter(paced__in=[paced], rank=rank).order_by("not_before").values("not_before")[:1]
        )
        for paced in (False, True)
        for rank in (RANK_CUSTOMER, RANK_PERSON, RANK_DAILY)
    ]
    going = ProviderRow.objects.filter(pk=provider_id, paused_at__isnull=True)
    found = going.values_list(*firsts).first() or ()
    return min((moment for moment in found if moment is not None), default=None)
