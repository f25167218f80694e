"""Reads the answer to the token call (reference/flanks-api.md section 1)."""

import re
from datetime import datetime, timedelta

from refreshops.providers.contract import Answer, Grant, Halt, Heard, Silence, Subject
from refreshops.providers.flanks.answers import matched
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.turns import Turn, told, turn_of
from refreshops.providers.redaction import Scrubber
from refreshops.providers.scripts import KEYS_PAUSE, pause_until
from refreshops.rules.outcomes import Outcome

# What Flanks documents; its own word counts where it says one.
USUALLY_LASTS = timedelta(hours=1)
LONGEST = timedelta(days=1)
# One that is told to die at once is tried all the same: fetching another would bring no better.
SHORTEST = timedelta(seconds=1)
THROTTLED_PAUSE = timedelta(minutes=1)

_TOKEN = re.compile(r"[!-~]{4,8192}")


def read_token(heard: Heard, *, now: datetime, clean: Scrubber) -> Grant | Halt | None:
    """Return the token; a halt when our keys are refused or we are too fast; None for a fault."""
    turn = turn_of(Subject(""), {}, heard, now=now, kind=CallKind.TOKEN)
    if turn.succeeded and isinstance(heard, Answer):
        token = matched(_TOKEN, heard.body.get("access_token")) if _is_object(heard) else ""
        return Grant(token, _lasts(heard.body.get("expires_in"))) if token else None
    if turn.meaning.outcome is Outcome.OUR_CONFIG:
        return Halt("keys", _reason(turn, clean, heard), now + KEYS_PAUSE, {})
    if turn.meaning.outcome is Outcome.THROTTLED:
        until = pause_until(turn.answer.retry_after, now=now, otherwise=THROTTLED_PAUSE)
        return Halt("throttled", "Flanks asks us to slow down", until, {})
    return None


def _is_object(heard: Answer) -> bool:
    return isinstance(heard.body, dict)


def _lasts(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return USUALLY_LASTS
    return max(SHORTEST, timedelta(seconds=min(value, LONGEST.total_seconds())))


def _reason(turn: Turn, clean: Scrubber, heard: Heard) -> str:
    said = clean(turn.detail) if isinstance(heard, Silence) else told(turn.answer, clean=clean)
    meaning = turn.meaning.meaning.rstrip(".")
    return f"{meaning}: {said}" if said else meaning
