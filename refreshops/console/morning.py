"""The index page "This morning": what happened last night, and whose move it is now."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from refreshops import wiring
from refreshops.console.addresses import NO_BANK, NOT_ASKED, bundle_of_cell, logins_list
from refreshops.console.attention import Attention, attention_of
from refreshops.console.cards import Card
from refreshops.console.fourteen import Mornings, first_day, mornings_of
from refreshops.console.matrix import Counted, Matrix, Outage, build
from refreshops.console.morning_numbers import Number, numbers_of
from refreshops.console.morning_runs import ShownRuns, shown_runs
from refreshops.console.overview import Overview, overview_of
from refreshops.console.provider_switch import Switch, index_url, switch_of
from refreshops.console.scoping import logins_by_customer, sees_everything
from refreshops.console.start_of_day import Stand, Start, stands_of, starts_of
from refreshops.logins.models import Provider
from refreshops.logins.outages import down_among
from refreshops.logins.tallies import CountedThere, count_active, count_part, together

MATRIX_LINES = 25
# Of more logins than this it is not read when one of them was last fresh.
MOST_READ = 5_000
MOST_OUTAGES = 3


@dataclass(frozen=True)
class Pulse:
    """Where we are and whether anybody works; `paused` are providers, whichever is chosen."""

    environment: str
    worker_seen_at: datetime | None
    worker_alive: bool
    paused: list[Provider]


@dataclass(frozen=True)
class Shown:
    """The matrix as far as it is shown.

    `left_out` institutions fared better; `fresh_until` says of a bank that looks down when one of
    the logins that fail there was last fresh, `bundles` where its support bundle is made. `all_url`
    leads to the page with every institution.
    """

    matrix: Matrix
    left_out: int
    fresh_until: dict[str, datetime | None]
    bundles: dict[str, str]
    all_url: str


@dataclass(frozen=True)
class Morning:
    """Everything the index page shows, of the provider that is chosen or of all.

    `starts` is the day at each provider shown, `stands` what its numbers stand on.
    """

    switch: Switch
    pulse: Pulse
    today: list[Card]
    starts: list[Start]
    stands: list[Stand]
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

    @property
    def all_old(self) -> bool:
        """Tell whether nothing of what is shown was asked within a day."""
        return bool(self.stands) and all(row.grown_old for row in self.stands)

    @property
    def some_old(self) -> bool:
        """Tell whether that is so at one of several providers."""
        return any(row.grown_old for row in self.stands)


def morning_of(user: Any, *, now: datetime, chosen: str = "", every_line: bool = False) -> Morning:
    """Gather the index page for `user`, of the provider called `chosen` or of all of them.

    `every_line` leaves no institution of the matrix out.
    """
    today = wiring.local_date(now)
    part = None if sees_everything(user) else count_part(logins_by_customer(user), now=now)
    everywhere = part.active if part else count_active()
    down = _told_down(everywhere, chosen=chosen)
    seen = overview_of(
        user,
        now=now,
        mornings_since=first_day(today),
        chosen=chosen,
        part=part,
        down=down,
        banks_down=down_among(together(everywhere)),
    )
    runs = shown_runs(user, seen, now=now)
    keys = {row.pk for row in seen.shown}
    # What a provider that nobody calls any more left behind is still counted among all.
    counted = [row for row in everywhere if not chosen or row[0] in keys]
    active = _by_provider(counted)
    starts = starts_of(user, seen, runs, active=active, now=now)
    stands = stands_of(seen, runs, active=active, now=now)
    six, rest = numbers_of(counted, stands=stands, chosen=chosen)
    return Morning(
        switch=switch_of(chosen, rows=seen.providers),
        pulse=_pulse(seen, now=now),
        today=runs.today,
        starts=starts,
        stands=stands,
        six=six,
        rest=rest,
        attention=attention_of(seen, cases=user.has_perm("logins.view_reconnectcase")),
        known=bool(active) or seen.known,
        shown=_shown(user, _matrix(together(counted), chosen=chosen), seen, every_line=every_line),
        mornings=_mornings(runs, starts, seen, today=today),
        latest=runs.latest,
        moving=runs.moving,
        scoped=not sees_everything(user),
    )


def _by_provider(counted: Iterable[CountedThere]) -> "Counter[int]":
    found = Counter[int]()
    for provider, *_, number in counted:
        found[provider] += number
    return found


def _told_down(everywhere: Sequence[CountedThere], *, chosen: str) -> list[str]:
    """Return the banks that look down of which it is told when they were last fresh.

    Which key the chosen provider has is not known yet: those of each are asked for.
    """
    at_each: list[list[int] | None] = [[key] for key in _by_provider(everywhere)]
    found = dict.fromkeys(
        row.institution
        for keys in (at_each if chosen else [None])
        for row in _few_down(together(everywhere, providers=keys))
    )
    return list(found)


def _few_down(counted: Sequence[Counted]) -> list[Outage]:
    outages = _matrix(counted, chosen="").outages
    return [row for row in outages if row.count <= MOST_READ][:MOST_OUTAGES]


def _matrix(counted: Sequence[Counted], *, chosen: str) -> Matrix:
    if not any(outcome for _, _, outcome, _ in counted):
        return Matrix()  # nobody has been asked yet
    return build(
        counted,
        link=lambda institution, code, outcome: logins_list(
            institution=institution or NO_BANK,
            code=code,
            outcome=outcome or NOT_ASKED,
            provider=chosen,
        ),
        whole_bank=lambda institution: logins_list(
            institution=institution or NO_BANK, provider=chosen
        ),
    )


def _shown(user: Any, matrix: Matrix, seen: Overview, *, every_line: bool) -> Shown:
    may = user.has_perm("tracing.bundle_call")
    lines = matrix.lines if every_line else matrix.lines[:MATRIX_LINES]
    bundles = {
        row.institution: bundle_of_cell(**row.bundle, provider=seen.chosen)
        for row in matrix.outages
        if may
    }
    return Shown(
        matrix=replace(matrix, lines=lines),
        left_out=len(matrix.lines) - len(lines),
        fresh_until=seen.fresh_until,
        bundles=bundles,
        all_url=index_url(seen.chosen, institutions="all"),
    )


def _mornings(runs: ShownRuns, starts: Sequence[Start], seen: Overview, *, today: date) -> Mornings:
    names = wiring.provider_names()
    return mornings_of(
        runs.daily,
        today=today,
        providers=[name for name in names if seen.chosen in ("", name)],
        late={start.provider for start in starts if start.late},
        begun_before={row.name for row in seen.shown if row.ran_before},  # type: ignore[attr-defined]
    )


def _pulse(seen: Overview, *, now: datetime) -> Pulse:
    return Pulse(
        environment=wiring.environment_label(),
        worker_seen_at=seen.worker_seen_at,
        worker_alive=seen.worker_alive(now),
        paused=[row for row in seen.providers if row.paused_at is not None],
    )
