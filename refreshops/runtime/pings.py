"""The supervisor's view of the queue: put a ping in, see whether it is still there."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from refreshops.routine.models import Beat

PING = "refreshops.routine.tasks.ping"
SUPERVISOR_BEAT = "supervisor"
# Longer than this and somebody holds the database: no time to judge others.
SLOW_WRITE_SECONDS = 1.0

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class _NotingBroker(ORM):
    """django-q2's own broker, which keeps the number of the row it wrote."""

    row_id = 0

    def enqueue(self, task: str) -> int:
        self.row_id = super().enqueue(task)
        return self.row_id


def queue_ping() -> int:
    """Queue one ping; returns the number of its row."""
    broker = _NotingBroker()
    async_task(PING, broker=broker)
    return broker.row_id


def rows_up_to(row_id: int) -> int:
    """Return how many tasks stand in the queue up to and including this row; 0 when it is gone."""
    if not OrmQ.objects.filter(pk=row_id).exists():
        return 0
    return OrmQ.objects.filter(pk__lte=row_id).count()


def withdraw(row_id: int) -> None:
    """Take a ping out of the queue."""
    OrmQ.objects.filter(pk=row_id).delete()


def hand_back() -> int:
    """Offer again at once what a dead cluster had taken but not finished; returns how many tasks.

    Safe although another cluster may be at one of them: tasks carry no work, only a nudge.
    """
    now = timezone.now()
    return OrmQ.objects.filter(lock__gt=now).update(lock=now)


def takes_writes() -> bool:
    """Whether the database takes a write in good time just now."""
    began = time.monotonic()
    written = attempt(
        lambda: Beat.objects.update_or_create(
            name=SUPERVISOR_BEAT, defaults={"seen_at": timezone.now()}
        )
    )
    return written is not None and time.monotonic() - began < SLOW_WRITE_SECONDS


def attempt(ask: Callable[[], Answer]) -> Answer | None:
    """Ask the database; None, a line in the log and a fresh connection when it cannot answer."""
    try:
        return ask()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The database does not answer the supervisor: %s", type(error).__name__)
        connection.close()
        return None
