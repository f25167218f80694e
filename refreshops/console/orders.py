"""What a person can order for logins, and what an order will touch, skip and take."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet

from refreshops.console.moments import lasting_words
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider
from refreshops.routine import services
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.pacing import forecast

SAMPLE = 20


@dataclass(frozen=True)
class Kind:
    """One order: its words, its permission, and which of the chosen logins it leaves out.

    `paced_calls` is how many places in the provider's window one login takes.
    """

    purpose: Purpose
    action: str
    permission: str
    label: str
    title: str
    button: str
    consequence: str
    skips: Q
    skips_because: str
    paced_calls: int = 1
    needs_reason: bool = True


ASKING_KEEPS_ALIVE = "inactive; asking about them would help keep them alive at the provider"

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
        skips=~Q(status=LoginStatus.ACTIVE),
        skips_because=ASKING_KEEPS_ALIVE,
        needs_reason=False,
    ),
    Purpose.SWITCH_OFF: Kind(
        purpose=Purpose.SWITCH_OFF,
        action="switch_off",
        permission="switch",
        label="Switch off nightly refresh…",
        title="Switch off nightly refresh",
        button="Switch off",
        consequence="The logins count as inactive at once: the routine asks them no more. They "
        "count as off at the provider only when it has said so; a read-back checks its word.",
        skips=Q(
            status=LoginStatus.INACTIVE, nightly=Nightly.OFF, nightly_verified_at__isnull=False
        ),
        skips_because="already off, and verified at the provider",
        paced_calls=2,
    ),
    Purpose.SWITCH_ON: Kind(
        purpose=Purpose.SWITCH_ON,
        action="switch_on",
        permission="switch",
        label="Switch on nightly refresh…",
        title="Switch on nightly refresh",
        button="Switch on",
        consequence="The logins count as active at once and the next daily run asks them. The "
        "provider refreshes them from the next night on, and charges for them.",
        skips=Q(status=LoginStatus.ACTIVE, nightly=Nightly.ON),
        skips_because="already on",
        paced_calls=2,
    ),
}


@dataclass(frozen=True)
class Plan:
    """What an order will do, before it is given."""

    kind: Kind
    chosen: int
    touched: int
    skipped: int
    waiting: int
    lasting: str
    limit: str
    cost: str
    sample: list[Login]

    @property
    def not_shown(self) -> int:
        """Rows beyond the sample."""
        return self.touched - len(self.sample)


def touched_by(kind: Kind, chosen: QuerySet[Login]) -> QuerySet[Login]:
    """Return the logins an order will really be given for."""
    return chosen.exclude(kind.skips)


def plan(kind: Kind, *, chosen: QuerySet[Login], window: timedelta) -> Plan:
    """Count what the order touches and skips, and how long it takes at the current limit."""
    touched = touched_by(kind, chosen)
    per_provider = dict(touched.order_by().values_list("provider").annotate(Count("pk")))
    providers = Provider.objects.filter(pk__in=per_provider)
    number = sum(per_provider.values())
    whole = chosen.order_by().count()
    waiting = Attempt.objects.filter(
        login__in=touched.order_by().values("pk"), purpose=kind.purpose, state__in=OPEN_ATTEMPT
    ).count()
    return Plan(
        kind=kind,
        chosen=whole,
        touched=number,
        skipped=whole - number,
        waiting=waiting,
        lasting=_lasting(kind, providers, per_provider, window=window),
        limit=", ".join(f"{row} {row.logins_per_minute} a minute" for row in providers),
        cost=_cost(kind, providers, per_provider),
        sample=list(touched.select_related("customer")[:SAMPLE]),
    )


def _lasting(
    kind: Kind, providers: QuerySet[Provider], counts: dict[int, int], *, window: timedelta
) -> str:
    spans = [
        forecast(
            logins=counts[row.pk] * kind.paced_calls,
            per_window=row.logins_per_minute,
            window=window,
        )
        for row in providers
    ]
    return lasting_words(max(spans, default=timedelta(0)))


def _cost(kind: Kind, providers: QuerySet[Provider], counts: dict[int, int]) -> str:
    """Say what a month costs more or less; nothing where no price is set."""
    if kind.purpose not in (Purpose.SWITCH_OFF, Purpose.SWITCH_ON):
        return ""
    verb = "Saves" if kind.purpose is Purpose.SWITCH_OFF else "Costs"
    sums = [(counts[row.pk] * row.cost_per_login_month, row.currency) for row in providers]
    return ", ".join(
        f"{verb} {amount:.2f} {currency} a month"
        for amount, currency in sums
        if amount > Decimal(0)
    )


def place(
    kind: Kind,
    *,
    chosen: QuerySet[Login],
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
) -> list[services.Opened]:
    """Give the order: one run a provider. Raise `services.Refused` with a sentence for people."""
    logins = touched_by(kind, chosen).order_by()
    if kind.purpose is Purpose.REFRESH:
        providers = Provider.objects.filter(pk__in=logins.values("provider").distinct())
        opened = [
            services.open_run(
                provider=provider,
                purpose=kind.purpose,
                logins=logins,
                by=by,
                reason=reason,
                now=now,
                local_date=local_date,
                window=window,
            )
            for provider in providers
        ]
        if not opened:
            raise services.NothingToDo("None of the chosen logins can be asked.")
        return opened
    return services.switch(
        logins=logins,
        on=kind.purpose is Purpose.SWITCH_ON,
        by=by,
        reason=reason,
        now=now,
        local_date=local_date,
        window=window,
    )
