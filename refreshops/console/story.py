"""The story that is kept of what was done: how the browser adds to it, and who may read what.

Source: issue 4 F. `tracing.events` writes, `events_admin` shows the whole of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Trim
from django.http import HttpRequest

from refreshops import wiring
from refreshops.console.scoping import seen_by, sees_everything
from refreshops.console.story_words import details_of, how_many_words, what_was_done
from refreshops.routine.models import Run
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Event

# A page shows so many; the list of events has all.
MOST_SHOWN = 50


@dataclass(frozen=True)
class Told:
    """One event as a page tells it. `number`, `how_many` and `more` are empty for who sees their
    own rows alone: they may count others' logins.
    """

    at: datetime
    action: str
    who: str
    what: str
    why: str
    number: int | None
    how_many: str
    more: str


def tell(request: HttpRequest, action: Action, **fields: Any) -> None:
    """Add an event by the signed-in person, now. `fields` are those of `events.note`."""
    note(action, by=request.user, at=wiring.clock(), **fields)


def story_of_run(user: Any, run: Run, *, at_most: int = MOST_SHOWN) -> list[Told]:
    """Return what was done about a run as far as `user` may read it, oldest first.

    A retry is told on the run that it repeats, and on its own.
    """
    about = Q(run_id=run.pk) | Q(subject="run", subject_id=run.pk)
    return _told(user, Event.objects.filter(about), at_most=at_most)


def story_of(user: Any, subject: str, pk: int, *, at_most: int = MOST_SHOWN) -> list[Told]:
    """Return the events whose subject is a row ("login", "customer", "provider"), oldest first."""
    about = Event.objects.filter(subject=subject, subject_id=pk)
    return _told(user, about, at_most=at_most)


def named(events: QuerySet[Event]) -> QuerySet[Event]:
    """Note on each event the full name that its person has now, as `actor_name`; "" without one.

    What is kept is the name they signed in with, and that they were somebody.
    """
    people = get_user_model()._default_manager.filter(pk=OuterRef("actor_id"))
    full = people.values_list(Trim(Concat("first_name", Value(" "), "last_name")))
    return events.annotate(actor_name=Coalesce(Subquery(full[:1]), Value("")))


def _told(user: Any, events: QuerySet[Event], *, at_most: int) -> list[Told]:
    """Return the newest `at_most` of the events that are this person's to read, oldest first."""
    whole = sees_everything(user)
    rows = list(named(seen_by(user, events)).order_by("-at", "-pk")[:at_most])
    return [
        Told(
            at=row.at,
            action=row.action,
            who=row.actor_name or row.actor,  # type: ignore[attr-defined]
            what=what_was_done(row),
            why=row.reason,
            number=row.number if whole else None,
            how_many=how_many_words(row) if whole else "",
            more="; ".join(f"{name}: {words}" for name, words in details_of(row)) if whole else "",
        )
        for row in reversed(rows)
    ]
