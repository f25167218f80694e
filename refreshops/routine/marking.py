"""What an order does to its logins when it begins: our wish, and what speaks against it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from refreshops.logins.models import Login, LoginStatus, Provider
from refreshops.routine import attempt_sql
from refreshops.routine.attempt_sql import chunks
from refreshops.routine.erasing import CALLED_OFF
from refreshops.routine.models import OPEN_ATTEMPT, OPEN_RUN, Attempt, Run
from refreshops.rules.lifecycle import Origin, Purpose, RunState

SWITCHES = (Purpose.SWITCH_OFF, Purpose.SWITCH_ON)

# What an order calls off when it begins; the rest goes on beside it.
CONTRARY: Mapping[Purpose, tuple[Purpose, ...]] = {
    Purpose.SWITCH_OFF: (
        Purpose.REFRESH,
        Purpose.LIVE_REFRESH,
        Purpose.RECONNECT,
        Purpose.SWITCH_ON,
    ),
    Purpose.SWITCH_ON: (Purpose.SWITCH_OFF, Purpose.FORGET),
    Purpose.FORGET: tuple(purpose for purpose in Purpose if purpose is not Purpose.FORGET),
}
WANTED: Mapping[Purpose, LoginStatus] = {
    Purpose.SWITCH_OFF: LoginStatus.INACTIVE,
    Purpose.SWITCH_ON: LoginStatus.ACTIVE,
    Purpose.FORGET: LoginStatus.INACTIVE,
}
SAYING: Mapping[Purpose, str] = {
    Purpose.SWITCH_OFF: "Called off: the nightly refresh was ordered off.",
    Purpose.SWITCH_ON: "Called off: the nightly refresh was ordered on.",
    Purpose.FORGET: CALLED_OFF,
}

_HOLD = "SELECT id FROM logins_login WHERE id {keys} ORDER BY id FOR NO KEY UPDATE"
_WISH = """
    UPDATE logins_login
       SET status = %s, status_changed_at = %s, status_changed_by_id = %s, status_reason = %s{proof}
     WHERE id {keys}"""


def hold(keys: Iterable[int]) -> None:
    """Lock logins in the order of their keys, as every end of an attempt does: no deadlock.

    Whoever changes what many logins wait for does this first, then runs, then attempts.
    """
    if not connection.features.has_select_for_update:
        return
    for piece in chunks(sorted(keys)):
        keys_are, values = attempt_sql.among(piece)
        with connection.cursor() as cursor:
            cursor.execute(_HOLD.format(keys=keys_are), values)


def hold_a_days(provider: Provider) -> None:
    """Lock the logins that a daily run of today is for, and those that earlier ones wait for."""
    waiting = Attempt.objects.filter(
        run__provider=provider,
        run__origin=Origin.DAILY.value,
        run__state__in=OPEN_RUN,
        state__in=OPEN_ATTEMPT,
    )
    keys = set(Login.objects.active().filter(provider=provider).values_list("pk", flat=True))
    hold(keys | {key for key in waiting.values_list("login_id", flat=True) if key is not None})


def mark(
    keys: Sequence[int],
    *,
    purpose: Purpose,
    by: Any,
    reason: str,
    now: datetime,
    begins: Run | None = None,
) -> bool:
    """Note the wish on logins we hold and call off what speaks against it; True if that was news.

    The newer order counts: when the waiting run `begins` begins, orders that were given after it
    and still wait themselves are left alone. An order that only asks marks nothing.
    """
    if purpose not in WANTED:
        return False
    newer = _waiting_since(begins) if begins else []
    news = False
    for piece in chunks(sorted(keys)):
        news |= _wish(piece, purpose, by=by, reason=reason, now=now)
        called_off = attempt_sql.call_off(
            piece, purposes=CONTRARY[purpose], message=SAYING[purpose], now=now, besides=newer
        )
        news |= called_off > 0
    return news


def _wish(keys: Sequence[int], purpose: Purpose, *, by: Any, reason: str, now: datetime) -> bool:
    """Set the status that is wanted, and who wants it why; tell whether any had another."""
    wanted = WANTED[purpose].value
    keys_are, values = attempt_sql.among(keys)
    field = Login._meta.get_field("status_changed_at")
    at = field.get_db_prep_save(now, connection)
    said = [wanted, at, getattr(by, "pk", None), reason.strip()[:500]]
    proof = ", nightly_verified_at = NULL" if purpose in SWITCHES else ""
    text = _WISH.format(keys=keys_are, proof=proof)
    news = attempt_sql.change(f"{text} AND status <> %s", [*said, *values, wanted])
    if purpose in SWITCHES and news < len(keys):
        again = f"{text} AND status = %s AND (status_changed_at IS NULL OR status_changed_at <> %s)"
        attempt_sql.change(again, [*said, *values, wanted, at])
    return news > 0


def _waiting_since(run: Run) -> list[int]:
    waiting = Run.objects.filter(state=RunState.WAITING.value, pk__gt=run.pk)
    return list(waiting.values_list("pk", flat=True))
