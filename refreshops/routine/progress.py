"""Where a run stands, in numbers and in one sentence: for the run page and the command line."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import localtime

from refreshops.routine.models import Attempt, Run
from refreshops.routine.paces import NO_PACE, Pace, paces, places
from refreshops.routine.tallies import Tally, tallies, tally_of_totals
from refreshops.routine.waits import why_it_waits
from refreshops.rules.lifecycle import RunState
from refreshops.rules.pacing import forecast
from refreshops.tracing.models import Call

# Said of a run that could go on at once.
WAITS_FOR_A_WORKER = "Waiting for a worker."


@dataclass(frozen=True)
class Progress:
    """A run at one moment. Counts are logins; `calls` are HTTP exchanges, None when not counted.

    `lasts` is how long the rest takes at the limit, once it goes on.
    """

    run_id: int
    state: str
    planned: int
    done: int
    cancelled: int
    due: int
    calling: int
    outcomes: dict[str, int]
    data_states: dict[str, int]
    calls: int | None
    limit: int
    slots_used: int
    lasts: timedelta
    eta_at: datetime | None
    waits_because: str

    @property
    def ended(self) -> int:
        """Logins that nothing more happens to."""
        return self.done + self.cancelled

    @property
    def percent(self) -> int:
        """Share of ended logins, 100 only when all have ended.

        Of an ended run the share that was asked: what was called off is not done.
        """
        over = self.state in (RunState.CLOSED, RunState.CANCELLED)
        if self.planned == 0:
            return 100 if over else 0
        return min(100, (self.done if over else self.ended) * 100 // self.planned)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers with ISO times."""
        found = asdict(self) | {"ended": self.ended, "percent": self.percent}
        found["lasts"] = self.lasts.total_seconds()
        found["eta_at"] = self.eta_at.isoformat() if self.eta_at else None
        return found


def progress_of(run: Run, *, now: datetime, window: timedelta) -> Progress:
    """Count a run with its calls; a closed one is read from its own totals."""
    every = Attempt.objects.all()
    tally = kept_tally(run) or tallies(every, [run.pk])[run.pk]
    pace = paces([run], attempts=every, now=now).get(run.pk, NO_PACE)
    calls = kept_calls(run)
    if calls is None:
        calls = Call.objects.filter(run_id=run.pk).count()
    # Its provider may have been paused, or its limit changed, since the run was read.
    run.provider.refresh_from_db()
    return progress(run, tally, pace, calls=calls, now=now, window=window)


def kept_tally(run: Run) -> Tally | None:
    """Return what an ended run keeps itself, None while it is open or waits."""
    return tally_of_totals(run.totals) if run.closed_at is not None and run.totals else None


def kept_calls(run: Run) -> int | None:
    """Return how many calls an ended run made, None while it is open or waits."""
    return run.totals.get("calls") if run.closed_at is not None and run.totals else None


def progress(
    run: Run, tally: Tally, pace: Pace, *, calls: int | None, now: datetime, window: timedelta
) -> Progress:
    """Say where `run` stands, from its counts and its pace; asks the database nothing."""
    lasts = _lasts(run, tally, pace, window=window)
    return Progress(
        run_id=run.pk,
        state=run.state,
        planned=run.planned,
        done=tally.done,
        cancelled=tally.cancelled,
        due=tally.due,
        calling=tally.calling,
        outcomes=dict(tally.outcomes),
        data_states=dict(tally.data_states),
        calls=calls,
        limit=run.provider.logins_per_minute,
        slots_used=pace.slots_used,
        lasts=lasts,
        eta_at=_eta(run, tally, pace, lasts=lasts, now=now),
        waits_because=_waits_because(run, tally, pace, now=now),
    )


def _lasts(run: Run, tally: Tally, pace: Pace, *, window: timedelta) -> timedelta:
    """How long the logins take that still need a slot, and those before them in the queue."""
    own = max(0, tally.due - pace.unpaced)
    if own == 0:
        return timedelta(0)
    return forecast(
        logins=places(run.purpose, logins=own, begun=pace.begun) + pace.ahead,
        per_window=run.provider.logins_per_minute,
        window=window,
        busy=pace.slots_used,
    )


def _eta(run: Run, tally: Tally, pace: Pace, *, lasts: timedelta, now: datetime) -> datetime | None:
    """When the last login will have been asked, at the limit; None while nothing moves."""
    if run.state != RunState.OPEN or run.provider.paused_at is not None:
        return None
    if tally.due <= pace.unpaced:
        return max(pace.polls_until or now, now)
    return max(now + lasts, pace.rests_until or now)


def _waits_because(run: Run, tally: Tally, pace: Pace, *, now: datetime) -> str:
    """Say in one sentence why nothing moves, or return an empty text while it does."""
    provider = run.provider
    if run.state in (RunState.CLOSED, RunState.CANCELLED):
        return ""
    if run.state == RunState.WAITING:
        return why_it_waits(run)
    if run.state == RunState.PAUSED:
        return run.state_reason
    if provider.paused_at is not None:
        again = ""
        if provider.resume_at:
            again = f" Next try at {localtime(provider.resume_at):%H:%M}."
        why = provider.paused_reason.rstrip(". ")
        return f"{provider} is paused: {why}.{again}"
    if tally.calling:
        return ""
    if pace.ready:
        if pace.slots_used >= provider.logins_per_minute:
            return _all_used(provider.logins_per_minute)
        return WAITS_FOR_A_WORKER
    return _next_words(pace, now=now)


def _all_used(limit: int) -> str:
    if limit == 1:
        return "The one slot of this minute is used."
    return f"All {limit} slots of this minute are used."


def _next_words(pace: Pace, *, now: datetime) -> str:
    if pace.next_at is None:
        return ""
    what = pace.waits_for or "waiting for the next step"
    at = localtime(pace.next_at)
    day = "" if at.date() == localtime(now).date() else f"{at:%d %B} "
    return f"{what[:1].upper()}{what[1:]}; next at {day}{at:%H:%M:%S}."
