"""Reminders: who was written to, and did nothing, is written to again; twice at most."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from refreshops.connect import letters
from refreshops.logins import cases
from refreshops.logins.models import LetterKind, ReconnectCase
from refreshops.tracing.events import THE_SCHEDULE

MOST_REMINDERS = 2


def due(
    *,
    now: datetime,
    after: timedelta,
    providers: Collection[str],
    banks_down: Collection[str] = (),
) -> QuerySet[ReconnectCase]:
    """Return the cases to remind of: to do, last written to `after` ago or longer, no click since.

    Only those of `providers`.
    A link that was only opened counts as not used: scanners of mails open links. A case that
    nobody has written about yet is a person's to begin.
    """
    theirs = cases.open_cases().filter(login__provider__name__in=providers)
    open_ones = theirs.filter(reminders__lt=MOST_REMINDERS)
    waiting = cases.to_do(open_ones, now=now, banks_down=banks_down)
    # Led by the cases: where a subquery asked for mails that were sent, it would read all of those.
    noted = waiting.annotate(
        mailed_at=Max("links__letters__sent_at"), clicked_at=Max("links__started_at")
    )
    idle = Q(clicked_at__isnull=True) | Q(clicked_at__lt=F("mailed_at"))
    return noted.filter(idle, mailed_at__lte=now - after)


def remind(
    *,
    now: datetime,
    after: timedelta,
    lives: timedelta,
    providers: Collection[str],
    banks_down: Collection[str] = (),
) -> letters.Queued:
    """Put a reminder with a new link into the outbox for each case that is due.

    Safe to repeat: who has a mail waiting gets no second one.
    """
    found = due(now=now, after=after, providers=providers, banks_down=banks_down)
    return letters.queue_for_cases(
        ReconnectCase.objects.filter(pk__in=found.values("pk")),
        by=THE_SCHEDULE,
        now=now,
        lives=lives,
        kind=LetterKind.REMINDER,
    )
