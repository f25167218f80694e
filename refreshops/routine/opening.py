"""Opening runs: which logins, in which order, each at most once per purpose.

Set-based and all-or-nothing; nothing here calls a provider or reads a clock.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, Provider
from refreshops.routine import attempt_sql, learning, live_limits, marking, noting, slots
from refreshops.routine.attempt_sql import chunks
from refreshops.routine.models import (
    OPEN_RUN,
    RANK_DAILY,
    RANK_PERSON,
    RANK_WAITING,
    Attempt,
    LostRace,
    Run,
)
from refreshops.routine.moving import adopt, take_over_calling
from refreshops.routine.refusals import (
    AlreadyOrdered,
    NothingToDo,
    ReasonMissing,
    Refused,
    RunAlreadyClosed,
)
from refreshops.routine.waits import why_it_waits
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose, RunState
from refreshops.rules.pacing import forecast
from refreshops.tracing.events import THE_SCHEDULE, Action

__all__ = [
    "AlreadyOrdered",
    "NothingToDo",
    "Opened",
    "Order",
    "ReasonMissing",
    "Refused",
    "RunAlreadyClosed",
    "call_off",
    "chunks",
    "in_order",
    "open_daily",
    "open_order",
    "open_run",
]

# No search for what is due comes by here while an order waits for its approval.
UNTIL_APPROVED = timedelta(days=36_525)


@dataclass(frozen=True)
class Opened:
    """A run just opened: `planned` logins of its own, `brought_forward` waiting in other runs.

    A run that itself waits brings none forward: `left_out` are then ordered elsewhere already.
    """

    run: Run
    planned: int
    brought_forward: int
    left_out: int = 0

    @property
    def waits(self) -> str:
        """Why it has not begun, in one sentence; empty when it has."""
        return why_it_waits(self.run)


@dataclass(frozen=True)
class Order:
    """Who wants what done, why and when: all of a run but its logins.

    `with_report` lets it begin with the one call about the provider as a whole. With `starts_at`
    or `needs_approval` it waits, and touches nothing until it begins.
    """

    purpose: Purpose
    by: Any
    reason: str
    now: datetime
    local_date: date
    window: timedelta
    origin: Origin = Origin.PERSON
    retry_of: Run | None = None
    with_report: bool = False
    starts_at: datetime | None = None
    needs_approval: bool = False

    @property
    def waits(self) -> bool:
        """Tell whether it begins later."""
        return self.starts_at is not None or self.needs_approval


def open_daily(
    *,
    provider: Provider,
    local_date: date,
    now: datetime,
    window: timedelta,
    opening: bool = False,
    by: Any = THE_SCHEDULE,
) -> tuple[Run, bool]:
    """Open today's run over every active login, or join it when it exists: `(run, opened_now)`.

    Unfinished daily runs of earlier days are closed as such. With `opening` the run begins with the
    one call about the provider as a whole. A constraint, not this check, makes it one a day. The
    story names `by`; None is the command line.
    """
    today = Run.objects.filter(provider=provider, origin=Origin.DAILY.value, local_date=local_date)
    _forget_an_empty_one(today, provider)
    run = today.first()
    if run is not None:
        return run, False
    try:
        with transaction.atomic():
            marking.hold_a_days(provider)
            run = Run.objects.create(
                provider=provider,
                purpose=Purpose.REFRESH.value,
                origin=Origin.DAILY.value,
                local_date=local_date,
                reason="The daily routine",
                opened_at=now,
            )
            _close_earlier_days(run, now=now)
            if opening:
                _ask_for_the_report(run, now=now)
            keys = in_order(Login.objects.active().filter(provider=provider))
            _plan(run, keys, rank=RANK_DAILY, now=now, window=window)
            noting.done_to(run, Action.OPEN_DAILY, by=by, at=now, number=run.planned)
    except IntegrityError:
        return today.get(), False  # somebody else opened it in the same instant
    return run, True


def _forget_an_empty_one(today: QuerySet[Run], provider: Provider) -> None:
    """Let a day that began before there was a register begin again."""
    if Login.objects.active().filter(provider=provider).exists():
        today.filter(state=RunState.CLOSED.value, planned=0, brought_forward=0).delete()


def _close_earlier_days(today: Run, *, now: datetime) -> None:
    earlier = Run.objects.filter(
        provider=today.provider,
        origin=Origin.DAILY.value,
        local_date__lt=today.local_date,
        state__in=OPEN_RUN,
    )
    for run in earlier:
        take_over_calling(run, today)
        left = call_off(run, now=now)
        why = f"Interrupted: {left} logins were not asked before the next day's run began."
        try:
            learning.close_run(run, now=now, why=why)
        except LostRace:
            continue


def open_run(
    *,
    provider: Provider,
    purpose: Purpose,
    logins: QuerySet[Login],
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
    origin: Origin = Origin.PERSON,
    retry_of: Run | None = None,
) -> Opened:
    """Open a run of `purpose` over `logins` of one provider, before the daily run in the queue.

    A login that already waits for the same purpose is brought forward, not doubled; one that may
    not be tried live now is left out (`live_limits`). Raise `NothingToDo` when no login is left.
    """
    order = Order(purpose, by, reason, now, local_date, window, origin, retry_of)
    with transaction.atomic():
        chosen = logins.filter(provider=provider)
        keys = in_order(chosen)
        marking.hold(keys)
        if purpose is Purpose.LIVE_REFRESH:
            # Until we held them, somebody else may have tried, or a customer been asked.
            still = set(
                live_limits.allowed(chosen, now=now).order_by().values_list("pk", flat=True)
            )
            keys = [key for key in keys if key in still]
        return open_order(provider, keys, order)


def in_order(logins: QuerySet[Login]) -> list[int]:
    return list(logins.order_by("institution", "pk").values_list("pk", flat=True))


def open_order(
    provider: Provider, keys: list[int], order: Order, *, changed: bool = False
) -> Opened:
    """Open the run of an order over logins given by key, which the caller holds.

    `changed` says that the order has done something already, by which it stands even when every
    login waits elsewhere. Raise `NothingToDo`, or `AlreadyOrdered` of its kind.
    """
    with transaction.atomic():
        run = Run.objects.create(
            provider=provider,
            purpose=order.purpose.value,
            origin=order.origin.value,
            local_date=order.local_date,
            opened_by=order.by,
            reason=order.reason.strip()[:500],
            state=(RunState.WAITING if order.waits else RunState.OPEN).value,
            opened_at=order.now,
            starts_at=order.starts_at,
            needs_approval=order.needs_approval,
            retry_of=order.retry_of,
        )
        if order.with_report:
            _ask_for_the_report(run, now=order.now)
        if order.waits:
            return _wait(run, keys, order)
        moved = _plan(run, keys, rank=RANK_PERSON, now=order.now, window=order.window)
        noting.ordered(run, with_report=order.with_report)
        if run.planned == 0 and not order.with_report:
            if run.brought_forward == 0:
                raise NothingToDo("None of the chosen logins can be asked: the run was not opened.")
            if not moved and not changed:
                raise AlreadyOrdered(list(attempt_sql.held(keys, purpose=run.purpose)))
            why = f"All {run.brought_forward} logins already waited elsewhere; they go first now."
            learning.close_run(run, now=order.now, why=why)
    return Opened(run, run.planned, run.brought_forward)


def _wait(run: Run, keys: list[int], order: Order) -> Opened:
    """Plan a run that begins later; what another order holds already is left to it."""
    not_before = order.starts_at or order.now + UNTIL_APPROVED
    run.planned = attempt_sql.plant(run, keys, rank=RANK_WAITING, not_before=not_before)
    if run.planned == 0:
        raise AlreadyOrdered(list(attempt_sql.held(keys, purpose=run.purpose)))
    _foresee(run, now=order.now, window=order.window)
    noting.ordered(run, left_out=len(keys) - run.planned)
    return Opened(run, run.planned, 0, left_out=len(keys) - run.planned)


def _ask_for_the_report(run: Run, *, now: datetime) -> None:
    """Let a run begin with the one call about the provider as a whole; it needs no slot."""
    Attempt.objects.create(
        run=run, purpose=run.purpose, rank=RANK_PERSON, paced=False, not_before=now
    )


def _plan(run: Run, wanted: list[int], *, rank: int, now: datetime, window: timedelta) -> int:
    """Give the run one attempt a login, skipping and bringing forward those already waiting.

    Returns how many of those that wait elsewhere it moved.
    """
    adopt(run, wanted, rank=rank, now=now)
    moved = 0
    if rank == RANK_PERSON:
        moved = attempt_sql.bring_forward(wanted, purpose=run.purpose, rank=rank, now=now)
    attempt_sql.plant(run, wanted, rank=rank, not_before=now)
    run.planned = Attempt.objects.filter(run=run, login__isnull=False).count()
    run.brought_forward = len(wanted) - run.planned
    _foresee(run, now=now, window=window)
    return moved


def _foresee(run: Run, *, now: datetime, window: timedelta) -> None:
    """Keep how many logins the run holds, and how long they will take at the limit."""
    run.forecast_seconds = forecast(
        logins=run.planned,
        per_window=run.provider.logins_per_minute,
        window=window,
        busy=slots.in_use(provider_id=run.provider_id, now=now),
    ).total_seconds()
    Run.objects.filter(pk=run.pk).update(
        planned=run.planned,
        brought_forward=run.brought_forward,
        forecast_seconds=run.forecast_seconds,
    )


def call_off(run: Run, *, now: datetime) -> int:
    """Cancel what has not been asked yet; calls in flight end by themselves."""
    return Attempt.objects.filter(run=run, state=AttemptState.DUE.value).update(
        state=AttemptState.CANCELLED.value, finished_at=now
    )
