"""What the index page knows of providers, worker, money and clock: one question for all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery

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

    Counts are of the logins and orders the reader may see, at the provider `chosen` alone if one is
    (`leaking` by provider); `providers` are all there are, each with `called_at`, when its newest
    call left, and `ran_before`, whether it had a daily run before the mornings shown. `starts_at`
    is each provider's daily time by its name, `fresh_until` when a login of a bank that looks down
    was last fresh.
    """

    providers: list[Provider] = field(default_factory=list)
    chosen: str = ""
    worker_seen_at: datetime | None = None
    starts_at: Mapping[str, time | None] = field(default_factory=dict)
    known: bool = False
    leaking: dict[int, int] = field(default_factory=dict)
    unconfirmed: int = 0
    dropping_out: int = 0
    already_out: int = 0
    to_approve: int = 0
    cases_to_do: int = 0
    recovered: list[tuple[str, int, int]] = field(default_factory=list)
    fresh_until: dict[str, datetime | None] = field(default_factory=dict)

    @property
    def shown(self) -> list[Provider]:
        """The providers of which the page speaks: the chosen one, or all."""
        return [row for row in self.providers if self.chosen in ("", row.name)]

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
    chosen: str = "",
    part: Part | None = None,
    down: Sequence[str] = (),
    banks_down: frozenset[str] = frozenset(),
) -> Overview:
    """Ask for it, but for what `part` knows already: what was counted of the reader's own logins.

    `chosen` is the name of the one provider to speak of, or empty. `down` are the banks of which to
    tell when a failing login was last fresh, `banks_down` all whose reconnect cases are folded
    away.
    """
    parts = _parts(mornings_since=mornings_since)
    parts |= _work(user, chosen=chosen, banks_down=banks_down, now=now)
    parts |= {
        f"fresh_until_{number}": _fresh_until(user, name, chosen=chosen)
        for number, name in enumerate(down)
    }
    if part is None:
        parts |= _counts(chosen=chosen, now=now)
    providers = list(
        Provider.objects.order_by("name").select_related("paused_by").annotate(**parts)
    )
    if not providers:
        # Nothing is there that could be counted.
        starts_at = {name: schedules.daily_time(name) for name in wiring.provider_names()}
        seen_at = seats.last_beat(seats.WORKER)
        return Overview(chosen=chosen, worker_seen_at=seen_at, starts_at=starts_at)
    told: Any = providers[0]
    shown = [row for row in providers if chosen in ("", row.name)]
    return Overview(
        providers=providers,
        chosen=chosen,
        worker_seen_at=told.worker_seen_at,
        starts_at={
            name: schedules.time_of(getattr(told, f"cron_{name}"))
            for name in wiring.provider_names()
        },
        # No row at all is asked for when the reader approves nothing.
        to_approve=told.to_approve or 0,
        cases_to_do=told.cases_to_do or 0,
        recovered=cases.recovery_told(told.recovered),
        fresh_until={name: getattr(told, f"fresh_until_{n}") for n, name in enumerate(down)},
        **(_counted_by_part(part, shown) if part else _counted_by_query(told, shown)),
    )


def _counted_by_part(part: Part, shown: Sequence[Provider]) -> dict[str, Any]:
    keys = [row.pk for row in shown]
    return {
        "known": any(part.known[key] for key in keys),
        "leaking": {key: part.leaking[key] for key in keys if part.leaking[key]},
        "unconfirmed": sum(part.unconfirmed[key] for key in keys),
        "dropping_out": sum(part.dropping_out[key] for key in keys),
        "already_out": sum(part.already_out[key] for key in keys),
    }


def _counted_by_query(told: Any, shown: Sequence[Any]) -> dict[str, Any]:
    return {
        "known": bool(told.known),
        "leaking": {row.pk: row.leaking for row in shown if row.leaking},
        "unconfirmed": told.unconfirmed,
        "dropping_out": told.dropping_out,
        "already_out": told.already_out,
    }


def _parts(*, mornings_since: date) -> dict[str, Any]:
    """Ask of each provider how it stands, and of the worker."""
    beats = Beat.objects.filter(name=seats.WORKER).values("seen_at")
    calls = Call.objects.filter(provider=OuterRef("name")).order_by("-sent_at", "-pk")
    earlier = Run.objects.filter(origin=Origin.DAILY.value, local_date__lt=mornings_since)
    crons = {
        f"cron_{name}": Subquery(schedules.daily_cron(name)[:1]) for name in wiring.provider_names()
    }
    return {
        "worker_seen_at": Subquery(beats[:1]),
        "called_at": Subquery(calls.values("sent_at")[:1]),
        "ran_before": Exists(earlier.filter(provider=OuterRef("pk"))),
        **crons,
    }


def _work(user: Any, *, chosen: str, banks_down: frozenset[str], now: datetime) -> dict[str, Any]:
    """Count what waits for a person, and what came of it."""
    to_approve = _at(runs_of(user), chosen)
    to_do = cases_shown(user, TO_DO, banks_down=banks_down, now=now)
    lately = _at(cases_of(user), chosen, path="login__provider")
    return {
        "to_approve": count_of(awaiting(to_approve, user)),
        "cases_to_do": count_of(_at(to_do, chosen, path="login__provider")),
        "recovered": cases.recovery_beside(lately, now=now),
    }


def _counts(*, chosen: str, now: datetime) -> dict[str, Any]:
    """Count over the whole register: each by an index of its own."""
    every: LoginQuerySet = Login.objects.all()
    logins = _at(every, chosen)
    leaking = leaks.leaking(every, leaks.OFF_HERE_ON_THERE).filter(provider=OuterRef("pk"))
    return {
        "known": Exists(logins),
        "leaking": count_of(leaking),
        "unconfirmed": count_of(leaks.unconfirmed_for_long(logins, now=now)),
        "dropping_out": count_of(clock.dropping_out(logins, now=now)),
        "already_out": count_of(clock.already_out(logins, now=now)),
    }


def _at(rows: Any, chosen: str, *, path: str = "provider") -> Any:
    """Keep the rows of the provider called `chosen`; all of them when none is."""
    if not chosen:
        return rows
    # Its key, and no join: an index holds the key.
    key: QuerySet[Any, Any] = Provider.objects.filter(name=chosen).values("pk")
    return rows.filter(**{path: Subquery(key[:1])})


def _fresh_until(user: Any, institution: str, *, chosen: str) -> Subquery:
    """Return when one of the reader's logins that fail on this bank's side was last fresh."""
    failing: LoginQuerySet = (
        _at(logins_of(user), chosen)
        .active()
        .filter(institution=institution, outcome=Outcome.INSTITUTION_UNAVAILABLE.value)
    )
    newest = failing.order_by().values("institution").annotate(at=Max("fresh_at"))
    return Subquery(newest.values("at"))
