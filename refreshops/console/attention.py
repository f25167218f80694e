"""The lines of the index page that ask for somebody: money, clock, approvals, and the alarm."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from refreshops.console.addresses import all_logins, runs_list
from refreshops.console.clock_week import dropping_out_soon, soon_url
from refreshops.console.leak_lists import UNCONFIRMED, money_words, prices, tally
from refreshops.console.scoping import runs_of
from refreshops.logins import leaks
from refreshops.rules.lifecycle import RunState


@dataclass(frozen=True)
class Attention:
    """How many leak and what they cost, drop out, wait for approval, and stay unconfirmed."""

    leaking: int
    money: str
    leaking_url: str
    dropping_out: int
    dropping_out_url: str
    unconfirmed: int
    unconfirmed_url: str
    to_approve: int
    to_approve_url: str


def attention_of(user: Any, *, now: datetime) -> Attention:
    """Count what waits for `user`, over the rows that are theirs to see."""
    counted = tally(user, [leaks.OFF_HERE_ON_THERE, UNCONFIRMED], now=now)
    wasted = counted[leaks.OFF_HERE_ON_THERE]
    money = money_words(per_provider=wasted.per_provider, prices=prices()) if wasted.count else ""
    return Attention(
        leaking=wasted.count,
        money=money,
        leaking_url=all_logins(leak=leaks.OFF_HERE_ON_THERE),
        dropping_out=dropping_out_soon(user, now=now),
        dropping_out_url=soon_url(),
        unconfirmed=counted[UNCONFIRMED].count,
        unconfirmed_url=all_logins(leak=UNCONFIRMED),
        to_approve=_to_approve(user),
        to_approve_url=runs_list(state__exact=RunState.WAITING.value),
    )


def _to_approve(user: Any) -> int:
    """Count the orders that wait for this person: nobody approves their own."""
    if not user.has_perm("logins.approve_order"):
        return 0
    waiting = runs_of(user).filter(
        state=RunState.WAITING.value, needs_approval=True, approved_at__isnull=True
    )
    return waiting.exclude(opened_by=user).count()
