"""One run as people follow it: bar, numbers, a sentence, and why it waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from refreshops import wiring
from refreshops.console.addresses import page
from refreshops.console.badges import good_end_of, mark, outcome_label_of, purpose_words, run_badge
from refreshops.console.charts import in_bar_order
from refreshops.console.moments import lasting_words, local_words
from refreshops.console.scoping import attempts_by_login, attempts_of, sees_everything
from refreshops.console.words import person
from refreshops.routine import seats
from refreshops.routine.models import Run
from refreshops.routine.paces import NO_PACE, Pace, paces
from refreshops.routine.progress import Progress, kept_calls, kept_tally, progress
from refreshops.routine.tallies import Tally, tallies
from refreshops.rules.lifecycle import Origin, RunState

NO_WORKER = "No worker is running: nothing moves until one is started."
# Who opened a run without having signed in, by its origin.
NOBODY_SIGNED_IN = {Origin.DAILY.value: "the schedule", Origin.CONNECT.value: "a customer"}
HELD_UP = mark("r-paused", "held up")
BEING_ASKED, STILL_WAITING = "Being asked", "Still waiting"


@dataclass(frozen=True)
class Card:
    """What the templates draw of one run. Counts are of the logins the reader may see.

    `calls` is None where nobody has counted them; `legend` holds kind, words and number.
    """

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
    calls: int | None = None
    waited_elsewhere: int = 0
    data_states: dict[str, int] = field(default_factory=dict)
    legend: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def good(self) -> str:
        """What a good end is called in this run."""
        return good_end_of(self.run)


def cards_of(
    runs: Sequence[Run],
    *,
    user: Any,
    now: datetime,
    window: timedelta,
    counted: Mapping[int, Tally] | None = None,
) -> list[Card]:
    """Return the cards of `runs` for `user`, in two questions at most, whatever their number.

    The runs come with their provider and opener. `counted` are tallies that the caller has.
    """
    known = dict(counted or {})
    mine = attempts_of(user)
    uncounted = [run for run in runs if run.pk not in known]
    known |= _counted(attempts_by_login(user), uncounted, user=user)
    pace = paces(runs, attempts=mine, now=now)
    return [
        _card(run, known[run.pk], pace.get(run.pk, NO_PACE), user=user, now=now, window=window)
        for run in runs
    ]


def opener_words(run: Run) -> str:
    """Return who opened a run: a person, the schedule, a customer, or the command line."""
    if run.opened_by is not None:
        return person(run.opened_by)
    return NOBODY_SIGNED_IN.get(run.origin, "the command line")


def daily_title(run: Run) -> str:
    """Return the heading of a run: what it does and where the order came from.

    A daily run names its provider where there are several, each with one of its own.
    """
    if run.origin == "daily":
        whose = f" · {run.provider}" if len(wiring.provider_names()) > 1 else ""
        return f"Daily run of {run.local_date:%A %-d %B}{whose}"
    return f"{purpose_words(run.purpose)} · run {run.pk}"


def logins_words(number: int) -> str:
    """Return "1 login" or "12 logins"."""
    return f"{number} login{'' if number == 1 else 's'}"


def _counted(mine: Any, runs: Sequence[Run], *, user: Any) -> dict[int, Tally]:
    """Read ended runs from their own totals, for who may see the whole; count the others."""
    kept = {run.pk: kept_tally(run) for run in runs} if sees_everything(user) else {}
    found = {pk: tally for pk, tally in kept.items() if tally is not None}
    return found | tallies(mine, [run.pk for run in runs if run.pk not in found])


def _card(
    run: Run, tally: Tally, pace: Pace, *, user: Any, now: datetime, window: timedelta
) -> Card:
    """Draw one card; of a run they ordered too, a reader of own rows counts theirs alone:
    a login may have gone to another account manager since.
    """
    stands = progress(run, tally, pace, calls=kept_calls(run), now=now, window=window)
    if still := _stands_still(run, tally, pace, now=now):
        # Nobody can say when it will be done.
        stands = replace(stands, eta_at=None, waits_because=NO_WORKER)
    if sees_everything(user):
        card = _whole(run, stands, now=now)
    else:
        card = _own_part(run, replace(stands, planned=tally.logins, calls=None))
        if run.opened_by_id == user.pk:
            card = _ordered_by_reader(card, stands, now=now)
    return replace(card, mark=HELD_UP) if still else card


def _stands_still(run: Run, tally: Tally, pace: Pace, *, now: datetime) -> bool:
    """Tell whether an open run has logins left and nobody works on it."""
    if run.state != RunState.OPEN.value or run.provider.paused_at is not None:
        return False
    return tally.left > 0 and not pace.moved_since(now - seats.WORKER_SEEN_WITHIN)


def _whole(run: Run, stands: Progress, *, now: datetime) -> Card:
    moving = run.state == RunState.OPEN.value
    part = _own_part(run, stands)
    return replace(
        part,
        url=page("routine_run", run.pk),
        sentence=_sentence(run, stands, now=now),
        waits_because=stands.waits_because,
        slots=f"{stands.slots_used} of {stands.limit} slots in use" if moving else "",
        waited_elsewhere=run.brought_forward,
    )


def _own_part(run: Run, stands: Progress) -> Card:
    """Draw what concerns the counted logins alone: the rest of the run is not said."""
    data_states = {name: number for name, number in stands.data_states.items() if name}
    return Card(
        run=run,
        url="",
        title=daily_title(run),
        planned=stands.planned,
        done=stands.done,
        cancelled=stands.cancelled,
        percent=stands.percent,
        outcomes=stands.outcomes,
        sentence=f"{stands.done} of your {logins_words(stands.planned)} asked",
        waits_because="",
        moving=run.state == RunState.OPEN.value,
        mark=mark_of(run),
        calls=stands.calls,
        data_states=data_states,
        legend=_legend(run, stands),
    )


def mark_of(run: Run) -> str:
    """Return the state's badge; an open run of a paused provider does not run."""
    held = run.state == RunState.OPEN.value and run.provider.paused_at is not None
    return HELD_UP if held else run_badge(run.state)


