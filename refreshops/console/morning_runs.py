"""The runs of the index page: today's, the latest, and the daily ones of two weeks."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from refreshops import wiring
from refreshops.console.cards import HELD_UP, NO_WORKER, Card, cards_of
from refreshops.console.fourteen import first_day
from refreshops.console.overview import Overview
from refreshops.console.scoping import runs_of, sees_everything
from refreshops.routine.models import Run
from refreshops.routine.progress import WAITS_FOR_A_WORKER
from refreshops.rules.lifecycle import Origin, RunState

LATEST_RUNS = 6
# A worker takes what is due within seconds.
STILL_FOR = timedelta(minutes=3)


@dataclass(frozen=True)
class ShownRuns:
    """Cards of today's daily runs, of the latest others, and of all daily ones of two weeks.

    `daily` is empty for who sees only part of a run: a column of it would be no run. `ended` are
    whole daily runs of two weeks that ended: for anybody, as it says of nobody's logins more
    than when they were asked.
    """

    today: list[Card] = field(default_factory=list)
    latest: list[Card] = field(default_factory=list)
    daily: list[Card] = field(default_factory=list)
    ended: list[Run] = field(default_factory=list)

    @property
    def moving(self) -> bool:
        """Tell whether any of them goes on."""
        return any(card.moving for card in (*self.today, *self.latest))


def shown_runs(user: Any, seen: Overview, *, now: datetime) -> ShownRuns:
    """Read them in three questions: the runs, their counts, and what holds up the open ones.

    Those of the provider that is chosen, if one is.
    """
    today = wiring.local_date(now)
    runs = _runs(user, seen, today=today)
    shown = [run for run in runs if _is_shown(run, user, today=today)]
    found = [
        _honest(card, seen, now=now)
        for card in cards_of(shown, user=user, now=now, window=wiring.window())
    ]
    daily = [card for card in found if card.run.origin == Origin.DAILY.value]
    todays = [card for card in daily if card.run.local_date == today]
    latest = [card for card in found if card not in todays]
    latest.sort(key=lambda card: (card.run.opened_at, card.run.pk), reverse=True)
    return ShownRuns(
        today=todays,
        latest=latest[:LATEST_RUNS],
        daily=daily if sees_everything(user) else [],
        ended=[run for run in runs if run.origin == Origin.DAILY.value and run.closed_at],
    )


def _is_shown(run: Run, user: Any, *, today: date) -> bool:
    return sees_everything(user) or run.origin != Origin.DAILY.value or run.local_date == today


def _runs(user: Any, seen: Overview, *, today: date) -> list[Run]:
    providers = {row.pk: row for row in seen.shown}
    if not providers:
        return []
    theirs = Q(provider__in=list(providers)) if seen.chosen else Q()
    daily = Q(origin=Origin.DAILY.value, local_date__gte=first_day(today))
    newest = runs_of(user).filter(theirs).order_by("-opened_at", "-pk")
    # Today's stand by themselves above the latest: one a provider.
    latest = newest.values("pk")[: LATEST_RUNS + len(providers)]
    found = Run.objects.filter(theirs, daily | Q(pk__in=latest)).select_related("opened_by")
    runs = list(found)
    for run in runs:
        run.provider = providers[run.provider_id]
    return runs


def _honest(card: Card, seen: Overview, *, now: datetime) -> Card:
    """Say of an open run that it does not move, where it does not."""
    why = _held_up(card, seen, now=now)
    if not why:
        return card
    # Nobody can say when it will be done.
    sentence = card.sentence.partition(", done about ")[0]
    return replace(card, mark=HELD_UP, sentence=sentence, waits_because=why)


def _held_up(card: Card, seen: Overview, *, now: datetime) -> str:
    run = card.run
    left = card.planned - card.done - card.cancelled
    if run.state != RunState.OPEN.value or left <= 0 or run.provider.paused_at is not None:
        return ""
    if not seen.worker_alive(now):
        return NO_WORKER
    called_at: datetime | None = run.provider.called_at  # type: ignore[attr-defined]
    moved_at = max(filter(None, (called_at, run.opened_at)))
    if card.waits_because == WAITS_FOR_A_WORKER and now - moved_at > STILL_FOR:
        return "Nothing moves, though a worker is alive: no call has left for some minutes."
    return ""
