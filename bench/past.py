"""Fills an empty, migrated database with a register and everything that ever happened to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Model

from bench import asked_back, endings, history_sql
from bench.population import FULL_PAGE, Size, fill, share_of
from bench.runs_planned import Planned, Scale, planned
from refreshops import wiring
from refreshops.logins.models import ConnectLink, Letter, Login, Note, Provider, ReconnectCase
from refreshops.routine import learning, seats, slots
from refreshops.routine.models import Attempt, Run
from refreshops.routine.roles import AUDITORS, OPERATIONS
from refreshops.rules.lifecycle import Origin, RunState
from refreshops.tracing.events import Action
from refreshops.tracing.models import Call, Delivery, Event

CALLING = 4
RANK_DAILY = 10
EVENTS_PER_RUN = 12
MANAGERS = 12
# Filled with a million rows: indexes are made afterwards, which is faster.
MADE_LAST = (Call, Attempt)
COUNTED = (Login, Run, Attempt, Call, Event, Note, ReconnectCase, ConnectLink, Letter, Delivery)


def fill_history(scale: Scale, *, now: datetime) -> dict[str, int]:
    """Write a whole history; return how many rows of each kind there are."""
    history_sql.prepare()
    # In a small world one manager has nearly all customers: enough to fill a page.
    customers = max(min(100, scale.logins), scale.logins // 2)
    managers = max(1, min(MANAGERS, scale.logins // 100))
    size = Size(scale.logins, customers=customers, managers=managers, second=scale.second)
    first = fill(size, now=now)
    providers = list(Provider.objects.order_by("pk"))
    people = [_person("ops", OPERATIONS), _person("auditor", AUDITORS)]
    endings.plant()
    plan = planned(scale, now=now)
    with _indexes_made_last(), transaction.atomic():
        for row in plan:
            for provider in providers:
                part = row.part(share_of(provider.name, second=scale.second))
                _write(part, provider, people[0], now=now)
    _learn(providers, people[0], now=now)
    with transaction.atomic():
        asked_back.plant(people[0], now=now)
        asked_back.give_addresses()
        history_sql.run(history_sql.DELIVERIES, {"now": now.timestamp(), "provider": first.pk})
    with connection.cursor() as cursor:
        # As autovacuum would soon; SQLite is never told about its sizes, so not here either.
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("DELETE FROM sqlite_stat1")
    return {
        model._meta.verbose_name_plural.lower(): model._default_manager.count() for model in COUNTED
    }


def _person(name: str, group: str) -> User:
    person, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    person.groups.add(Group.objects.get(name=group))
    return person


@contextmanager
def _indexes_made_last() -> Iterator[None]:
    """Leave the plain indexes out while rows are written."""
    indexes: list[tuple[type[Model], Any]] = [
        (model, index) for model in MADE_LAST for index in model._meta.indexes
    ]
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.add_index(model, index)


def _write(row: Planned, provider: Provider, opener: User, *, now: datetime) -> None:
    """Write one run with its attempts, calls and events."""
    run = _run(row, provider, opener, now=now)
    last = Attempt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    logins = Login.objects.count()
    history_sql.run(
        history_sql.ATTEMPTS,
        {
            "run": run.pk,
            "provider": provider.pk,
            "purpose": row.purpose.value,
            "done": row.done,
            "calling": row.done + CALLING if row.is_open else row.done,
            "rank": RANK_DAILY,
            "begin": row.opened_at.timestamp(),
            "each": row.seconds_each,
            "now": now.timestamp(),
            # A run of few logins asks others than the one before it.
            "first": 1 + (run.pk * 7919) % max(1, logins - row.attempts + 1) * (not row.is_open),
            "only_active": row.is_open,
            "attempts": row.attempts,
            "outage": endings.OUTAGE_BANK if row.days_back < 2 else "",
            "outage_roll": endings.outage_roll(),
        },
    )
    if row.calls:
        history_sql.run(history_sql.CALLS, _asked(row, run, first=last + 1))
    _tell(row, run, opener)


def _run(row: Planned, provider: Provider, opener: User, *, now: datetime) -> Run:
    by_person = row.origin is Origin.PERSON
    opened = row.opened_at
    run = Run(
        provider=provider,
        purpose=row.purpose.value,
        origin=row.origin.value,
        local_date=wiring.local_date(now) - timedelta(days=row.days_back),
        opened_by=opener if by_person else None,
        reason="The customers left" if by_person else "",
        opened_at=opened,
        planned=row.attempts,
        forecast_seconds=row.attempts * 2.0,
    )
    if not row.is_open:
        run.state = RunState.CLOSED.value
        run.closed_at = opened + timedelta(seconds=row.attempts * row.seconds_each + 60)
    run.save()
    return run


def _asked(row: Planned, run: Run, *, first: int) -> dict[str, Any]:
    return {
        "name": run.provider.name,
        "purpose": run.purpose,
        "begin": row.opened_at.timestamp(),
        "each": row.seconds_each,
        "first": first,
        "done": row.done,
    }


def _tell(row: Planned, run: Run, opener: User) -> None:
    """Note who did what around a run."""
    actions = (Action.ORDER, Action.NOTE, Action.EXPORT, Action.VIEW_BANK_DATA, Action.PAUSE_RUN)
    Event.objects.bulk_create(
        Event(
            at=row.opened_at + timedelta(minutes=number),
            action=actions[number % len(actions)].value,
            actor=opener.get_username(),
            actor_id=opener.pk,
            reason="As agreed on the phone",
            number=row.attempts,
            run_id=run.pk,
            provider=run.provider.name,
            subject="login",
            subject_id=1 + (run.pk * 31 + number) % 1000,
        )
        for number in range(EVENTS_PER_RUN)
    )


def _learn(providers: list[Provider], opener: User, *, now: datetime) -> None:
    """Write what the runs leave behind: totals, states of logins, bank data, notes, the beat."""
    runs = list(Run.objects.order_by("pk"))
    for run in runs:
        if run.closed_at is not None:
            learning.keep_totals(run.pk)
    with transaction.atomic():
        newest = runs[-2 * len(providers) :]
        for run in newest:
            history_sql.run(history_sql.LEARNED, [run.pk])
        # Of yesterday's run, which is large enough, or in a small world of them all.
        since = newest[0] if newest[0].planned > FULL_PAGE else runs[0]
        until = newest[len(providers) - 1]
        history_sql.run(history_sql.SNAPSHOTS, [since.pk, until.pk])
        history_sql.run(history_sql.ACCOUNTS)
        history_sql.run(history_sql.NOTES, {"now": now.timestamp(), "by": opener.pk})
    for provider in providers:
        slots.fit(provider_id=provider.pk, now=now, window=wiring.window())
    seats.beat(seats.WORKER, now=now)
