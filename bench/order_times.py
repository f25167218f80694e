"""`python -m bench.order_times --database URL`: how long one large order takes to be accepted.

Needs a database filled by `bench.register`. Prints one JSON object, in seconds; the rush hour is
measured too: today's run waits with all active logins. Every login has a history.
"""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.register import set_up

WINDOW = timedelta(seconds=60)
PLANT_HISTORY = """
    INSERT INTO routine_attempt (run_id, login_id, purpose, state, rank, paced, not_before, starts,
           conversation, waits_for, outcome, outcome_reason, data_state, provider_code, message,
           verified, finished_at, lease_token)
    SELECT %s, id, 'refresh', 'done', 10, true, %s, 0, '{}', '', 'fresh', '', 'fresh', '', '',
           false, %s, ''
      FROM logins_login
"""


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.order_times", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    parser.add_argument("--size", type=int, default=10_000, help="logins of the order (10000)")
    parser.add_argument("--days", type=int, default=5, help="days of history (5)")
    return parser.parse_args()


def timed(what: Callable[[], Any]) -> float:
    """Return the seconds it takes."""
    begun = time.perf_counter()
    what()
    return round(time.perf_counter() - begun, 3)


def remember(days: int, *, now: datetime) -> None:
    """Plant ended daily runs of the past."""
    from django.db import connection

    from refreshops.logins.models import Provider
    from refreshops.routine.models import Run
    from refreshops.tracing import planning

    provider = Provider.objects.get(name="flinks")
    for back in range(days, 0, -1):
        at = now - timedelta(days=back)
        run = Run.objects.create(
            provider=provider,
            purpose="refresh",
            origin="daily",
            local_date=at.date(),
            opened_at=at,
            state="closed",
            closed_at=at,
        )
        with connection.cursor() as cursor:
            cursor.execute(PLANT_HISTORY, [run.pk, at, at])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    planning.forget_sizes()


def measured(size: int, *, now: datetime) -> dict[str, float]:
    """Return the seconds of each way to order, and of as many single tasks."""
    from django_q.tasks import async_task

    from refreshops.logins.models import Login, Provider
    from refreshops.routine import opening, services, waiting
    from refreshops.routine.turn import next_due

    provider = Provider.objects.get(name="flinks")
    keys = list(Login.objects.active().order_by("pk").values_list("pk", flat=True)[: 3 * size])
    first, second, third = (
        Login.objects.filter(pk__gte=part[0], pk__lte=part[-1], status="active")
        for part in (keys[:size], keys[size : 2 * size], keys[2 * size :])
    )
    usual: dict[str, Any] = {"by": None, "reason": "A measurement", "window": WINDOW}
    usual |= {"now": now, "local_date": now.date()}
    tomorrow = now + timedelta(days=1)

    def enqueue() -> None:
        for key in range(size):
            async_task("refreshops.routine.tasks.drive", key)

    calm = timed(lambda: services.switch(logins=first, on=False, **usual))
    opening.open_daily(provider=provider, local_date=now.date(), now=now, window=WINDOW)
    return {
        "calm": calm,
        "switch_off": timed(lambda: services.switch(logins=second, on=False, **usual)),
        "switch_off_later": timed(
            lambda: services.switch(logins=third, on=False, starts_at=tomorrow, **usual)
        ),
        "whose_turn": timed(lambda: next_due(provider_id=provider.pk, now=now)),
        "begin": timed(lambda: waiting.begin_due(provider_id=provider.pk, now=tomorrow)),
        "enqueue_singly": timed(enqueue),
    }


def main() -> None:
    given = arguments()
    set_up(given.database)
    now = datetime.now(UTC)
    remember(given.days, now=now)
    print(json.dumps(measured(given.size, now=now)))


if __name__ == "__main__":
    main()
