"""The access token that all calls to a provider share: kept sealed, fetched by one for all.

Who finds none fetches it on behalf of the attempt it holds, and everybody else waits. A fetch is
traced like any call, and its lease is that attempt's: a killed worker holds nothing up for long.
Source: issue 6 A, reference/flanks-api.md section 1.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection

from refreshops.bankdata.vault import Sealed
from refreshops.logins.models import PauseKind
from refreshops.providers.contract import Grant, Halt, Heard, State, Step, Wait
from refreshops.routine import lanes
from refreshops.routine.models import AccessToken, Attempt
from refreshops.rules.lifecycle import AttemptState
from refreshops.tracing import statements

if TYPE_CHECKING:
    from refreshops.routine.desk import Desk

logger = logging.getLogger(__name__)

# A token is given up a little early, so that none dies on its way.
MARGIN = timedelta(seconds=60)
AGAIN_AFTER = timedelta(seconds=5)
FAULTS_BEFORE_PAUSE = 3
FAULT_PAUSE = timedelta(minutes=5)
# Asked for every claim: no query is built for it.
_KEPT = "SELECT {t} FROM routine_accesstoken t WHERE t.provider_id = %s"
WHY_PAUSED = (
    "The provider gave no access token three times in a row; nothing can be asked without one."
)


@dataclass(frozen=True)
class Held:
    """A token as one process holds it; `serial` tells it from those before and after."""

    serial: int
    good_until: datetime
    text: str = field(repr=False)


def in_hand(desk: "Desk", *, now: datetime) -> Held | None:
    """Return the token this process last saw, without asking the database, while it is good."""
    held = desk.token
    return held if held is not None and now < held.good_until else None


def look_up(desk: "Desk", *, now: datetime) -> Held | None:
    """Return the token as the database has it now; None when one must be fetched first."""
    found = statements.fetch_models(_KEPT, [desk.row.pk], t=AccessToken)
    desk.token = _held(desk, found[0] if found else None)
    return in_hand(desk, now=now)


def _held(desk: "Desk", row: AccessToken | None) -> Held | None:
    if row is None or row.sealed is None or row.good_until is None:
        return None
    if desk.token is not None and desk.token.serial == row.serial:
        return desk.token
    try:
        return Held(row.serial, row.good_until, str(desk.vault.open(row.sealed)))
    except Sealed:
        return None  # its key was taken away: fetch another


def begin_fetch(desk: "Desk", attempt: Attempt, *, now: datetime) -> bool:
    """Take the fetch upon this attempt, in the transaction of its claim; False while it is not
    ours: another attempt fetches, has just fetched, or it is too early after a fault.
    """
    AccessToken.objects.get_or_create(provider_id=desk.row.pk)
    rows = AccessToken.objects.filter(provider_id=desk.row.pk)
    skips = connection.features.has_select_for_update_skip_locked
    row = rows.select_for_update(skip_locked=skips).first()
    if row is None or (row.fetch_after is not None and now < row.fetch_after <= now + AGAIN_AFTER):
        return False
    held = _held(desk, row)
    if held is not None and now < held.good_until:
        return False  # fetched since we looked
    return not _is_being_fetched(row, attempt) and _take(row, attempt)


def _is_being_fetched(row: AccessToken, attempt: Attempt) -> bool:
    if row.fetching_attempt_id in (None, attempt.pk):
        return False
    others = Attempt.objects.filter(pk=row.fetching_attempt_id)
    return others.filter(state=AttemptState.CALLING.value).exists()


def _take(row: AccessToken, attempt: Attempt) -> bool:
    row.fetching_attempt_id = attempt.pk
    row.save(update_fields=["fetching_attempt_id"])
    return True


def after_fetch(
    desk: "Desk", state: State, heard: Heard, *, now: datetime
) -> tuple[Step, Grant | None]:
    """Say what follows for the attempt on whose behalf a token was fetched, and the token."""
    said = desk.provider.read_token(heard, now=now)
    match said:
        case Grant() if said.lasts > timedelta(0):
            return Wait(now, state), said
        case Halt():
            return Halt(said.kind, said.reason, said.until, state), None
    return ask_again(state, now=now), None


def ask_again(state: State, *, now: datetime) -> Wait:
    """Let an attempt rest whose fetch of a token came to nothing, through no fault of its own."""
    return Wait(now + AGAIN_AFTER, state, note="the provider gave no access token")


def settle(
    desk: "Desk",
    attempt: Attempt,
    grant: Grant | None,
    *,
    sealed: bytes | None,
    is_fault: bool,
    now: datetime,
) -> None:
    """Write down what a fetch came to, in the transaction that records its answer.

    Only for the attempt that fetches still: another may have been quicker meanwhile. A token is
    told to nobody before that transaction is committed: who needs it looks it up. What pauses the
    provider by itself `is_fault` not.
    """
    rows = AccessToken.objects.select_for_update()
    row = rows.filter(provider_id=desk.row.pk, fetching_attempt_id=attempt.pk).first()
    if row is None:
        return
    row.fetching_attempt_id = None
    if grant is not None:
        row.sealed, row.serial, row.faults, row.fetch_after = sealed, row.serial + 1, 0, None
        row.good_until = now + max(grant.lasts - MARGIN, grant.lasts / 2)
    else:
        row.faults, row.fetch_after = row.faults + is_fault, now + AGAIN_AFTER
        if row.faults >= FAULTS_BEFORE_PAUSE:
            row.faults = 0
            lanes.pause(
                provider_id=desk.row.pk,
                kind=PauseKind.TOKEN,
                why=WHY_PAUSED,
                now=now,
                resume_at=now + FAULT_PAUSE,
            )
    row.save()


def refused(desk: "Desk", *, serial: int | None) -> None:
    """Forget a token the provider refused, unless another has taken its place already."""
    if desk.token is not None and desk.token.serial == serial:
        desk.token = None
    rows = AccessToken.objects.filter(provider_id=desk.row.pk)
    rows.filter(serial=serial or 0).update(sealed=None)