def _sentence(run: Run, stands: Progress, *, now: datetime) -> str:
    asked = f"{stands.done} of {stands.planned}"
    called_off = f", {stands.cancelled} called off" if stands.cancelled else ""
    if run.state == RunState.OPEN.value:
        parts = [f"{asked}{called_off}", f"{stands.limit} a minute"]
        if stands.eta_at is not None:
            parts.append(f"done about {local_words(stands.eta_at, now=now)}")
        return ", ".join(parts)
    if run.state == RunState.WAITING.value:
        words, take = logins_words(stands.planned), "takes" if stands.planned == 1 else "take"
        return f"{words} ordered, which {take} {_takes(stands)}; nothing has changed yet."
    if run.state == RunState.PAUSED.value:
        rest = f"; the rest takes {_takes(stands)}" if stands.due else ""
        return f"{asked} asked{called_off}{rest}."
    if not stands.planned:
        return f"There was no login to ask. {_sentence_of(run.state_reason)}".strip()
    ended = local_words(run.closed_at, now=now) if run.closed_at else ""
    words = f"{asked} asked{called_off}, {run.state} {ended}."
    return f"{words} {_sentence_of(run.state_reason)}".strip()


def _sentence_of(words: str) -> str:
    """Return what somebody typed with its full stop."""
    return words if not words or words.endswith((".", "!", "?")) else f"{words}."


def _takes(stands: Progress) -> str:
    return f"{lasting_words(stands.lasts)} at {stands.limit} a minute"


def _ordered_by_reader(part: Card, stands: Progress, *, now: datetime) -> Card:
    """Add what concerns the run itself and no login: its page, its pace, and what holds it up."""
    run = part.run
    left = part.planned - part.done - part.cancelled
    if run.state == RunState.WAITING.value:
        words = [f"{part.planned} of your logins ordered; nothing has changed yet."]
    else:
        words = [part.sentence]
    if part.cancelled:
        words.append(f"{part.cancelled} called off")
    if left and part.moving and stands.eta_at is not None:
        words.append(f"done about {local_words(stands.eta_at, now=now)}")
    if run.closed_at:
        words.append(f"{run.state} {local_words(run.closed_at, now=now)}")
    return replace(
        part,
        url=page("routine_run", run.pk),
        sentence=", ".join(words),
        waits_because=stands.waits_because if left else "",
    )


def _legend(run: Run, stands: Progress) -> list[tuple[str, str, int]]:
    ended = in_bar_order(stands.outcomes)
    rows = [(name, outcome_label_of(name, run), number) for name, number in ended]
    besides = (
        ("calling", BEING_ASKED, stands.calling),
        ("waiting", STILL_WAITING, stands.due),
        ("cancelled", "Called off", stands.cancelled),
    )
    return rows + [row for row in besides if row[2] > 0]
