"""The queue's edge for mails. Tasks may be lost, doubled or late without harm.

The dotted paths of `send_letters` and `remind` are public: schedules and queued tasks name them.
"""

import time
from datetime import time as time_of_day
from datetime import timedelta

from django.core.mail import get_connection
from django.db import transaction
from django.utils.timezone import localtime
from django_q.tasks import async_task

from refreshops import wiring
from refreshops.connect import courier, reminders
from refreshops.logins.outages import banks_down
from refreshops.routine import schedules, seats
from refreshops.routine.stopping import asked_to_stop

# Short, so that the worker which also answers pings is soon free again.
SLICE_S = 20.0
# One mail may take as long as its server is patient (EMAIL_TIMEOUT, some of them in a row).
SEAT_LEASE = timedelta(minutes=3)
# Nobody is written to by itself at night.
EARLIEST = time_of_day(9)


def send_letters() -> str:
    """Send the mails that are due, for one slice of time. Safe to run twice, and at once."""
    if not courier.is_due(now=wiring.clock()):
        return "nothing to send"
    seat = seats.sit_down("letters", seats=1, now=wiring.clock(), lease=SEAT_LEASE)
    if seat is None:
        return "somebody is sending"
    ends_s = time.monotonic() + SLICE_S
    try:
        done = courier.send_due(
            clock=wiring.clock,
            mailer=get_connection(),
            house=house(),
            banks_down=banks_down,
            stop=lambda: asked_to_stop() or time.monotonic() >= ends_s,
        )
    finally:
        seats.leave(seat)
    if done.left:
        async_task("refreshops.connect.tasks.send_letters")
    return f"{done.sent} sent, {done.failed} failed, {done.cancelled} called off"


def house() -> courier.House:
    """Return what mails say of us."""
    return courier.House(
        public_url=wiring.public_url(),
        lender=wiring.lender_name(),
        sample_lives=wiring.link_lives(),
    )


def nudge() -> None:
    """Have the mails in the outbox sent as soon as the current transaction is committed."""
    transaction.on_commit(lambda: async_task("refreshops.connect.tasks.send_letters"))


def remind() -> str:
    """Remind who did nothing since our last mail; once the daily run has asked their banks.

    Each provider has a daily run of its own.
    """
    after, now = wiring.remind_after(), wiring.clock()
    if after is None or not wiring.public_url():
        return "reminders are off"
    clock_says = localtime(now).time()
    asked = [name for name in wiring.provider_names() if clock_says >= _earliest(name)]
    if not asked:
        return "not yet"
    queued = reminders.remind(
        now=now,
        after=after,
        lives=wiring.link_lives(),
        providers=asked,
        banks_down=banks_down(),
    )
    if queued.mails:
        nudge()
    return f"{queued.mails} reminders"


def _earliest(provider: str) -> time_of_day:
    return max(schedules.daily_time(provider) or EARLIEST, EARLIEST)
