"""Whose turn it is, and whether a run may go on: asked for every call, so SQL by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from refreshops.logins.models import Login
from refreshops.routine.models import Attempt
from refreshops.tracing import statements

# The order is that of the index `attempt_due`: polls first, then orders of people, then the rest.
# "paced <= is a slot free" keeps a whole day's waiting logins out of the search while none is.
_NEXT = """
    SELECT {a}, {l}
      FROM routine_attempt a LEFT JOIN logins_login l ON l.id = a.login_id
     WHERE a.state = 'due'
       AND a.paced <= (SELECT EXISTS (
            SELECT 1 FROM routine_slot s WHERE s.provider_id = %s AND s.free_at <= %s))
       AND a.not_before <= %s
       AND EXISTS (
            SELECT 1 FROM routine_run r JOIN logins_provider p ON p.id = r.provider_id
             WHERE r.id = a.run_id AND r.provider_id = %s AND r.state = 'open'
               AND p.paused_at IS NULL)
       AND NOT EXISTS (
            SELECT 1 FROM routine_attempt o
             WHERE o.login_id = a.login_id AND o.state = 'calling')
     ORDER BY a.paced, a.rank, a.not_before, a.id
     LIMIT 1
"""
_LOCKED = " FOR UPDATE OF a SKIP LOCKED"
_STANDING = """
    SELECT r.state, p.paused_at, l.status
      FROM routine_attempt a
      JOIN routine_run r ON r.id = a.run_id
      JOIN logins_provider p ON p.id = r.provider_id
      LEFT JOIN logins_login l ON l.id = a.login_id
     WHERE a.id = %s
"""
# "id + 0": a smallest id is not to be looked for along the whole trace, but among the few calls.
_SWITCHED_SINCE = """
    SELECT 1
      FROM routine_attempt o JOIN tracing_call c ON c.attempt_id = o.id
     WHERE o.login_id = %s AND o.purpose IN ('switch_off', 'switch_on')
       AND c.id > (SELECT MIN(id + 0) FROM tracing_call WHERE attempt_id = %s)
     LIMIT 1
"""
_TOLD = """
    SELECT l.last_refresh_at >= COALESCE((
            SELECT c.sent_at FROM tracing_call c
             WHERE c.id = (SELECT MIN(id + 0) FROM tracing_call WHERE attempt_id = %s)), %s)
      FROM logins_login l JOIN logins_provider p ON p.id = l.provider_id
     WHERE l.id = %s AND l.last_refresh_at > %s
       AND EXISTS (
            SELECT 1 FROM tracing_delivery d
             WHERE d.login_id = l.login_id AND d.provider = p.name AND d.state = 'applied'
               AND d.settled_at >= %s)
"""
# Of a login that was told of so lately an answer about an earlier refresh is an old one. For a
# day: a provider that goes on saying something older is believed in the end.
TOLD_LASTS = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
BEFORE_WE_ASKED, SINCE_WE_ASKED = "before we asked", "since we asked"


@dataclass(frozen=True)
class Standing:
    """What may stop an attempt between two calls, read afresh."""

    run_state: str
    provider_paused: bool
    login_status: str | None


def next_due(*, provider_id: int, now: datetime) -> Attempt | None:
    """Return the attempt whose turn it is, with its login, locked where the database can lock rows.

    None while the run or the provider is paused, or when all that are due need a slot and none is
    free.
    """
    lock = _LOCKED if connection.features.has_select_for_update_skip_locked else ""
    found = statements.fetch_models(
        _NEXT + lock, [provider_id, now, now, provider_id], a=Attempt, l=Login
    )
    if found is None:
        return None
    attempt: Attempt = found[0]
    attempt.login = found[1]
    return attempt


def hold_login(login_id: int, *, wait: bool = True) -> bool:
    """Lock a login's row where the database can: orders lock logins first, then attempts, too.

    Who has locked the attempt before must not `wait`: False when somebody else holds the login.
    """
    if not connection.features.has_select_for_update:
        return True
    text = "SELECT id FROM logins_login WHERE id = %s FOR NO KEY UPDATE"
    text += "" if wait else " SKIP LOCKED"
    return statements.fetch(text, [login_id]) is not None


def hold_login_and_compare(login_id: int, *, than: datetime | None) -> bool:
    """Lock a login's row as `hold_login` does; tell whether we know of a newer refresh than `than`.

    One question, because every attempt that ends asks both. A `than` of None is older than any.
    """
    text = "SELECT last_refresh_at > %s FROM logins_login WHERE id = %s"
    if connection.features.has_select_for_update:
        text += " FOR NO KEY UPDATE"
    found = statements.fetch(text, [than or LONG_AGO, login_id])
    return found is not None and bool(found[0])


def switched_since(attempt: Attempt) -> bool:
    """Tell whether an order to switch its login left us after this attempt's first call.

    What the attempt heard of the flag may then be older than the order. By the ids of the calls:
    a clock may have jumped meanwhile.
    """
    return statements.fetch(_SWITCHED_SINCE, [attempt.login_id, attempt.pk]) is not None


def told_of_a_newer_refresh(attempt: Attempt, *, than: datetime | None, now: datetime) -> str:
    """Say when the login's newest refresh was, if a delivery told of it and `than` is older.

    `BEFORE_WE_ASKED` for the attempt's first time, or `SINCE_WE_ASKED`; empty when none did. A
    `than` of None is older than anything.
    """
    parameters = [attempt.pk, LONG_AGO, attempt.login_id, than or LONG_AGO, now - TOLD_LASTS]
    found = statements.fetch(_TOLD, parameters)
    if found is None:
        return ""
    return SINCE_WE_ASKED if found[0] else BEFORE_WE_ASKED


def standing(attempt_id: int) -> Standing:
    """Return the state of an attempt's run, provider and login."""
    found = statements.fetch(_STANDING, [attempt_id])
    if found is None:
        raise LookupError(f"attempt {attempt_id}")
    return Standing(found[0], found[1] is not None, found[2])
