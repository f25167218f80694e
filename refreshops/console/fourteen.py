"""Fourteen mornings: the daily runs of two weeks as columns, and the days that had none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

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
class Day:
    """One local date with its daily runs: one a provider.

    `missed` says that there should have been one; `ahead` that today's has not begun.
    """

    date: date
    today: bool
    columns: list[Column] = field(default_factory=list)
    missed: bool = False
    ahead: bool = False


@dataclass(frozen=True)
class Mornings:
    """The chart: its days, the oldest first, and what its colours stand for."""

    days: list[Day] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    @property
    def missed(self) -> int:
        """How many days had no run."""
        return sum(day.missed for day in self.days)


def first_day(today: date) -> date:
    """Return the first of the days shown."""
    return today - timedelta(days=DAYS - 1)


def mornings_of(
    cards: Sequence[Card], *, today: date, today_missed: bool, ran_before: bool
) -> Mornings:
    """Lay out the daily runs of the days up to `today`.

    Days before the first daily run ever had nothing to miss. Empty when no day had one.
    """
    by_day: dict[date, list[Card]] = {}
    for card in cards:
        by_day.setdefault(card.run.local_date, []).append(card)
    if not by_day:
        return Mornings()
    tallest = max(1, *(_height(card) for card in cards))
    begun = first_day(today) if ran_before else min(by_day)
    days = [
        _day(day, by_day.get(day, []), tallest=tallest, today=today, begun=begun)
        for day in (first_day(today) + timedelta(days=number) for number in range(DAYS))
    ]
    if days[-1].ahead and today_missed:
        days[-1] = Day(today, today=True, missed=True)
    kinds = {name for day in days for column in day.columns for name, _ in column.parts}
    return Mornings(days, _legend(kinds))


def part_words(name: str) -> str:
    """Return what a part of a column stands for."""
    return {NOT_DONE: "Not asked", "due": "Still to be asked"}.get(name) or outcome_label(name)


def _day(day: date, cards: list[Card], *, tallest: int, today: date, begun: date) -> Day:
    columns = [Column(card, tallest, _parts(card)) for card in cards]
    is_today = day == today
    return Day(
        date=day,
        today=is_today,
        columns=columns,
        missed=not columns and not is_today and day >= begun,
        ahead=not columns and is_today,
    )


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
