"""What a person can order for logins: the words, the permission, and whom each order leaves out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from refreshops import wiring
from refreshops.logins.models import LoginStatus, Nightly
from refreshops.routine import live_limits
from refreshops.routine.erasing import forgotten_logins
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome

NOBODY = Q(pk__in=[])
ASKING_KEEPS_ALIVE = "inactive; asking about them would help keep them alive at the provider"
MAY_LOCK = "the customer must act first: a repeated sign-in can lock them out of their bank"

NOT_OFFERED = "the provider does not offer it"
NOT_SET_UP = "the provider is not set up here: nobody could carry it out"

CUSTOMER_FIRST = Q(outcome=Outcome.USER_ACTION.value)
NOT_THERE = Q(gone_at__isnull=False) | Q(outcome=Outcome.LOGIN_GONE.value)

# Which permissions allow an order: one of them is enough.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "refresh": ("logins.refresh_login",),
    "switch": ("logins.switch_login",),
    "check": ("logins.refresh_login", "logins.switch_login"),
    "forget": ("logins.forget_login",),
}


Causes = tuple[tuple[Q, str], ...]


@dataclass(frozen=True)
class Kind:
    """One order: its words, its permission, and which of the chosen logins it leaves out.

    `paced_calls` is how many places in the provider's window one login takes. With `may_wait` it
    may begin on a later date, and a large one waits for a second person; `typed` is what must be
    typed before it is given. `reasons` say of parts of what is left out why; `limits` does so of
    what is left out besides, as things stand when it is asked. With `if_offered` it can be given
    only where the provider offers it (design.md section 7, fact 7). `here_only` says what it does
    where the provider has nothing that it could be told.
    """

    purpose: Purpose
    action: str
    permission: str
    label: str
    title: str
    button: str
    consequence: str
    leaves_out: Q
    skips_because: str
    paced_calls: int = 1
    needs_reason: bool = True
    needs_approval: bool = False
    may_wait: bool = False
    grave: bool = False
    typed: str = ""
    if_offered: bool = False
    reasons: Causes = ()
    limits: Callable[[], Causes] = tuple
    here_only: str = ""

    @property
    def skips(self) -> Q:
        """Return the condition of the logins it is not given for."""
        left_out = self.leaves_out
        for part, _ in self._besides():
            left_out |= part
        return left_out

    @property
    def causes(self) -> Causes:
        """Return the parts of what is left out, none of them twice, and why."""
        found = list(self.reasons or ((self.leaves_out, self.skips_because),))
        before = self.leaves_out
        for part, why in self._besides():
            found.append((part & ~before, why))
            before |= part
        return tuple(found)

    def _besides(self) -> Causes:
        """Return what is left out as things stand now, and where a provider cannot do it.

        Nor is an order taken that would wait for ever, for a provider that our settings name no
        more.
        """
        cannot = not_offering(self.purpose) if self.if_offered else ()
        away = ~Q(provider__name__in=wiring.provider_names())
        return (*self.limits(), *cannot, (away, NOT_SET_UP))


KINDS: dict[Purpose, Kind] = {
    Purpose.REFRESH: Kind(
        purpose=Purpose.REFRESH,
        action="refresh_now",
        permission="refresh",
        label="Refresh now (cached)",
        title="Refresh now",
        button="Refresh now",
        consequence="Asks the provider how last night's refresh went and fetches the data. "
        "The bank itself is not contacted. Goes before the daily run.",
        leaves_out=~Q(status=LoginStatus.ACTIVE),
        skips_because=ASKING_KEEPS_ALIVE,
        needs_reason=False,
    ),
    Purpose.LIVE_REFRESH: Kind(
        purpose=Purpose.LIVE_REFRESH,
        action="refresh_live",
        permission="refresh",
        label="Refresh live…",
        title="Refresh live",
        button="Refresh live",
        consequence="The provider signs in at the bank now, with nobody present. Each login takes "
        "a place in the window and up to four minutes. A bank that asks for a code ends it: the "
        "customer must act then, and a reconnect case is opened. After two failures of a bank in a "
        "day a login rests; for the result of last night the cached refresh is enough.",
        leaves_out=~Q(status=LoginStatus.ACTIVE) | CUSTOMER_FIRST | NOT_THERE,
        skips_because="inactive, gone at the provider, or first the customer's to repair",
        reasons=(
            (CUSTOMER_FIRST, MAY_LOCK),
            (NOT_THERE & ~CUSTOMER_FIRST, "gone at the provider"),
            (~Q(status=LoginStatus.ACTIVE) & ~CUSTOMER_FIRST & ~NOT_THERE, ASKING_KEEPS_ALIVE),
        ),
        limits=lambda: live_limits.limits(now=wiring.clock()),
        if_offered=True,
    ),
    Purpose.SWITCH_OFF: Kind(
        purpose=Purpose.SWITCH_OFF,
        action="switch_off",
        permission="switch",
        label="Switch off nightly refresh…",
        title="Switch off nightly refresh",
        button="Switch off",
        consequence="When the order begins, the logins count as inactive: the routine asks them "
        "no more. They count as off at the provider only when it has said so; a read-back checks "
        "its word.",
        leaves_out=Q(
            status=LoginStatus.INACTIVE, nightly=Nightly.OFF, nightly_verified_at__isnull=False
        ),
        skips_because="already off, and verified at the provider",
        limits=lambda: done_here(Purpose.SWITCH_OFF, LoginStatus.INACTIVE),
        here_only="When the order begins, the logins count as inactive: the routine asks them no "
        "more. The provider is told nothing, and nothing is saved.",
        paced_calls=2,
        needs_approval=True,
        may_wait=True,
        grave=True,
    ),
    Purpose.SWITCH_ON: Kind(
        purpose=Purpose.SWITCH_ON,
        action="switch_on",
        permission="switch",
        label="Switch on nightly refresh…",
        title="Switch on nightly refresh",
        button="Switch on",
        consequence="When the order begins, the logins count as active and the next daily run "
        "asks them. The provider refreshes them from the next night on, and charges for them.",
        leaves_out=Q(status=LoginStatus.ACTIVE, nightly=Nightly.ON)
        | Q(customer__erasure_asked_at__isnull=False),
        skips_because="already on, or the customer asked to be forgotten",
        limits=lambda: done_here(Purpose.SWITCH_ON, LoginStatus.ACTIVE),
        here_only="When the order begins, the logins count as active and the next daily run asks "
        "them. The provider is told nothing.",
        paced_calls=2,
        needs_approval=True,
        may_wait=True,
    ),
    Purpose.CHECK_SCHEDULE: Kind(
        purpose=Purpose.CHECK_SCHEDULE,
        action="check_schedule",
        permission="check",
        label="Check schedule…",
        title="Check schedule",
        button="Check",
        consequence="Asks the provider whether it still refreshes these logins every night, and "
        "changes nothing. No bank data is fetched.",
        leaves_out=NOBODY,
        skips_because="",
        needs_reason=False,
    ),
    Purpose.FORGET: Kind(
        purpose=Purpose.FORGET,
        action="forget",
        permission="forget",
        label="Forget…",
        title="Forget for good",
        button="Forget for good",
        consequence="The provider deletes the logins, and their bank data is erased here. Nobody "
        "can undo it: the customers would have to connect anew. What was ordered, when and by "
        "whom stays on the receipt.",
        leaves_out=forgotten_logins(),
        skips_because="forgotten already",
        needs_approval=True,
        grave=True,
        typed="FORGET",
    ),
}


def may(user: Any, permission: str) -> bool:
    """Tell whether `user` may give the orders of a permission's short name."""
    return any(user.has_perm(name) for name in PERMISSIONS[permission])


