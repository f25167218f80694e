"""One run as people follow it: bar, numbers, a sentence, and why it waits."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from refreshops.console.addresses import page
from refreshops.console.badges import NOT_ASKED, mark, outcome_label, purpose_words, run_badge
from refreshops.console.charts import in_bar_order
from refreshops.console.moments import local_words
from refreshops.console.scoping import attempts_of, calls_of, sees_everything
from refreshops.routine.models import Run
from refreshops.routine.progress import Progress, progress_of
from refreshops.rules.lifecycle import AttemptState, Origin, RunState


@dataclass(frozen=True)
class Card:
    """What the templates draw of one run. Counts are of the logins the reader may see."""

    run: Run
    url: str
    title: str
    planned: int
    done: int
    cancelled: int
    percent: int
    outcomes: dict[str, int]
    sentence: str
    waits_because: str
    moving: bool
    mark: str
    slots: str = ""
    calls: int = 0
    waited_elsewhere: int = 0
    data_states: dict[str, int] = field(default_factory=dict)
    legend: list[tuple[str, str, int]] = field(default_factory=list)


def card_of(run: Run, *, user: Any, now: datetime, window: timedelta) -> Card:
    """Return the card of `run` for `user`: whole, or the part that is theirs.

    Of a run they ordered too: a login may have gone to another account manager since.
    """
    if sees_everything(user):
        return _whole(run, now=now, window=window)
    part = _own_part(run, user=user)
    if run.opened_by_id != user.pk:
        return part
    return _ordered_by_reader(part, progress_of(run, now=now, window=window), now=now)


def opener_words(run: Run) -> str:
    """Return who opened a run: a person, the schedule, or somebody at the command line."""
    if run.opened_by is not None:
        return str(run.opened_by.get_username())
    return "the schedule" if run.origin == Origin.DAILY.value else "the command line"


def daily_title(run: Run) -> str:
    """Return the heading of a run: what it does and where the order came from."""
    if run.origin == "daily":
        return f"Daily run of {run.local_date:%A %-d %B}"
    return f"{purpose_words(run.purpose)} · run {run.pk}"


def _whole(run: Run, *, now: datetime, window: timedelta) -> Card:
    progress = progress_of(run, now=now, window=window)
    moving = run.state == RunState.OPEN.value
    return Card(
        run=run,
        url=page("routine_run", run.pk),
        title=daily_title(run),
        planned=progress.planned,
        done=progress.done,
        cancelled=progress.cancelled,
        percent=progress.percent,
        outcomes=progress.outcomes,
        sentence=_sentence(run, progress, now=now),
        waits_because=progress.waits_because if run.closed_at is None else "",
        moving=moving,
        mark=_mark(run),
        slots=f"{progress.slots_used} of {progress.limit} slots in use" if moving else "",
        calls=progress.calls,
        waited_elsewhere=run.brought_forward,
        data_states=progress.data_states,
        legend=_legend(run, progress.outcomes, left=progress.due + progress.calling),
    )


def _mark(run: Run) -> str:
    """Return the state's badge; an open run of a paused provider does not run."""
    held = run.state == RunState.OPEN.value and run.provider.paused_at is not None
    return mark("r-paused", "held up") if held else run_badge(run.state)


def _sentence(run: Run, progress: Any, *, now: datetime) -> str:
    asked = f"{progress.done} of {progress.planned}"
    if run.state == RunState.OPEN.value:
        parts = [asked, f"{progress.limit} a minute"]
        if progress.eta_at is not None:
            parts.append(f"done about {local_words(progress.eta_at, now=now)}")
        return ", ".join(parts)
    if run.state == RunState.WAITING.value:
        return f"{progress.planned} logins ordered; nothing has changed yet."
    if run.state == RunState.PAUSED.value:
        return f"{asked}. {run.state_reason}"
    ended = local_words(run.closed_at, now=now) if run.closed_at else ""
    words = f"{asked}, {run.state} {ended}."
    return f"{words} {run.state_reason}".strip()


def _own_part(run: Run, *, user: Any) -> Card:
    """Count only the reader's own logins: the rest of the run is not theirs to know."""
    mine = attempts_of(user).filter(run=run)
    states = dict(mine.values_list("state").annotate(Count("pk")))
    ended = mine.filter(state=AttemptState.DONE.value)
    outcomes = dict(ended.values_list("outcome").annotate(Count("pk")))
    data_states = dict(ended.values_list("data_state").annotate(Count("pk")))
    planned, done = sum(states.values()), states.get(AttemptState.DONE.value, 0)
    cancelled = states.get(AttemptState.CANCELLED.value, 0)
    return Card(
        run=run,
        url="",
        title=daily_title(run),
        planned=planned,
        done=done,
        cancelled=cancelled,
        percent=100 * (done + cancelled) // planned if planned else 100,
        outcomes=outcomes,
        sentence=f"{done} of your {planned} logins asked",
        waits_because="",
        moving=run.state == RunState.OPEN.value,
        mark=_mark(run),
        calls=calls_of(user).filter(run_id=run.pk).count(),
        data_states={name: number for name, number in data_states.items() if name},
        legend=_legend(run, outcomes, left=planned - done - cancelled),
    )


def _ordered_by_reader(part: Card, progress: Progress, *, now: datetime) -> Card:
    """Add what concerns the run itself and no login: its page, its pace, and what holds it up."""
    run = part.run
    left = part.planned - part.done - part.cancelled
    if run.state == RunState.WAITING.value:
        words = [f"{part.planned} of your logins ordered; nothing has changed yet."]
    else:
        words = [part.sentence]
    if left and part.moving and progress.eta_at is not None:
        words.append(f"done about {local_words(progress.eta_at, now=now)}")
    if run.closed_at:
        words.append(f"{run.state} {local_words(run.closed_at, now=now)}")
    return replace(
        part,
        url=page("routine_run", run.pk),
        sentence=", ".join(words),
        waits_because=progress.waits_because if left else "",
    )


def _legend(run: Run, outcomes: dict[str, int], *, left: int) -> list[tuple[str, str, int]]:
    rows = [(name, outcome_label(name, run.purpose), n) for name, n in in_bar_order(outcomes)]
    return [*rows, ("due", NOT_ASKED, left)] if left > 0 else rows
