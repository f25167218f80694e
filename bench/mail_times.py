"""`python -m bench.mail_times --database URL`: how long the mails of all open cases take.

Needs a database filled by `bench.history`. Prints one JSON object, in seconds: writing the mails
and their links down, sending them through a backend that takes everything, and a reminder round
that finds all of them due. What a real mail server needs comes on top.
"""

import json
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.register import set_up

LIVES = timedelta(days=7)


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
        "send_s": round(sending, 3),
        "reminders": reminded.mails,
        "remind_s": round(time.perf_counter() - begun, 3),
    }


def main() -> None:
    parser = ArgumentParser(prog="python -m bench.mail_times", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    set_up(parser.parse_args().database)
    print(json.dumps(measured(now=datetime.now(UTC))))


if __name__ == "__main__":
    main()
