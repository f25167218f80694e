"""`python -m bench.mail_times --database URL`: how long the mails of all open cases take.

Needs a database filled by `bench.history`. Prints one JSON object, in seconds: writing the mails
and their links down, sending them through a backend that takes everything, and a reminder round
that finds all of them due. What a real mail server needs comes on top. `of_single` is what writing
them down took, in parts of what the same mails would take one by one (at most 0.1 is wanted).
"""

import json
import resource
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.register import set_up

LIVES = timedelta(days=7)
# So many are written down one by one, to know what all of them would take.
SINGLE = 100


class Taking:
    """A mail backend that takes every mail at once and keeps none."""

    def open(self) -> bool:
        return True

    def close(self) -> None:
        return None

    def send_messages(self, messages: list[Any]) -> int:
        """Write each out as it would be sent; return how many."""
        for message in messages:
            message.message().as_bytes()
        return len(messages)


def measured(*, now: datetime) -> dict[str, float]:
    """Return the mails, and the seconds of each step."""
    from refreshops.connect import courier, letters, reminders
    from refreshops.logins import cases
    from refreshops.logins.models import ReconnectCase

    house = courier.House("https://connect.lender.example", "Maple Lending", LIVES)
    single = _one_by_one(now=now)
    begun = time.perf_counter()
    queued = letters.queue_for_cases(cases.open_cases(), by=None, now=now, lives=LIVES)
    queueing = time.perf_counter() - begun
    sent = courier.send_due(clock=lambda: now, mailer=Taking(), house=house)
    sending = time.perf_counter() - begun - queueing
    assert sent.sent == queued.mails > 0, (queued, sent)
    later = now + timedelta(days=4)
    ReconnectCase.objects.update(snoozed_until=None)
    begun = time.perf_counter()
    reminded = reminders.remind(now=later, after=timedelta(days=4), lives=LIVES)
    return {
        "mails": queued.mails,
        "queue_s": round(queueing, 3),
        "of_single": round(queueing / (single * queued.mails), 3),
        "send_s": round(sending, 3),
        "reminders": reminded.mails,
        "remind_s": round(time.perf_counter() - begun, 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _one_by_one(*, now: datetime) -> float:
    """Return the seconds a mail takes that is written down alone; nothing of them stays."""
    from refreshops.connect import letters
    from refreshops.logins import cases
    from refreshops.logins.models import ConnectLink, Letter, ReconnectCase

    keys = list(cases.open_cases().order_by("pk").values_list("pk", flat=True)[:SINGLE])
    known = ConnectLink.objects.order_by("-pk").values_list("pk", flat=True)[0]
    begun = time.perf_counter()
    for key in keys:
        one = ReconnectCase.objects.filter(pk=key)
        letters.queue_for_cases(one, by=None, now=now, lives=LIVES)
    each = (time.perf_counter() - begun) / len(keys)
    Letter.objects.filter(link__gt=known).delete()
    ConnectLink.objects.filter(pk__gt=known).delete()
    return each


def main() -> None:
    parser = ArgumentParser(prog="python -m bench.mail_times", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    set_up(parser.parse_args().database)
    print(json.dumps(measured(now=datetime.now(UTC))))


if __name__ == "__main__":
    main()
