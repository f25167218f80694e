"""Opening runs: which logins, in which order, each at most once per purpose.

Set-based and all-or-nothing; nothing here calls a provider or reads a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from refreshops.logins.models import Login, Provider
from refreshops.routine import learning, slots
from refreshops.routine.models import (
    OPEN_ATTEMPT,
    OPEN_RUN,
    RANK_DAILY,
    RANK_PERSON,
    Attempt,
    LostRace,
    Run,
)
from refreshops.routine.moving import adopt_paused, take_over_calling
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose, RunState
from refreshops.rules.pacing import forecast

BATCH = 2000


class Refused(Exception):
    """An order that cannot be carried out; the text says why and what to do."""


class ReasonMissing(Refused):
    """A switch, pause or cancellation must say why."""


class NothingToDo(Refused):
    """No login is left for this order."""


class RunAlreadyClosed(Refused):
    """The run has ended; nothing about it can change any more."""


@dataclass(frozen=True)
class Opened:
    """A run just opened: `planned` logins of its own, `brought_forward` waiting in other runs."""

    run: Run
    planned: int
    brought_forward: int


@dataclass(frozen=True)
class Order:
    """Who wants what done, why and when: all of a run but its logins.

    `with_report` lets it begin with the one call about the provider as a whole.
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


def open_daily(
    *,
    provider: Provider,
    local_date: date,
    now: datetime,
    window: timedelta,
    opening: bool = False,
) -> tuple[Run, bool]:
    """Open today's run over every active login, or join it when it exists: `(run, opened_now)`.

    Unfinished daily runs of earlier days are closed as such. With `opening` the run begins with the
    one call about the provider as a whole. A constraint, not this check, makes it one a day.
    """
    today = Run.objects.filter(provider=provider, origin=Origin.DAILY.value, local_date=local_date)
    _forget_an_empty_one(today, provider)
    run = today.first()
    if run is not None:
        return run, False
    try:
        with transaction.atomic():
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

    A login that already waits for the same purpose is brought forward, not doubled. Raise
    `NothingToDo` when there is no login at all.
    """
    keys = in_order(logins.filter(provider=provider))
    order = Order(purpose, by, reason, now, local_date, window, origin, retry_of)
    return open_order(provider, keys, order)


def in_order(logins: QuerySet[Login]) -> list[int]:
    return list(logins.order_by("institution", "pk").values_list("pk", flat=True))


def open_order(provider: Provider, keys: list[int], order: Order) -> Opened:
    with transaction.atomic():
        run = Run.objects.create(
            provider=provider,
            purpose=order.purpose.value,
            origin=order.origin.value,
            local_date=order.local_date,
            opened_by=order.by,
            reason=order.reason.strip()[:500],
            opened_at=order.now,
            retry_of=order.retry_of,
        )
        if order.with_report:
            _ask_for_the_report(run, now=order.now)
        _plan(run, keys, rank=RANK_PERSON, now=order.now, window=order.window)
        if run.planned + run.brought_forward == 0 and not order.with_report:
            raise NothingToDo("None of the chosen logins can be asked: the run was not opened.")
        if run.planned == 0 and not order.with_report:
            why = f"All {run.brought_forward} logins already waited elsewhere; they go first now."
            learning.close_run(run, now=order.now, why=why)
    return Opened(run, run.planned, run.brought_forward)


def _ask_for_the_report(run: Run, *, now: datetime) -> None:
    """Let a run begin with the one call about the provider as a whole; it needs no slot."""
    Attempt.objects.create(
        run=run, purpose=run.purpose, rank=RANK_PERSON, paced=False, not_before=now
    )


def _plan(run: Run, wanted: list[int], *, rank: int, now: datetime, window: timedelta) -> None:
    """Give the run one attempt a login, skipping and bringing forward those already waiting."""
    waiting = Attempt.objects.filter(purpose=run.purpose, state__in=OPEN_ATTEMPT)
    taken: set[int] = set()
    for chunk in chunks(wanted):
        adopt_paused(run, waiting.filter(login_id__in=chunk), rank=rank, now=now)
        taken |= set(waiting.filter(login_id__in=chunk).values_list("login_id", flat=True))
        if rank == RANK_PERSON:
            _bring_forward(waiting.filter(login_id__in=chunk), rank=rank, now=now)
    rows = [pk for pk in wanted if pk not in taken]
    Attempt.objects.bulk_create(
        (
            Attempt(run=run, login_id=pk, purpose=run.purpose, rank=rank, not_before=now)
            for pk in rows
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    run.planned = Attempt.objects.filter(run=run, login__isnull=False).count()
    run.brought_forward = len(wanted) - run.planned
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


def _bring_forward(waiting: QuerySet[Attempt], *, rank: int, now: datetime) -> None:
    """Let waiting attempts go first; one that rests before a paced call is asked again at once.

    A poll keeps its time: the provider says how often it may be asked.
    """
    due = waiting.filter(state=AttemptState.DUE.value)
    due.filter(paced=True).update(rank=rank, not_before=now)
    due.filter(paced=False).update(rank=rank)


def chunks(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


def call_off(run: Run, *, now: datetime) -> int:
    """Cancel what has not been asked yet; calls in flight end by themselves."""
    return Attempt.objects.filter(run=run, state=AttemptState.DUE.value).update(
        state=AttemptState.CANCELLED.value, finished_at=now
    )
