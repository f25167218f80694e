"""Why a waiting order has not begun, in one sentence for people."""

from datetime import datetime, time

from django.utils.timezone import localtime

from refreshops.routine.models import Run
from refreshops.rules.lifecycle import RunState


def why_it_waits(run: Run) -> str:
    """Say what a waiting run waits for; an empty text for any other."""
    if run.state != RunState.WAITING.value:
        return ""
    unapproved = run.needs_approval and run.approved_at is None
    begins = f"egins on {moment_words(run.starts_at)}." if run.starts_at else ""
    if unapproved and begins:
        return f"Waits for a second person's approval; then b{begins}"
    if unapproved:
        return "Waits for a second person's approval."
    return f"B{begins}" if begins else "Begins within a minute."


def moment_words(moment: datetime) -> str:
    """Write a moment as people say it here: the day, and the time unless it is midnight."""
    at = localtime(moment)
    day = f"{at.day} {at:%B %Y}"
    return day if at.time() == time(0) else f"{day} at {at:%H:%M}"
