"""Pausing and resuming a whole provider, so that a wrong key or a dead network burns nothing.

After a pause of its own a machine tries again by itself. Such a try is told only once it has held:
an outage is one pause and one resume in the story, however often it was looked for. While it is on
trial, `paused_at` is empty, `resume_at` says since when, and `paused_kind` what it was paused for.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, When

from refreshops.logins.models import PauseKind, Provider
from refreshops.tracing.events import BY_ITSELF, Action, note

# So many calls in a row without an answer mean that the provider, not a login, is away.
SILENCES_BEFORE_PAUSE = 5
NETWORK_PAUSE = timedelta(minutes=5)
# A call of the next try has ended well before: `slots.LONGEST_CALL` is 4 minutes.
HELD_AFTER = timedelta(minutes=10)


def pause(
    *,
    provider_id: int,
    kind: PauseKind,
    why: str,
    now: datetime,
    resume_at: datetime | None = None,
    by: Any = BY_ITSELF,
) -> bool:
    """Pause a provider; True when this call did it.

    The first machine's pause stands; a person's takes the place of any other, in one statement.
    The same once more, as by a double click, is no other. One that ends a trial of the same kind is
    the old one going on: it is not told again.
    """
    found = Provider.objects.filter(pk=provider_id)
    if kind is not PauseKind.PERSON:
        found = found.filter(paused_at__isnull=True)
    reason = why[:500] or kind.label
    same = {
        "paused_kind": kind.value,
        "paused_reason": reason,
        "paused_by": getattr(by, "pk", None),
    }
    fields = {"paused_at": now, "resume_at": resume_at, **same}
    with transaction.atomic():
        on_trial = found.filter(paused_at__isnull=True, resume_at__isnull=False)
        goes_on = on_trial.filter(paused_kind=kind.value).update(**fields)
        paused = goes_on or found.exclude(paused_at__isnull=False, **same).update(**fields)
        if paused and not goes_on:
            details = {"kind": kind.label}
            _tell(provider_id, Action.PAUSE_PROVIDER, by=by, at=now, reason=reason, details=details)
    return bool(paused)


def resume(*, provider_id: int, now: datetime, by: Any = BY_ITSELF) -> bool:
    """Let calls go out again; True when the provider was paused."""
    with transaction.atomic():
        resumed = Provider.objects.filter(pk=provider_id, paused_at__isnull=False).update(
            paused_at=None,
            paused_by=None,
            paused_kind="",
            paused_reason="",
            resume_at=None,
            silences=0,
        )
        if resumed:
            _tell(provider_id, Action.RESUME_PROVIDER, by=by, at=now)
    return bool(resumed)


def _tell(provider_id: int, action: Action, **fields: Any) -> None:
    name = Provider.objects.values_list("name", flat=True).get(pk=provider_id)
    note(action, provider=name, subject=("provider", provider_id), **fields)


def resume_when_due(*, provider_id: int, now: datetime) -> bool:
    """Send the next probe once its time has come: one further failure pauses again.

    The provider is on trial then; True when this call let it go. Tell of one that has held.
    """
    _tell_what_has_held(provider_id=provider_id, now=now)
    waiting = Provider.objects.filter(pk=provider_id, resume_at__lte=now, paused_at__isnull=False)
    if not waiting.exists():
        # Most rounds find nothing, and must not write.
        return False
    suspicion = Case(
        When(paused_kind=PauseKind.NETWORK.value, then=SILENCES_BEFORE_PAUSE - 1), default=0
    )
    return bool(
        waiting.update(
            paused_at=None, paused_by=None, paused_reason="", resume_at=now, silences=suspicion
        )
    )


def _tell_what_has_held(*, provider_id: int, now: datetime) -> None:
    """End a trial: at an answer to what had been silent, else when it has gone well for a while."""
    answered = Q(paused_kind=PauseKind.NETWORK.value, silences=0)
    held = Provider.objects.filter(
        answered | Q(resume_at__lte=now - HELD_AFTER) | Q(resume_at__gt=now + HELD_AFTER),
        pk=provider_id,
        paused_at__isnull=True,
        resume_at__isnull=False,
    )
    since = held.values_list("resume_at", flat=True).first()
    if since is None:
        return
    with transaction.atomic():
        if held.filter(resume_at=since).update(resume_at=None, paused_kind=""):
            _tell(provider_id, Action.RESUME_PROVIDER, by=BY_ITSELF, at=min(since, now))


def is_suspect(row: Provider) -> bool:
    """Tell whether one more silence is the provider's and not a login's: it is away."""
    return row.silences >= SILENCES_BEFORE_PAUSE - 1


def away_because(row: Provider, *, detail: str) -> str:
    """Say for people why a silent provider is paused."""
    return (
        f"No answer to {max(row.silences + 1, SILENCES_BEFORE_PAUSE)} calls in a row ({detail}). "
        "Check the network and the provider's address."
    )


def note_silence(*, provider_id: int, now: datetime, detail: str) -> None:
    """Count a call without an answer, and pause when there were too many in a row."""
    Provider.objects.filter(pk=provider_id).update(silences=F("silences") + 1)
    row = Provider.objects.get(pk=provider_id)
    if row.silences >= SILENCES_BEFORE_PAUSE:
        row.silences -= 1
        pause(
            provider_id=provider_id,
            kind=PauseKind.NETWORK,
            why=away_because(row, detail=detail),
            now=now,
            resume_at=now + NETWORK_PAUSE,
        )


def note_answer(*, provider_id: int) -> None:
    """Forget the silences: the provider is there."""
    Provider.objects.filter(pk=provider_id, silences__gt=0).update(silences=0)
