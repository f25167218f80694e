"""What a provider's full list says of the logins registered here: held there, or not any more.

A list is as old as its first page. What was heard of a login since stays, and a list that looks
wrong changes nothing: rather a leak seen a day late than a register emptied by a broken page.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q

from refreshops.logins.models import Login, LoginStatus, Nightly, Provider

Key = TypeVar("Key", int, str)

BATCH = 1000
# So few may vanish in one night, however few there are in all; as many as raise a suspicion when
# the first logins of a run are unknown to the provider.
FEW = 5


@dataclass
class Compared:
    """Our logins beside the list, by key. `ours` counts those we take for held there.

    `named` counts ours that the list names; `held` and `missing` only hold those of which nothing
    newer is known.
    """

    ours: int = 0
    named: int = 0
    held: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    @property
    def doubt(self) -> str:
        """Say why the list is not to be believed; empty where it is."""
        if self.ours and not self.named:
            return (
                f"The list names none of our {self.ours} logins: nothing was changed. Check the "
                "keys and the address; if they are right, check the schedule of these logins."
            )
        lost = len(self.missing)
        if lost > FEW and 2 * lost > self.ours:
            return (
                f"The list lacks {lost} of our {self.ours} logins, more than half: nothing was "
                "changed. If that is so, check the schedule of these logins."
            )
        return ""


@dataclass(frozen=True)
class Taught:
    """How many logins a list told are held, and how many not any more."""

    held: int = 0
    gone: int = 0


def compare(provider: Provider, named: Collection[str], *, asked_at: datetime) -> Compared:
    """Hold the logins of a provider against the ids its full list names; changes nothing."""
    found = Compared()
    untouched = ExpressionWrapper(_untouched(asked_at), output_field=BooleanField())
    rows = Login.objects.filter(provider=provider, created_at__lt=asked_at).order_by("pk")
    columns = rows.values_list("pk", "login_id", "gone_at", untouched)
    for key, login_id, gone_at, may_learn in columns.iterator(chunk_size=BATCH):
        is_named = login_id in named
        found.ours += gone_at is None
        found.named += is_named
        if may_learn and is_named:
            found.held.append(key)
        elif may_learn and gone_at is None:
            found.missing.append(key)
    return found


def teach(compared: Compared, *, asked_at: datetime, with_missing: bool = True) -> Taught:
    """Write down who is held there and who is not, in the caller's transaction.

    A provider with such a list refreshes every night all that it holds. What was heard of a login
    meanwhile stays. Without `with_missing` those that the list lacks stay as they are.
    """
    held = set(compared.held)
    missing = set(compared.missing if with_missing else ())
    known, gone = 0, 0
    for keys in batches(held | missing):
        _hold(keys)
        rows = Login.objects.filter(_untouched(asked_at))
        away = rows.filter(pk__in=[key for key in keys if key in missing], gone_at__isnull=True)
        gone += away.update(nightly=Nightly.OFF, nightly_seen_at=asked_at, gone_at=asked_at)
        there = rows.filter(pk__in=[key for key in keys if key in held])
        # What was once proven to be off is disproved.
        there.filter(status=LoginStatus.INACTIVE).update(nightly_verified_at=None)
        known += there.update(nightly=Nightly.ON, nightly_seen_at=asked_at, gone_at=None)
    return Taught(known, gone)


def _untouched(asked_at: datetime) -> Q:
    """Return the condition that nothing was heard of a login since the list was asked for."""
    heard = ("nightly_seen_at", "last_asked_at", "gone_at")
    untouched = Q(created_at__lt=asked_at)
    for name in heard:
        untouched &= Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lt": asked_at})
    return untouched


def _hold(keys: list[int]) -> None:
    """Lock logins in the order of their keys, as orders and the ends of attempts do."""
    if connection.features.has_select_for_update:
        rows = Login.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
        list(rows.values_list("pk", flat=True))


def batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Yield keys or ids in their order, so many at a time as one statement takes."""
    ordered = sorted(keys)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
