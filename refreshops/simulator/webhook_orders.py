"""A webhook delivery that a test orders: what may be asked for, and its carrying out."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from refreshops.simulator.webhooks import (
    KINDS,
    SIGNATURES,
    Parcel,
    Posting,
    Webhooks,
    checked_target,
)
from refreshops.simulator.world import Login

FIELDS = frozenset(
    {
        *("login_id", "kind", "times", "delay_seconds", "signature"),
        *("last_refresh_hours_ago", "url", "key", "request_id"),
    }
)
MOST_TIMES = 1000


class BadOrder(ValueError):
    """An order that cannot be meant; the text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """The same parcel so many times, `delay_seconds` before each; it is not tried again."""

    parcel: Parcel
    times: int = 1
    delay_seconds: float = 0.0

    def carry_out(self, webhooks: Webhooks) -> list[int | None]:
        """Deliver now; return the HTTP status of each delivery, None where no answer came."""
        statuses = []
        for _ in range(self.times):
            time.sleep(self.delay_seconds)
            statuses.append(webhooks.post(self.parcel))
        return statuses


def read_order(fields: dict[str, Any], *, login: Login, posting: Posting, now: datetime) -> Order:
    """Return the order in a JSON object; raises BadOrder or BadTarget."""
    unknown = set(fields) - FIELDS
    if unknown:
        raise BadOrder(f"cannot order {sorted(unknown)}, only {sorted(FIELDS)}")
    url = fields.get("url", posting.url)
    if url is None:
        raise BadOrder("there is no webhook URL: name one as url, or start with --webhook-url")
    times, hours_ago = int(fields.get("times", 1)), fields.get("last_refresh_hours_ago")
    if not 0 < times <= MOST_TIMES:
        raise BadOrder(f"times is 1 to {MOST_TIMES}")
    parcel = Parcel(
        login,
        checked_target(url),
        kind=_one_of(KINDS, "kind", fields),
        request_id=fields.get("request_id"),
        signature=_one_of(SIGNATURES, "signature", fields),
        key=fields.get("key"),
        refreshed_at=None if hours_ago is None else now - timedelta(hours=float(hours_ago)),
    )
    return Order(parcel, times=times, delay_seconds=float(fields.get("delay_seconds", 0.0)))


def _one_of(choices: tuple[str, ...], name: str, fields: dict[str, Any]) -> str:
    chosen = fields.get(name, choices[0])
    if chosen not in choices:
        raise BadOrder(f"{name} is one of {list(choices)}")
    return str(chosen)
