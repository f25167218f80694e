"""Reminders: who was written to, and did nothing, is written to again; twice at most."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from refreshops.connect import letters
from refreshops.logins import cases
from refreshops.logins.models import ConnectLink, Letter, LetterKind, LetterState, ReconnectCase
from refreshops.tracing.events import THE_SCHEDULE

MOST_REMINDERS = 2


def due(
    *, now: datetime, after: timedelta, banks_down: Collection[str] = ()
) -> QuerySet[ReconnectCase]:
    """Return the cases to remind of: to do, last written to `after` ago or longer, no click since.

    A link that was only opened counts as not used: scanners of mails open links. A case that
    nobody has written about yet is a person's to begin.
    """
    mails = Letter.objects.filter(link__case=OuterRef("pk"), state=LetterState.SENT)
    last = Subquery(mails.order_by("-sent_at").values("sent_at")[:1])
    clicks = ConnectLink.objects.filter(case=OuterRef("pk"), started_at__gte=OuterRef("mailed_at"))
    open_ones = cases.open_cases().filter(reminders__lt=MOST_REMINDERS)
    waiting = cases.to_do(open_ones, now=now, banks_down=banks_down)
    mailed = waiting.annotate(mailed_at=last).filter(mailed_at__lte=now - after)
    return mailed.exclude(Exists(clicks))


def remind(
    *, now: datetime, after: timedelta, lives: timedelta, banks_down: Collection[str] = ()
) -> letters.Queued:
    """Put a reminder with a new link into the outbox for each case that is due.

    Safe to repeat: who has a mail waiting gets no second one.
    """
    return letters.queue_for_cases(
        due(now=now, after=after, banks_down=banks_down),
        by=THE_SCHEDULE,
        now=now,
        lives=lives,
        kind=LetterKind.REMINDER,
    )
