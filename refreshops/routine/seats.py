"""Signs of life and seats: how many tasks may drive a provider at once, across all nodes."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.db.models import Q

from refreshops.routine.models import Beat

WORKER = "worker"
# A worker that lives shows itself more often.
WORKER_SEEN_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Seat:
    """A seat this process holds until its lease passes or it leaves."""

    name: str
    token: str


def beat(name: str, *, now: datetime) -> None:
    """Leave a sign of life."""
    Beat.objects.update_or_create(name=name, defaults={"seen_at": now})


def last_beat(name: str) -> datetime | None:
    """Return when `name` was last seen alive."""
    return Beat.objects.filter(name=name).values_list("seen_at", flat=True).first()


def sit_down(prefix: str, *, seats: int, now: datetime, lease: timedelta) -> Seat | None:
    """Take a free seat `prefix:0` … `prefix:seats-1`, or return None when all are taken."""
    for number in range(seats):
        seat = Seat(f"{prefix}:{number}", secrets.token_hex(16))
        if _take(seat, now=now, lease=lease):
            return seat
    return None


def _take(seat: Seat, *, now: datetime, lease: timedelta) -> bool:
    fields = {"token": seat.token, "seen_at": now, "lease_until": now + lease}
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    if Beat.objects.filter(free, name=seat.name).update(**fields):
        return True
    if Beat.objects.filter(name=seat.name).exists():
        return False
    try:
        _, made = Beat.objects.get_or_create(name=seat.name, defaults=fields)
    except IntegrityError:
        return False
    return made


def keep(seat: Seat, *, now: datetime, lease: timedelta) -> bool:
    """Stay seated; False when the seat was taken over meanwhile."""
    return bool(
        Beat.objects.filter(name=seat.name, token=seat.token).update(
            seen_at=now, lease_until=now + lease
        )
    )


def leave(seat: Seat) -> None:
    """Free the seat."""
    Beat.objects.filter(name=seat.name, token=seat.token).update(lease_until=None, token="")


@dataclass
class Hold:
    """Keeps a seat while somebody says so again and again; the database hears of it now and then.

    Calling it tells whether the seat is still ours.
    """

    seat: Seat
    clock: Callable[[], datetime]
    lease: timedelta
    _kept_s: float = field(default_factory=time.monotonic)

    def __call__(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._kept_s < self.lease.total_seconds() / 5:
            return True
        self._kept_s = now_s
        return keep(self.seat, now=self.clock(), lease=self.lease)


def free_seats(prefix: str, *, seats: int, now: datetime) -> int:
    """Count the seats nobody sits on."""
    taken = Beat.objects.filter(name__startswith=f"{prefix}:", lease_until__gte=now).count()
    return max(0, seats - taken)
