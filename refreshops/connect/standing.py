"""Where a customer with a link stands, read from the link and the attempt that works for it."""

from datetime import datetime, timedelta
from enum import StrEnum

from refreshops.connect.links import MOST_STARTS
from refreshops.logins.models import ConnectLink, Provider
from refreshops.routine import connecting
from refreshops.routine.connecting import is_over
from refreshops.routine.models import Attempt
from refreshops.routine.turns import LONGEST_WAIT
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome

# A link that was clicked as often as it may be still shows what its last click came to.
SHOWN_FOR = timedelta(hours=1)
# What came back and is refused at once looks for a moment like what the provider is asked about:
# nobody learns from the time whether a connection is known here.
LOOKED_AT_FOR = timedelta(seconds=4)

# A worker takes what is due within seconds; who waits before a screen is told when none does.
TAKEN_WITHIN = timedelta(minutes=3)

CAME_BACK = frozenset({Purpose.REFRESH.value, Purpose.CONNECT.value})


class Standing(StrEnum):
    """What there is to do or to wait for."""

    START = "start"
    WAITING = "waiting"
    GO = "go"
    HANDED = "handed"
    FETCHING = "fetching"
    DONE = "done"
    AGAIN = "again"
    REFUSED = "refused"
    LATER = "later"


UNDER_WAY = frozenset({Standing.WAITING, Standing.GO, Standing.FETCHING})


def leads_somewhere(link: ConnectLink, *, now: datetime) -> bool:
    """Tell whether a link that is alive may still be used: not worn out, its login still wanted
    and still its customer's.
    """
    if link.ended_at is not None:
        return True
    if connecting.why_not_asked(link):
        return False
    worn_out = link.starts >= MOST_STARTS
    return not worn_out or (link.started_at is not None and now < link.started_at + SHOWN_FOR)


def standing_of(link: ConnectLink, attempt: Attempt | None, *, now: datetime) -> Standing:
    """Return where a link stands. `attempt` is what works for it now, None where nothing does."""
    if link.ended_at is not None:
        return Standing.DONE
    if link.refused_why:
        looked = link.returned_at is None or now >= link.returned_at + LOOKED_AT_FOR
        return Standing.REFUSED if looked else Standing.FETCHING
    if attempt is None:
        return _without_attempt(link)
    if not is_over(attempt):
        return _meanwhile(link, attempt, now=now)
    return _afterwards(link, attempt, now=now)


def look(link: ConnectLink, *, now: datetime) -> Standing:
    """Read where a link stands. An attempt that ends while we look is seen with what it left."""
    attempt = connecting.attempt_of(link)
    if attempt is not None and is_over(attempt):
        # The link was read before its attempt: what both were told in one transaction came between.
        link.refresh_from_db()
        if link.attempt_id != attempt.pk:
            attempt = connecting.attempt_of(link)
    return standing_of(link, attempt, now=now)


def is_held(provider: Provider, *, now: datetime) -> bool:
    """Tell whether a provider is paused for longer than anybody waits before a screen."""
    if provider.paused_at is None:
        return False
    return provider.resume_at is None or provider.resume_at > now + LONGEST_WAIT


def _without_attempt(link: ConnectLink) -> Standing:
    """Where the provider wants nothing prepared, a click leads straight to its page, once."""
    if link.started_at is None:
        return Standing.START
    return Standing.HANDED if _was_handed(link) else Standing.GO


def _was_handed(link: ConnectLink) -> bool:
    """Tell whether the customer was sent on since the last click."""
    if link.handed_at is None or link.started_at is None:
        return False
    return link.handed_at >= link.started_at


def _meanwhile(link: ConnectLink, attempt: Attempt, *, now: datetime) -> Standing:
    if attempt.purpose in CAME_BACK:
        return Standing.FETCHING
    # Nobody took it although its turn came: no worker is there.
    overdue = attempt.state == AttemptState.DUE.value and now > attempt.not_before + TAKEN_WITHIN
    held = overdue or is_held(link.provider, now=now)
    return Standing.LATER if held else Standing.WAITING


def _afterwards(link: ConnectLink, attempt: Attempt, *, now: datetime) -> Standing:
    if attempt.state == AttemptState.CANCELLED.value:
        return Standing.LATER
    if link.sealed_handover is not None:
        alive = link.handover_until is not None and now < link.handover_until
        return Standing.GO if alive else Standing.AGAIN
    if attempt.purpose not in CAME_BACK and _was_handed(link):
        return Standing.HANDED
    # What needed the customer can be tried again at once. The rest, whatever it was, is not theirs.
    tries_again = attempt.outcome in (Outcome.USER_ACTION.value, Outcome.STALE.value)
    return Standing.AGAIN if tries_again else Standing.LATER
