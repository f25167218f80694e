"""What the index page knows of providers, worker, money and clock: one question for all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import Exists, Max, OuterRef, Subquery

from refreshops import wiring
from refreshops.console.approval_filter import awaiting
from refreshops.console.cases_list import TO_DO, cases_of, cases_shown
from refreshops.console.leak_lists import Prices
from refreshops.console.scoping import logins_of, runs_of
from refreshops.logins import cases, clock, leaks
from refreshops.logins.models import Login, LoginQuerySet, Provider
from refreshops.logins.tallies import Part
from refreshops.routine import schedules, seats
from refreshops.routine.models import Beat, Run
from refreshops.routine.tallies import count_of
from refreshops.rules.lifecycle import Origin
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call


@dataclass(frozen=True)
class Overview:
    """The state of everything but the logins' outcomes and the runs.

    Counts are of the logins and orders the reader may see; `leaking` by provider. `called_at` is
    when the newest call left, `ran_before` whether there was a daily run before the mornings shown,
    `fresh_until` when a login of a bank that looks down was last fresh.
    """

    providers: list[Provider] = field(default_factory=list)
    worker_seen_at: datetime | None = None
    starts_at: time | None = None
    called_at: datetime | None = None
    known: bool = False
    ran_before: bool = False
    leaking: dict[int, int] = field(default_factory=dict)
    unconfirmed: int = 0
    dropping_out: int = 0
    already_out: int = 0
    to_approve: int = 0
    cases_to_do: int = 0
    recovered: list[tuple[str, int, int]] = field(default_factory=list)
    fresh_until: dict[str, datetime | None] = field(default_factory=dict)

    @property
    def prices(self) -> Prices:
        """What one login costs a month at each provider."""
        return {row.pk: (row.cost_per_login_month, row.currency) for row in self.providers}

    def worker_alive(self, now: datetime) -> bool:
        """Tell whether a worker was seen lately."""
        return (
            self.worker_seen_at is not None
            and now - self.worker_seen_at <= seats.WORKER_SEEN_WITHIN
        )


def overview_of(
    user: Any,
    *,
    now: datetime,
    mornings_since: date,
    part: Part | None = None,
    down: Sequence[str] = (),
    banks_down: frozenset[str] = frozenset(),
) -> Overview:
    """Ask for it, but for what `part` knows already: what was counted of the reader's own logins.

    `down` are the banks of which to tell when a failing login was last fresh, `banks_down` all
    whose reconnect cases are folded away.
    """
    parts = _parts(user, mornings_since=mornings_since)
    parts["cases_to_do"] = count_of(cases_shown(user, TO_DO, banks_down=banks_down, now=now))
    parts["recovered"] = cases.recovery_beside(cases_of(user), now=now)
    parts |= {f"fresh_until_{number}": _fresh_until(user, name) for number, name in enumerate(down)}
    if part is None:
        parts |= _counts(now=now)
    providers = list(
        Provider.objects.order_by("name").select_related("paused_by").annotate(**parts)
    )
    if not providers:
        # Nothing is there that could be counted.
        return Overview(
            worker_seen_at=seats.last_beat(seats.WORKER),
            starts_at=schedules.daily_time(wiring.provider_names()[0]),
        )
    told: Any = providers[0]
    counted: Any = part or told
    every_leak = {row.pk: row.leaking for row in providers} if part is None else part.leaking  # type: ignore[attr-defined]
    return Overview(
        providers=providers,
        worker_seen_at=told.worker_seen_at,
        starts_at=schedules.time_of(told.daily_cron),
        called_at=told.called_at,
        known=bool(counted.known),
        ran_before=told.ran_before,
        leaking={pk: number for pk, number in every_leak.items() if number},
        unconfirmed=counted.unconfirmed,
        dropping_out=counted.dropping_out,
        already_out=counted.already_out,
        # No row at all is asked for when the reader approves nothing.
        to_approve=told.to_approve or 0,
        cases_to_do=told.cases_to_do or 0,
        recovered=cases.recovery_told(told.recovered),
        fresh_until={name: getattr(told, f"fresh_until_{n}") for n, name in enumerate(down)},
    )


def _parts(user: Any, *, mornings_since: date) -> dict[str, Any]:
    beats = Beat.objects.filter(name=seats.WORKER).values("seen_at")
    calls = Call.objects.order_by("-sent_at", "-pk").values("sent_at")
    earlier = Run.objects.filter(origin=Origin.DAILY.value, local_date__lt=mornings_since)
    return {
        "worker_seen_at": Subquery(beats[:1]),
        "daily_cron": Subquery(schedules.daily_cron(wiring.provider_names()[0])[:1]),
        "called_at": Subquery(calls[:1]),
        "ran_before": Exists(earlier),
        "to_approve": count_of(awaiting(runs_of(user), user)),
    }


def _counts(*, now: datetime) -> dict[str, Any]:
    """Count over the whole register: each by an index of its own."""
    logins = Login.objects.all()
    leaking = leaks.leaking(logins, leaks.OFF_HERE_ON_THERE).filter(provider=OuterRef("pk"))
    return {
        "known": Exists(logins),
        "leaking": count_of(leaking),
        "unconfirmed": count_of(leaks.unconfirmed_for_long(logins, now=now)),
        "dropping_out": count_of(clock.dropping_out(logins, now=now)),
        "already_out": count_of(clock.already_out(logins, now=now)),
    }


def _fresh_until(user: Any, institution: str) -> Subquery:
    """Return when one of the reader's logins that fail on this bank's side was last fresh."""
    failing: LoginQuerySet = (
        logins_of(user)
        .active()
        .filter(institution=institution, outcome=Outcome.INSTITUTION_UNAVAILABLE.value)
    )
    newest = failing.order_by().values("institution").annotate(at=Max("fresh_at"))
    return Subquery(newest.values("at"))
