"""When Flinks stops refreshing a login by itself: what its answers tell about the seven-day clock.

A login stays in the nightly refresh with a successful refresh and a cached call within 7 days, and
while its last error is on Flinks's own list. Source: reference/flinks-api.md section 4,
outcomes.md section 6.
"""

from datetime import datetime, timedelta

from refreshops.providers.contract import Subject
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.turns import Learned, Turn
from refreshops.rules.eligibility import drops_out_at
from refreshops.rules.freshness import is_in_the_future
from refreshops.rules.outcomes import Outcome, Reason

STAYS_FOR = timedelta(days=7)

# Answers about us, about the moment, or about an id nobody knows: no word about a refresh.
_SAY_NOTHING = frozenset(
    {Outcome.OUR_CONFIG, Outcome.THROTTLED, Outcome.PENDING, Outcome.PROVIDER_FAULT}
)
# The call was turned away before anybody looked at the login.
_NOT_ASKED = frozenset({Reason.KEYS, Reason.TOO_FAST, Reason.UNKNOWN_LOGIN})


def after(learned: Learned, turn: Turn) -> Learned:
    """Return what was learned with what this answer says about the clock."""
    stays = stays_by(turn)
    if learned.stays is not None and turn.kind is not CallKind.CACHED:
        stays = None  # data that came does not take back what the Authorize said
    asked = turn.kind is CallKind.CACHED and turn.meaning.reason not in _NOT_ASKED
    return learned.and_clock(stays=stays, asked_at=turn.now if asked else None)


def stays_by(turn: Turn) -> bool | None:
    """Tell whether Flinks goes on refreshing this login, by one answer; None when it is no word.

    An Authorize repeats how the last refresh ended. Data that came says that it is not in error.
    """
    if turn.kind in (CallKind.DATA, CallKind.POLL):
        return True if turn.succeeded else None
    if turn.kind not in (CallKind.CACHED, CallKind.LIVE) or turn.detail:
        return None
    if turn.succeeded or turn.meaning.stays_nightly:
        return True
    if turn.meaning.outcome in _SAY_NOTHING or turn.meaning.reason is Reason.UNKNOWN_LOGIN:
        return None
    # A status without any code may come from a gateway on the way; an MFA challenge does not.
    said = turn.answer.code or turn.meaning.outcome is not Outcome.UNKNOWN
    return False if said else None


def drops_out(learned: Learned, subject: Subject, *, now: datetime) -> datetime | None:
    """Return when the login drops out, from what this attempt learned and what we knew; or None.

    One that stays has 7 days from the older of its last refresh and our last cached call. One whose
    error is not on the list is out now, or was out before.
    """
    if learned.stays is None:
        return None
    refreshed_at = _believed(learned.last_refresh_at, now) or _believed(
        subject.last_refresh_at, now
    )
    asked_at = learned.asked_at or subject.last_asked_at
    if not learned.stays:
        known = [moment + STAYS_FOR for moment in (refreshed_at, asked_at) if moment]
        return min([now, *known])
    if asked_at is None or (refreshed_at is None and not learned.never_refreshed):
        return None
    return drops_out_at(
        last_refresh_at=None if learned.never_refreshed else refreshed_at,
        last_asked_at=asked_at,
        within=STAYS_FOR,
    )


def _believed(moment: datetime | None, now: datetime) -> datetime | None:
    if moment is None or is_in_the_future(refreshed_at=moment, now=now):
        return None
    return moment
