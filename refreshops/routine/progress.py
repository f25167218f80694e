"""Where a run stands, in numbers and in one sentence: for the run page and the command line."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.utils.timezone import localtime

from refreshops.logins.models import Provider
from refreshops.routine import learning, slots
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.routine.waits import why_it_waits
from refreshops.rules.lifecycle import AttemptState, RunState
from refreshops.rules.pacing import forecast


@dataclass(frozen=True)
class Progress:
    """A run at one moment. Counts are logins; `calls` are HTTP exchanges."""

    run_id: int
    state: str
    planned: int
    done: int
    cancelled: int
    due: int
    calling: int
    outcomes: dict[str, int]
    data_states: dict[str, int]
    calls: int
    limit: int
    slots_used: int
    eta_at: datetime | None
    waits_because: str

    @property
    def ended(self) -> int:
        """Logins that nothing more happens to."""
        return self.done + self.cancelled

    @property
    def percent(self) -> int:
        """Share of ended logins, 100 only when all have ended."""
        if self.planned == 0:
            return 100 if self.state in (RunState.CLOSED, RunState.CANCELLED) else 0
        return self.ended * 100 // self.planned

    def as_json(self) -> dict[str, Any]:
        """Return the numbers with ISO times."""
        found = asdict(self) | {"ended": self.ended, "percent": self.percent}
        found["eta_at"] = self.eta_at.isoformat() if self.eta_at else None
        return found


def progress_of(run: Run, *, now: datetime, window: timedelta) -> Progress:
    """Count a run; a closed one is read from its own totals."""
    provider = Provider.objects.get(pk=run.provider_id)
    open_now = run.closed_at is None
    counts: dict[str, Any] = (
        learning.totals_of(run.pk) if open_now or not run.totals else run.totals
    )
    used = slots.in_use(provider_id=provider.pk, now=now)
    eta = _eta(run, counts, provider=provider, used=used, now=now, window=window)
    return Progress(
        run_id=run.pk,
        state=run.state,
        planned=run.planned,
        done=counts["done"],
        cancelled=counts["cancelled"],
        due=counts["due"] if open_now else 0,
        calling=counts["calling"] if open_now else 0,
        outcomes=counts["outcomes"],
        data_states=counts["data_states"],
        calls=counts["calls"],
        limit=provider.logins_per_minute,
        slots_used=used,
        eta_at=eta,
        waits_because=_waits_because(run, provider=provider, used=used, now=now),
    )


def _eta(
    run: Run,
    counts: dict[str, Any],
    *,
    provider: Provider,
    used: int,
    now: datetime,
    window: timedelta,
) -> datetime | None:
    """When the last login will have been asked, at the limit; None while nothing moves."""
    if run.state != RunState.OPEN or provider.paused_at is not None:
        return None
    ahead = Attempt.objects.filter(
        run__provider_id=provider.pk,
        run__state=RunState.OPEN.value,
        state=AttemptState.DUE.value,
        paced=True,
    )
    rank = ahead.filter(run=run).order_by("-rank").values_list("rank", flat=True).first()
    if rank is None:
        last = (
            Attempt.objects.filter(run=run, state=AttemptState.DUE.value)
            .order_by("-not_before")
            .values_list("not_before", flat=True)
            .first()
        )
        return max(last, now) if last else now
    first = Q(run=run) | Q(rank__lt=rank) | Q(rank=rank, run__lt=run.pk)
    waiting = ahead.filter(first).count()
    length = forecast(
        logins=waiting, per_window=provider.logins_per_minute, window=window, busy=used
    )
    rests_until = ahead.filter(run=run).aggregate(at=Max("not_before"))["at"]
    return max(now + length, rests_until or now)


def _waits_because(run: Run, *, provider: Provider, used: int, now: datetime) -> str:
    """Say in one sentence why nothing moves, or return an empty text while it does."""
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
        return f"{provider} is paused: {provider.paused_reason}{again}"
    attempts = Attempt.objects.filter(run=run, state__in=OPEN_ATTEMPT)
    if attempts.filter(state=AttemptState.CALLING.value).exists():
        return ""
    if attempts.filter(not_before__lte=now, paced=True).exists():
        if used >= provider.logins_per_minute:
            return f"All {provider.logins_per_minute} places of this minute are used."
        return "Waiting for a worker."
    waiting = attempts.order_by("not_before").first()
    if waiting is None:
        return ""
    what = waiting.waits_for or "the next step"
    at = localtime(waiting.not_before)
    day = "" if at.date() == localtime(now).date() else f"{at:%d %B} "
    return f"Waiting for {what}, next at {day}{at:%H:%M:%S}."
