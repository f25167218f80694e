"""Fourteen mornings: the daily runs of two weeks as columns, and the days that had none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from refreshops import wiring
from refreshops.console.badges import outcome_label
from refreshops.console.cards import Card
from refreshops.console.charts import in_bar_order
from refreshops.rules.lifecycle import RunState

DAYS = 14
NOT_DONE = "not_done"


@dataclass(frozen=True)
class Column:
    """One daily run: its card, and how tall its parts are of `tallest` logins."""

    card: Card
    tallest: int
    parts: list[tuple[str, int]]

    @property
    def words(self) -> str:
        """Say what the column shows."""
        said = ", ".join(f"{number} {part_words(name).lower()}" for name, number in self.parts)
        return said or "no login was asked"


@dataclass(frozen=True)
class Place:
    """Where one provider's daily run of a day stands, or does not.

    `missed` says that there should have been one; `ahead` that today's has not begun.
    """

    provider: str
    column: Column | None = None
    missed: bool = False
    ahead: bool = False

    @property
    def label(self) -> str:
        """The provider as people write it."""
        return wiring.words(self.provider).title


@dataclass(frozen=True)
class Day:
    """One local date, with a place for each provider that has daily runs."""

    date: date
    today: bool
    places: list[Place] = field(default_factory=list)

    @property
    def columns(self) -> list[Column]:
        """The daily runs there were."""
        return [place.column for place in self.places if place.column]

    @property
    def missed(self) -> bool:
        """Tell whether a run is missing."""
        return any(place.missed for place in self.places)

    @property
    def ahead(self) -> bool:
        """Tell whether a run has yet to begin today."""
        return any(place.ahead for place in self.places)


@dataclass(frozen=True)
class Mornings:
    """The chart: its days, the oldest first, and what its colours stand for.

    `providers` are in the order in which they stand beside each other.
    """

    days: list[Day] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)

    @property
    def missed(self) -> int:
        """How many runs are missing."""
        return sum(place.missed for day in self.days for place in day.places)

    @property
    def several(self) -> bool:
        """Tell whether it has to be said which column is whose."""
        return len(self.providers) > 1


def first_day(today: date) -> date:
    """Return the first of the days shown."""
    return today - timedelta(days=DAYS - 1)


def mornings_of(
    cards: Sequence[Card],
    *,
    today: date,
    providers: Sequence[str],
    late: Collection[str],
    begun_before: Collection[str],
) -> Mornings:
    """Lay out the daily runs of the days up to `today`, those of each provider in their place.

    Of `providers` a run is expected, and of no other. `late` are those whose run of today is
    missing, `begun_before` those that had runs before the days shown: days before a provider's
    first run ever had nothing to miss. Empty when no day had one.
    """
    theirs: dict[str, dict[date, Card]] = {}
    for card in cards:
        theirs.setdefault(card.run.provider.name, {})[card.run.local_date] = card
    if not theirs:
        return Mornings()
    tallest = max(1, *(_height(card) for card in cards))
    known = [name for name in providers if name in theirs or name in begun_before]
    names = [*known, *sorted(set(theirs) - set(known))]
    # The first day on which one was expected.
    begun = {
        name: first_day(today) if name in begun_before else min(theirs[name]) for name in known
    }
    days = [
        Day(
            day,
            today=day == today,
            places=[
                _place(
                    name,
                    theirs.get(name, {}).get(day),
                    tallest=tallest,
                    missed=name in late if day == today else day >= begun.get(name, date.max),
                    ahead=day == today and name in known and name not in late,
                )
                for name in names
            ],
        )
        for day in (first_day(today) + timedelta(days=number) for number in range(DAYS))
    ]
    kinds = {name for day in days for column in day.columns for name, _ in column.parts}
    return Mornings(days, _legend(kinds), [wiring.words(name).title for name in names])


def part_words(name: str) -> str:
    """Return what a part of a column stands for."""
    return {NOT_DONE: "Not asked", "due": "Still to be asked"}.get(name) or outcome_label(name)


def _place(provider: str, card: Card | None, *, tallest: int, missed: bool, ahead: bool) -> Place:
    if card is not None:
        return Place(provider, column=Column(card, tallest, _parts(card)))
    return Place(provider, missed=missed, ahead=ahead)


def _parts(card: Card) -> list[tuple[str, int]]:
    """Return the outcomes, then what was not asked: because it was called off, or not yet."""
    parts = in_bar_order(card.outcomes)
    left = max(0, _height(card) - sum(number for _, number in parts))
    if left:
        over = card.run.state in (RunState.CLOSED.value, RunState.CANCELLED.value)
        parts.append((NOT_DONE if over else "due", left))
    return parts


def _height(card: Card) -> int:
    return max(card.planned, sum(card.outcomes.values()))


def _legend(kinds: set[str]) -> list[tuple[str, str]]:
    counts: Mapping[str, int] = dict.fromkeys(kinds - {NOT_DONE, "due"}, 1)
    named = [name for name, _ in in_bar_order(counts)]
    named += [name for name in ("due", NOT_DONE) if name in kinds]
    return [(name, part_words(name)) for name in named]