def offering(purpose: Purpose) -> list[str]:
    """Return the names of the providers that can do this at all."""
    return [name for name in wiring.provider_names() if wiring.offers(name, purpose)]


def not_offering(purpose: Purpose) -> Causes:
    """Return the logins of each provider that cannot do this, and why."""
    able = offering(purpose)
    return tuple(
        (Q(provider__name=name), wiring.about(name, purpose).rstrip(".") or NOT_OFFERED)
        for name in wiring.provider_names()
        if name not in able
    )


def ends_here(purpose: Purpose) -> list[str]:
    """Return the names of the providers that have nothing they could be told for this order."""
    return [name for name in wiring.provider_names() if wiring.here_only(name, purpose)]


def done_here(purpose: Purpose, status: LoginStatus) -> Causes:
    """Return the logins that stand as wanted already, where nothing else could be changed."""
    names = ends_here(purpose)
    part = Q(provider__name__in=names, status=status)
    return ((part, f"{status.value} already, and the provider has no switch"),) if names else ()


def is_offered(kind: Kind) -> bool:
    """Tell whether any provider can carry out an order of this kind."""
    return not kind.if_offered or bool(offering(kind.purpose))


def kinds_of(user: Any) -> list[Kind]:
    """Return the orders `user` may give, and some provider carries out."""
    return [kind for kind in KINDS.values() if may(user, kind.permission) and is_offered(kind)]
