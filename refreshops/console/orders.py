"""What an order will touch, skip, take and save; and how it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet

from refreshops import wiring
from refreshops.console.moments import lasting_words
from refreshops.console.order_kinds import KINDS, Kind, ends_here
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider
from refreshops.routine import checking, forgetting, services
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import Purpose, RunState
from refreshops.rules.pacing import forecast

__all__ = ["CHARGED", "KINDS", "Kind", "Plan", "Wish", "place", "plan", "touched_by"]

SAMPLE = 20

# What the provider charges for, as far as it told us.
CHARGED = Q(gone_at__isnull=True) & ~Q(nightly=Nightly.OFF)


@dataclass(frozen=True)
class Plan:
    """What an order will do, before it is given. `waiting_in` are runs that hold some of it.

    `inactive` counts those that being asked keeps alive: not where nothing can be switched off. Of
    `here_only` logins the provider is told nothing. `peculiar` says by provider what the order
    is there, where that is not the usual.
    """

    kind: Kind
    chosen: int
    touched: int
    skipped: int
    waiting: int
    put_off: int
    waiting_in: list[int]
    inactive: int
    needs_approval: bool
    lasting: str
    limit: str
    cost: str
    sample: list[Login]
    left_out: str = ""
    here_only: int = 0
    peculiar: tuple[tuple[str, str], ...] = ()

    @property
    def not_shown(self) -> int:
        """Rows beyond the sample."""
        return self.touched - len(self.sample)


@dataclass(frozen=True)
class Wish:
    """Who wants an order, why and from when on; over so many logins somebody must approve."""

    by: Any
    reason: str
    now: datetime
    local_date: date
    window: timedelta
    starts_at: datetime | None = None
    approval_above: int | None = None
    can_forget: Callable[[str], bool] = bool


def touched_by(kind: Kind, chosen: QuerySet[Login]) -> QuerySet[Login]:
    """Return the logins an order will really be given for."""
    return chosen.exclude(kind.skips)


def plan(
    kind: Kind, *, chosen: QuerySet[Login], window: timedelta, approval_above: int | None = None
) -> Plan:
    """Count what the order touches and skips, and how long it takes at the current limit."""
    touched = touched_by(kind, chosen)
    whole, counts = _counted(kind, chosen)
    providers = list(Provider.objects.filter(pk__in=counts).order_by("pk"))
    here, kept_anyhow = ends_here(kind.purpose), ends_here(Purpose.SWITCH_OFF)
    asked = [row for row in providers if row.name not in here]
    number = sum(row.all for row in counts.values())
    held = Attempt.objects.filter(
        login__in=touched.order_by().values("pk"),
        purpose=kind.purpose.value,
        state__in=OPEN_ATTEMPT,
    )
    per_run = list(held.order_by().values_list("run", "run__state").annotate(Count("pk")))
    largest = max((row.all for row in counts.values()), default=0)
    return Plan(
        kind=kind,
        chosen=whole,
        touched=number,
        skipped=whole - number,
        waiting=sum(held for _, _, held in per_run),
        put_off=sum(held for _, state, held in per_run if state == RunState.WAITING.value),
        waiting_in=sorted(run for run, _, _ in per_run),
        inactive=sum(counts[row.pk].inactive for row in providers if row.name not in kept_anyhow),
        needs_approval=kind.needs_approval
        and approval_above is not None
        and largest > approval_above,
        lasting=_lasting(kind, asked, counts, window=window),
        limit=", ".join(f"{row} {row.logins_per_minute} a minute" for row in asked)
        or "no call is made",
        cost=_cost(kind, asked, counts),
        sample=list(touched.select_related("customer", "provider")[:SAMPLE]),
        left_out=_left_out(kind, chosen, whole - number),
        here_only=sum(counts[row.pk].all for row in providers if row not in asked),
        peculiar=_peculiar(kind, providers, counts),
    )


def _peculiar(
    kind: Kind, providers: list[Provider], counts: dict[int, "_Count"]
) -> tuple[tuple[str, str], ...]:
    """Say by provider what the order is there, with the number where others are touched too."""
    found = [(row, wiring.about(row.name, kind.purpose)) for row in providers]
    return tuple(
        (f"At {row} ({counts[row.pk].all})" if len(providers) > 1 else f"At {row}", said)
        for row, said in found
        if said
    )


def _left_out(kind: Kind, chosen: QuerySet[Login], number: int) -> str:
    """Say how many are left out and why; each cause with its own number where a kind names them."""
    causes = kind.causes if number else ()
    if len(causes) < 2:
        return f"{number}: {causes[0][1]}" if causes else ""
    parts = {f"part_{n}": Count("pk", filter=part) for n, (part, _) in enumerate(causes)}
    counts = list(chosen.order_by().aggregate(**parts).values())
    words = [(many, why) for many, (_, why) in zip(counts, causes, strict=True) if many]
    if len(words) == 1:
        return f"{number}: {words[0][1]}"
    return f"{number}: " + "; ".join(f"{many} {why}" for many, why in words)


@dataclass(frozen=True)
class _Count:
    all: int
    charged: int
    inactive: int


def _counted(kind: Kind, chosen: QuerySet[Login]) -> tuple[int, dict[int, _Count]]:
    """Count all that were chosen, and by provider those an order is given for.

    Of these also the ones that cost money now, and the inactive ones.
    """
    touched = ~kind.skips
    rows = (
        chosen.order_by()
        .values("provider")
        .annotate(
            whole=Count("pk"),
            number=Count("pk", filter=touched),
            charged=Count("pk", filter=touched & CHARGED),
            resting=Count("pk", filter=touched & Q(status=LoginStatus.INACTIVE)),
        )
    )
    found = list(rows)
    counts = {
        row["provider"]: _Count(row["number"], row["charged"], row["resting"])
        for row in found
        if row["number"]
    }
    return sum(row["whole"] for row in found), counts


def _lasting(
    kind: Kind, providers: list[Provider], counts: dict[int, _Count], *, window: timedelta
) -> str:
    spans = [
        forecast(
            logins=counts[row.pk].all * kind.paced_calls,
            per_window=row.logins_per_minute,
            window=window,
        )
        for row in providers
    ]
    return lasting_words(max(spans, default=timedelta(0)))


def _cost(kind: Kind, providers: list[Provider], counts: dict[int, _Count]) -> str:
    """Say what a month costs more or less; nothing where no price is set.

    Of a live refresh: how many calls it makes, and what they cost at most.
    """
    if kind.purpose is Purpose.LIVE_REFRESH:
        return _live_cost(providers, counts)
    if kind.purpose not in (Purpose.SWITCH_OFF, Purpose.SWITCH_ON, Purpose.FORGET):
        return ""
    on = kind.purpose is Purpose.SWITCH_ON
    sums: dict[str, Decimal] = {}
    for row in providers:
        number = counts[row.pk].charged
        number = counts[row.pk].all - number if on else number
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + number * row.cost_per_login_month
    verb = "Costs" if on else "Saves"
    return ", ".join(f"{verb} {sums[name]:.2f} {name} a month" for name in sums if sums[name])


def _live_cost(providers: list[Provider], counts: dict[int, _Count]) -> str:
    """Count the live calls; the provider bills those that succeed."""
    number = sum(counts[row.pk].all for row in providers)
    sums: dict[str, Decimal] = {}
    for row in providers:
        cost = counts[row.pk].all * row.cost_per_live_call
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + cost
    if not number:
        return ""
    if number == 1:
        said = "1 live call, billed only if it succeeds"
    else:
        said = f"{number} live calls, billed only where they succeed"
    most = ", ".join(f"{sums[name]:.2f} {name}" for name in sums if sums[name])
    return f"{said}: at most {most}" if most else said


def place(kind: Kind, *, chosen: QuerySet[Login], wish: Wish) -> list[services.Opened]:
    """Give the order: one run a provider. Raise `services.Refused` with a sentence for people."""
    logins = touched_by(kind, chosen).order_by()
    usual: dict[str, Any] = {
        "by": wish.by,
        "reason": wish.reason,
        "now": wish.now,
        "local_date": wish.local_date,
        "window": wish.window,
    }
    match kind.purpose:
        case Purpose.SWITCH_OFF | Purpose.SWITCH_ON:
            return services.switch(
                logins=logins,
                on=kind.purpose is Purpose.SWITCH_ON,
                starts_at=wish.starts_at,
                approval_above=wish.approval_above,
                **usual,
            )
        case Purpose.FORGET:
            return forgetting.forget(
                logins=logins,
                offers=wish.can_forget,
                approval_above=wish.approval_above,
                **usual,
            )
    return _ask_about(kind, logins, usual)


def _ask_about(kind: Kind, logins: QuerySet[Login], usual: dict[str, Any]) -> list[services.Opened]:
    """Order what only asks: a refresh, or a look at the schedule."""
    providers = Provider.objects.filter(pk__in=logins.values("provider").distinct())
    if kind.purpose is Purpose.CHECK_SCHEDULE:
        opened = [
            checking.check_schedule(provider=row, logins=logins, **usual) for row in providers
        ]
    else:
        opened = [
            services.open_run(provider=row, purpose=kind.purpose, logins=logins, **usual)
            for row in providers
        ]
    if not opened:
        raise services.NothingToDo("None of the chosen logins can be asked.")
    return opened
