"""The index page "This morning": what happened last night, and whose move it is now."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from refreshops import wiring
from refreshops.console.addresses import (
    NO_BANK,
    NOT_ASKED,
    bundle_of_cell,
    logins_list,
)
from refreshops.console.attention import Attention, attention_of
from refreshops.console.badges import WAS_FRESH, outcome_label
from refreshops.console.cards import Card
from refreshops.console.fourteen import Mornings, first_day, mornings_of
from refreshops.console.matrix import Counted, Matrix, build
from refreshops.console.morning_runs import ShownRuns, shown_runs
from refreshops.console.overview import Overview, overview_of
from refreshops.console.scoping import logins_by_customer, sees_everything
from refreshops.console.start_of_day import Start, start_of
from refreshops.logins.models import Provider
from refreshops.logins.outages import down_among
from refreshops.logins.tallies import count_active, count_part
from refreshops.rules.outcomes import MEANING_OF, Outcome

MATRIX_LINES = 25
# Of more logins than this it is not read when one of them was last fresh.
MOST_READ = 5_000
MOST_OUTAGES = 3

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
    """How many active logins last ended so, and the list of exactly those rows.

    `colour` is the outcome whose colour it has: nothing is green that is known to be old.
    """

    kind: str
    colour: str
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
class Shown:
    """The matrix as far as it is shown.

    `left_out` institutions fared better; `fresh_until` says of a bank that looks down when one of
    the logins that fail there was last fresh, `bundles` where its support bundle is made.
    """

    matrix: Matrix
    left_out: int
    fresh_until: dict[str, datetime | None]
    bundles: dict[str, str]


@dataclass(frozen=True)
class Morning:
    """Everything the index page shows."""

    pulse: Pulse
    today: list[Card]
    start: Start
    six: list[Number]
    rest: list[Number]
    attention: Attention
    known: bool
    shown: Shown
    mornings: Mornings
    latest: list[Card]
    moving: bool
    scoped: bool

    @property
    def matrix(self) -> Matrix:
        """The matrix as far as it is shown."""
        return self.shown.matrix


def morning_of(user: Any, *, now: datetime, every_line: bool = False) -> Morning:
    """Gather the index page for `user`; `every_line` leaves no institution of the matrix out."""
    today = wiring.local_date(now)
    part = None if sees_everything(user) else count_part(logins_by_customer(user), now=now)
    counted = part.active if part else count_active()
    matrix = _matrix(counted)
    down = [row.institution for row in matrix.outages if row.count <= MOST_READ][:MOST_OUTAGES]
    seen = overview_of(
        user,
        now=now,
        mornings_since=first_day(today),
        part=part,
        down=down,
        banks_down=down_among(counted),
    )
    runs = shown_runs(user, seen, now=now)
    asked = sum(row[-1] for row in counted)
    start = start_of(user, seen, runs, active=asked, now=now)
    six, rest = _numbers(counted, grown_old=start.grown_old)
    return Morning(
        pulse=_pulse(seen, now=now),
        today=runs.today,
        start=start,
        six=six,
        rest=rest,
        attention=attention_of(seen, cases=user.has_perm("logins.view_reconnectcase")),
        known=bool(asked) or seen.known,
        shown=_shown(user, matrix, seen, every_line=every_line),
        mornings=_mornings(runs, start, seen, today=today),
        latest=runs.latest,
        moving=runs.moving,
        scoped=not sees_everything(user),
    )


def _numbers(counted: list[Counted], *, grown_old: bool) -> tuple[list[Number], list[Number]]:
    counts: Counter[str] = Counter()
    for _, _, outcome, number in counted:
        counts[outcome] += number
    six = [_number(row.value, counts, grown_old=grown_old) for row in SIX]
    others = [row.value for row in Outcome if row not in SIX]
    rest = [_number(name, counts) for name in (*others, "") if counts[name]]
    return six, rest


def _number(outcome: str, counts: "Counter[str]", *, grown_old: bool = False) -> Number:
    was_fresh = grown_old and outcome == Outcome.FRESH
    hint = MEANING_OF[Outcome(outcome)].meaning if outcome else "The next daily run asks them."
    return Number(
        kind=outcome or "due",
        colour="due" if was_fresh or not outcome else outcome,
        label=WAS_FRESH if was_fresh else outcome_label(outcome),
        hint=hint,
        count=counts[outcome],
        url=logins_list(outcome=outcome or NOT_ASKED),
    )


def _matrix(counted: list[Counted]) -> Matrix:
    if not any(outcome for _, _, outcome, _ in counted):
        return Matrix()  # nobody has been asked yet
    return build(
        counted,
        link=lambda institution, code, outcome: logins_list(
            institution=institution or NO_BANK, code=code, outcome=outcome or NOT_ASKED
        ),
        whole_bank=lambda institution: logins_list(institution=institution or NO_BANK),
    )


def _shown(user: Any, matrix: Matrix, seen: Overview, *, every_line: bool) -> Shown:
    may = user.has_perm("tracing.bundle_call")
    lines = matrix.lines if every_line else matrix.lines[:MATRIX_LINES]
    return Shown(
        matrix=replace(matrix, lines=lines),
        left_out=len(matrix.lines) - len(lines),
        fresh_until=seen.fresh_until,
        bundles={row.institution: bundle_of_cell(**row.bundle) for row in matrix.outages}
        if may
        else {},
    )


def _mornings(runs: ShownRuns, start: Start, seen: Overview, *, today: date) -> Mornings:
    return mornings_of(runs.daily, today=today, today_missed=start.late, ran_before=seen.ran_before)


def _pulse(seen: Overview, *, now: datetime) -> Pulse:
    return Pulse(
        environment=wiring.environment_label(),
        worker_seen_at=seen.worker_seen_at,
        worker_alive=seen.worker_alive(now),
        paused=[row for row in seen.providers if row.paused_at is not None],
    )
