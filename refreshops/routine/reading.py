"""Reading an answer: what the trace keeps of it, what follows, and what of it is sealed.

No row is written here. Our own mistakes in reading park one login, never the provider's others.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from refreshops.bankdata import pieces
from refreshops.providers.contract import (
    Answer,
    Ask,
    Done,
    Envelope,
    Grant,
    Halt,
    Heard,
    Result,
    Silence,
    Step,
    Wait,
)
from refreshops.routine import access, lanes, learning
from refreshops.routine.desk import Desk, Work
from refreshops.rules.outcomes import Outcome, Reason

logger = logging.getLogger(__name__)

# What the trace keeps of an answer that our own reading broke on.
UNREAD = Envelope(None, "", "This answer could not be read; see the log.", "", "", {})


@dataclass(frozen=True)
class Reading:
    """What an answer said and led to; `sealed` is what of it is secret, encrypted already."""

    envelope: Envelope | None
    step: Step
    sealed: bytes | None = None
    grant: Grant | None = None


def read(desk: Desk, work: Work, heard: Heard, *, now: datetime) -> Reading:
    """Read what was heard; raises nothing, whatever it is."""
    try:
        return _read(desk, work, heard, now=now)
    except Exception:
        logger.exception("Attempt %s broke on an answer", work.attempt.pk)
        unread = UNREAD if isinstance(heard, Answer) else None
        return Reading(unread, _after_a_break(work, now=now))


def _read(desk: Desk, work: Work, heard: Heard, *, now: datetime) -> Reading:
    envelope = desk.provider.envelope(work.call, heard) if isinstance(heard, Answer) else None
    step, grant = _what_follows(desk, work, heard, now=now)
    if isinstance(step, Done) and work.conversation.gathers:
        step = Done(_gathered(desk, work, step))
    sealed = [desk.vault.seal(secret) for secret in _secrets(step, grant)]
    return Reading(envelope, step, sealed[0] if sealed else None, grant)


def _gathered(desk: Desk, work: Work, done: Done) -> Result:
    """Return a result with all that the attempt's calls brought, the last one's included."""
    brought = pieces.contents(work.attempt.pk, open_sealed=desk.vault.open)
    if done.piece is not None:
        brought[done.piece.name] = done.piece.content
    return work.conversation.gathered(done.result, brought)


def _secrets(step: Step, grant: Grant | None) -> list[Any]:
    """Return what is kept encrypted, one at most: a token, a piece, a way on, bank data."""
    if grant is not None:
        return [grant.token]
    if isinstance(step, Ask | Wait):
        return [step.piece.content] if step.piece is not None else []
    if not isinstance(step, Done):
        return []
    if step.result.handover is not None:
        return [asdict(step.result.handover)]
    data = step.result.bank_data
    return [data.payload] if data is not None and data.payload is not None else []


def _after_a_break(work: Work, *, now: datetime) -> Step:
    """End a login on whose answer our own script broke; it parks this one and no other.

    No login is to blame for an access token that we cannot read.
    """
    if work.fetches_token:
        return access.ask_again(work.state, now=now)
    return Done(
        Result(
            Outcome.OUR_CONFIG,
            learning.held_state(work.attempt, now=now),
            reason=Reason.CRASHED,
            message="Our own reading of this answer failed; the log holds the details.",
        )
    )


def _what_follows(
    desk: Desk, work: Work, heard: Heard, *, now: datetime
) -> tuple[Step, Grant | None]:
    """Ask the conversation what follows, or what a token that was fetched leads to.

    Where the provider as a whole is silent, the login is not to blame: its try does not count.
    """
    if isinstance(heard, Silence) and heard.kind == "network" and lanes.is_suspect(desk.row):
        reason = lanes.away_because(desk.row, detail=heard.detail)
        return Halt("network", reason, now + lanes.NETWORK_PAUSE, work.state), None
    if work.fetches_token:
        return access.after_fetch(desk, work.state, heard, now=now)
    return work.conversation.heard(work.subject, work.state, heard, now=now), None
