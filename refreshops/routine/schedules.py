"""When the queue starts things by itself: rows of django-q2, and the only place that writes them.

Each provider has a daily run, with a time of its own; the others are one row for all. All are cron
rows: q2 computes those from "now" in local time, so they neither replay what was missed nor slide
at a change of the clocks (DAILY rows do).
"""

from collections.abc import Collection, Sequence
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django_q.models import Schedule

from refreshops.routine.models import Beat
from refreshops.tracing.events import Action, note

DAILY = "daily run"
HEARTBEAT = "heartbeat"
PRUNE = "prune"
LETTERS = "mails"
REMINDERS = "reminders"

# A dotted path stands in the database: rename a task only together with a migration.
# A daily run is told which provider's it is; one queued by an older version asks all of them.
TASKS = {
    DAILY: "refreshops.routine.tasks.open_today",
    HEARTBEAT: "refreshops.routine.tasks.heartbeat",
    PRUNE: "refreshops.routine.tasks.prune",
    LETTERS: "refreshops.connect.tasks.send_letters",
    REMINDERS: "refreshops.connect.tasks.remind",
}
DEFAULT_DAILY_TIME = time(10, 30)
HEARTBEAT_CRON = "* * * * *"
PRUNE_CRON = "40 3 * * *"
# Nudges send mails at once; this is for those that wait for another try.
LETTERS_CRON = "* * * * *"
# The task itself knows when the daily run has begun, and reminds nobody twice. By day alone: with
# an hourly row q2 looks for ever for the next time in the hour that the clocks repeat.
REMINDERS_CRON = "20 9-21 * * *"

FOR_EVER = -1
SWITCHED_OFF = 0


class UnfitTime(ValueError):
    """The daily run cannot be set to this time; the text is a sentence for people."""


def daily_name(provider: str) -> str:
    """Return how the row of a provider's daily run is called."""
    return f"{DAILY} {provider}"


def ensure_schedules(providers: Sequence[str]) -> None:
    """Write the schedules that are missing and repair the others; keep the times that people set.

    `providers` are those in use, in their order: one that is not among them loses its daily run.
    """
    with transaction.atomic():
        _one_writer()
        _rename_the_one_for_all(providers)
        for provider in providers:
            _ensure_daily(provider)
        _drop_daily_runs(but=providers)
        _ensure(HEARTBEAT, cron=HEARTBEAT_CRON)
        _ensure(PRUNE, cron=PRUNE_CRON)
        _ensure(LETTERS, cron=LETTERS_CRON)
        _ensure(REMINDERS, cron=REMINDERS_CRON)


def add_missing(providers: Sequence[str]) -> None:
    """See that every provider has a daily run: one that came with new settings, or an upgrade."""
    names = [daily_name(provider) for provider in providers]
    if Schedule.objects.filter(name__in=names).values("name").distinct().count() < len(names):
        ensure_schedules(providers)


def _rename_the_one_for_all(providers: Sequence[str]) -> None:
    """Give the daily run of a time when there was one provider to that one, with its own time."""
    older = Schedule.objects.filter(name=DAILY).order_by("pk").first()
    if older is None:
        return
    first = daily_name(providers[0]) if providers else ""
    if first and not Schedule.objects.filter(name=first).exists():
        Schedule.objects.filter(pk=older.pk).update(name=first)
    Schedule.objects.filter(name=DAILY).delete()


def _drop_daily_runs(*, but: Collection[str]) -> None:
    kept = [daily_name(provider) for provider in but]
    Schedule.objects.filter(name__startswith=f"{DAILY} ").exclude(name__in=kept).delete()


def daily_time(provider: str) -> time | None:
    """Return when a provider's daily run starts, in settings.TIME_ZONE; None: switched off."""
    return time_of(daily_cron(provider).first())


def daily_cron(provider: str | OuterRef) -> QuerySet[Schedule, str]:
    """Return the cron line of a provider's daily run as a query of one row, or of none.

    To ask with others: `OuterRef("name")` is that of each provider's row. `time_of` reads it.
    """
    name = (
        daily_name(provider) if isinstance(provider, str) else Concat(Value(f"{DAILY} "), provider)
    )
    rows = Schedule.objects.filter(name=name).exclude(repeats=SWITCHED_OFF).order_by("pk")
    return rows.values_list("cron", flat=True)


def time_of(cron: str | None) -> time | None:
    """Return the time of day a cron line of ours says; None for none."""
    if not cron:
        return None
    minute, hour, *_ = cron.split()
    return time(int(hour), int(minute))


def set_daily_time(
    wanted: time | None, *, provider: str, by: Any = None, now: datetime | None = None
) -> None:
    """Start a provider's daily run at `wanted` (local time) from now on; None switches it off.

    The story names `by`; None is the command line.
    Raises `UnfitTime` for times that a change of the clocks skips or repeats, and for seconds.
    """
    if wanted is not None:
        _check_time(wanted)
    with transaction.atomic():
        _one_writer()
        before = daily_time(provider)
        row = _ensure_daily(provider)
        row.repeats = SWITCHED_OFF if wanted is None else FOR_EVER
        if wanted is not None:
            row.cron = _cron(wanted)
        row.next_run = row.calculate_next_run()
        row.save(update_fields=["cron", "repeats", "next_run"])
        if wanted != before:
            details = {"before": _words(before), "after": _words(wanted)}
            at = now or timezone.now()
            note(Action.CHANGE_DAILY_TIME, by=by, at=at, provider=provider, details=details)


def _words(at: time | None) -> str:
    return f"{at:%H:%M}" if at else "off"


def _check_time(wanted: time) -> None:
    if wanted.second or wanted.microsecond or wanted.tzinfo:
        raise UnfitTime("The daily run starts at a full minute of local time, such as 10:30.")
    # Reference, dependencies section 2: a cron row at 01:30 runs twice in the autumn night,
    # one at 02:30 runs at 03:00 in the spring night.
    if time(1) <= wanted < time(3):
        raise UnfitTime(
            f"{wanted:%H:%M} does not exist, or comes twice, in the nights when the clocks change "
            "(daylight saving time): choose a time before 01:00 or from 03:00 on."
        )


def _cron(at: time) -> str:
    return f"{at.minute} {at.hour} * * *"


def _ensure_daily(provider: str) -> Schedule:
    cron = _cron(DEFAULT_DAILY_TIME)
    # q2 reads it as Python: a tuple of one.
    return _ensure(daily_name(provider), DAILY, cron=cron, keep_cron=True, args=f"{provider!r},")


def _ensure(
    name: str, task: str = "", *, cron: str, keep_cron: bool = False, args: str | None = None
) -> Schedule:
    rows = list(Schedule.objects.filter(name=name).order_by("pk"))
    # q2 has no unique name: a double would run everything twice.
    for double in rows[1:]:
        double.delete()
    func = TASKS[task or name]
    if not rows:
        return Schedule.objects.create(
            name=name,
            func=func,
            args=args,
            schedule_type=Schedule.CRON,
            cron=cron,
            repeats=FOR_EVER,
        )
    row = rows[0]
    row.func, row.args, row.schedule_type = func, args, Schedule.CRON
    if not keep_cron:
        row.cron, row.repeats = cron, FOR_EVER
    row.save(update_fields=["func", "args", "schedule_type", "cron", "repeats"])
    return row


def _one_writer() -> None:
    """Let two commands that run at once write one after the other."""
    Beat.objects.get_or_create(name="schedules", defaults={"seen_at": timezone.now()})
    Beat.objects.select_for_update().get(name="schedules")
