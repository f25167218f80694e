"""Which runs an invented history has, and how large each is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from refreshops.rules.lifecycle import Origin, Purpose

# Calls are kept so long; older runs have attempts alone.
CALLS_KEPT = timedelta(days=88)
# Every so many runs one is a person's order.
PERSONS_EVERY = 10
PERSONS_LOGINS = 40
OLD_ATTEMPTS = 200
CALLS_PER_ATTEMPT = 2
DONE_TODAY = 0.4
ORDERS = (Purpose.SWITCH_OFF, Purpose.CHECK_SCHEDULE, Purpose.SWITCH_ON, Purpose.LIVE_REFRESH)
TODAY, YESTERDAY = 0, 1


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything an invented history has, at least."""

    calls: int
    logins: int
    runs: int
    # How many of a hundred logins are at a second provider.
    second: int = 0

    @property
    def largest(self) -> int:
        """Logins of the two newest runs."""
        return max(1, min(self.logins * 8 // 10, self.calls // 10))


@dataclass(frozen=True, slots=True)
class Planned:
    """One run: `attempts` logins of which `done` have ended; `calls` says whether any are kept."""

    opened_at: datetime
    days_back: int
    origin: Origin
    purpose: Purpose
    attempts: int
    done: int
    calls: bool

    def part(self, percent: int) -> "Planned":
        """Return the same day's run over so many of a hundred of its logins."""
        attempts, done = (number * percent // 100 for number in (self.attempts, self.done))
        return replace(self, attempts=attempts, done=done)

    @property
    def is_open(self) -> bool:
        """Tell whether it still runs."""
        return self.done < self.attempts

    @property
    def seconds_each(self) -> float:
        """How long after the one before it a login is asked."""
        return min(2.0, 12 * 3600 / max(1, self.attempts))


def planned(scale: Scale, *, now: datetime) -> list[Planned]:
    """Return the runs, oldest first, the last of them open."""
    days = list(_days(scale.runs))
    recent = [row for row in days[2:] if row[0] <= CALLS_KEPT.days]
    persons = sum(is_order for _, is_order in recent) * min(PERSONS_LOGINS, scale.logins)
    largest_done = scale.largest + int(scale.largest * DONE_TODAY)
    left = -(-scale.calls // CALLS_PER_ATTEMPT) - largest_done - persons
    daily = sum(not is_order for _, is_order in recent)
    each = min(scale.logins, max(1, -(-left // max(1, daily))))
    return [_one(number, *row, each, scale, now) for number, row in enumerate(days)][::-1]


def _days(runs: int) -> Iterator[tuple[int, bool]]:
    """Yield (days back, whether it is a person's order), newest first."""
    back = 0
    for number in range(runs):
        is_order = number % PERSONS_EVERY == PERSONS_EVERY - 1
        yield max(0, back - 1) if is_order else back, is_order
        back += not is_order


def _one(number: int, back: int, is_order: bool, each: int, scale: Scale, now: datetime) -> Planned:
    hours = 2 if is_order else 4
    kept = back <= CALLS_KEPT.days
    if number in (TODAY, YESTERDAY):
        attempts = scale.largest
    elif is_order:
        attempts = min(PERSONS_LOGINS, scale.logins)
    else:
        attempts = each if kept else min(OLD_ATTEMPTS, scale.logins)
    return Planned(
        opened_at=now - timedelta(days=back, hours=hours),
        days_back=back,
        origin=Origin.PERSON if is_order else Origin.DAILY,
        purpose=ORDERS[number // PERSONS_EVERY % len(ORDERS)] if is_order else Purpose.REFRESH,
        attempts=attempts,
        done=int(attempts * DONE_TODAY) if number == TODAY else attempts,
        calls=kept,
    )
