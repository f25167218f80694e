"""The index page "This morning": what happened last night, and whose move it is now."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from refreshops import wiring
from refreshops.console.addresses import NOT_ASKED, logins_list
from refreshops.console.attention import Attention, attention_of
from refreshops.console.badges import outcome_label
from refreshops.console.cards import Card, card_of
from refreshops.console.matrix import Matrix, build
from refreshops.console.scoping import logins_of, runs_of, sees_everything
from refreshops.logins.models import Login, Provider
from refreshops.routine.models import Beat, Run
from refreshops.routine.schedules import daily_time
from refreshops.rules.lifecycle import Origin
from refreshops.rules.outcomes import MEANING_OF, Outcome

WORKER_SEEN_WITHIN = timedelta(seconds=60)
LATEST_RUNS = 6
MATRIX_LINES = 25

SIX = (
    Outcome.FRESH,
    Outcome.STALE,
    Outcome.USER_ACTION,
    Outcome.INSTITUTION_UNAVAILABLE,
    Outcome.OUR_CONFIG,
    Outcome.UNKNOWN,
)


@dataclass(frozen=True)
class Number:
    """How many active logins last ended so, and the list of exactly those rows."""

    kind: str
    label: str
    hint: str
    count: int
    url: str


@dataclass(frozen=True)
class Pulse:
    """Where we are and whether anybody works."""

    environment: str
    worker_seen_at: datetime | None
    worker_alive: bool
    paused: list[Provider]


@dataclass(frozen=True)
class Morning:
    """Everything the index page shows."""

    pulse: Pulse
    today: list[Card]
    starts_at: time | None
    six: list[Number]
    rest: list[Number]
    attention: Attention
    known: int
    matrix: Matrix
    matrix_left_out: int
    latest: list[Card]
    moving: bool
    scoped: bool


def morning_of(user: Any, *, now: datetime) -> Morning:
    """Gather the index page for `user`."""
    window = wiring.window()
    six, rest = _numbers(user)
    matrix = _matrix(user)
    today = _today(user, now=now, window=window)
    latest = _latest(user, now=now, window=window, shown={card.run.pk for card in today})
    return Morning(
        pulse=pulse_at(now),
        today=today,
        starts_at=daily_time(),
        six=six,
        rest=rest,
        attention=attention_of(user, now=now),
        known=logins_of(user).count(),
        matrix=Matrix(matrix.columns, matrix.lines[:MATRIX_LINES], matrix.outages),
        matrix_left_out=max(0, len(matrix.lines) - MATRIX_LINES),
        latest=latest,
        moving=any(card.moving for card in (*today, *latest)),
        scoped=not sees_everything(user),
    )


def pulse_at(now: datetime) -> Pulse:
    """Return the environment, the worker's last sign of life and the paused providers."""
    beat = Beat.objects.filter(name="worker").first()
    seen_at = beat.seen_at if beat else None
    return Pulse(
        environment=wiring.environment_label(),
        worker_seen_at=seen_at,
        worker_alive=seen_at is not None and now - seen_at <= WORKER_SEEN_WITHIN,
        paused=list(Provider.objects.filter(paused_at__isnull=False).order_by("name")),
    )


def _numbers(user: Any) -> tuple[list[Number], list[Number]]:
    rows: QuerySet[Login, Any] = logins_of(user).active().values_list("outcome")
    counts = dict(rows.annotate(Count("pk")))
    six = [_number(row.value, counts) for row in SIX]
    others = [row.value for row in Outcome if row not in SIX]
    rest = [_number(name, counts) for name in (*others, "") if counts.get(name)]
    return six, rest


def _number(outcome: str, counts: dict[str, int]) -> Number:
    hint = MEANING_OF[Outcome(outcome)].meaning if outcome else "The next daily run asks them."
    return Number(
        kind=outcome or "due",
        label=outcome_label(outcome),
        hint=hint,
        count=counts.get(outcome, 0),
        url=logins_list(outcome=outcome or NOT_ASKED),
    )


def _matrix(user: Any) -> Matrix:
    rows = logins_of(user).active().exclude(outcome="")
    counted = rows.values_list("institution", "provider_code", "outcome").annotate(Count("pk"))
    return build(
        counted,
        link=lambda institution, code, outcome: logins_list(
            institution=institution, code=code, outcome=outcome
        ),
    )


def _today(user: Any, *, now: datetime, window: timedelta) -> list[Card]:
    runs = Run.objects.filter(
        origin=Origin.DAILY.value, local_date=wiring.local_date(now)
    ).select_related("provider", "opened_by")
    return [card_of(run, user=user, now=now, window=window) for run in runs]


def _latest(user: Any, *, now: datetime, window: timedelta, shown: set[int]) -> list[Card]:
    runs = runs_of(user).exclude(pk__in=shown).select_related("provider", "opened_by")
    newest = runs.order_by("-opened_at", "-pk")[:LATEST_RUNS]
    return [card_of(run, user=user, now=now, window=window) for run in newest]
