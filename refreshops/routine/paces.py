"""What open runs wait for and what stands before them in the queue, in one question for all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from refreshops.routine.models import (
    RANK_CUSTOMER,
    RANK_DAILY,
    RANK_PERSON,
    Attempt,
    Beat,
    Run,
    Slot,
)
from refreshops.routine.seats import WORKER
from refreshops.routine.tallies import count_of
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose, RunState
from refreshops.tracing.models import Call


@dataclass(frozen=True)
class Pace:
    """What moves or holds one open run.

    `ahead` are logins of other runs that are asked before its last one, `unpaced` its own that
    need no slot any more, `begun` those with one paced call behind them and another before them,
    `ready` says that one could be asked now. `rests_until` and `polls_until` are when the last
    resting login and the last one of `unpaced` go on; `next_at` and `waits_for` are told when
    nothing is ready. `worker_seen_at` and `called_at` are the last signs of life: the worker's own,
    and a call of the run.
    """

    slots_used: int = 0
    ahead: int = 0
    unpaced: int = 0
    begun: int = 0
    ready: bool = False
    rests_until: datetime | None = None
    polls_until: datetime | None = None
    next_at: datetime | None = None
    waits_for: str = ""
    worker_seen_at: datetime | None = None
    called_at: datetime | None = None

    def moved_since(self, moment: datetime) -> bool:
        """Tell whether anybody works on the run, the worker or a command in the foreground."""
        signs = [at for at in (self.worker_seen_at, self.called_at) if at is not None]
        return any(at >= moment for at in signs)


NO_PACE = Pace()
# An order to switch takes a place in the window, and its read-back another.
TWO_PLACES = (Purpose.SWITCH_OFF.value, Purpose.SWITCH_ON.value)
FIELDS = tuple(Pace.__dataclass_fields__)


def places(purpose: str, *, logins: int, begun: int = 0) -> int:
    """Return how many places in the window `logins` still take, `begun` of them one less."""
    return 2 * logins - begun if purpose in TWO_PLACES else logins


def paces(runs: Iterable[Run], *, attempts: QuerySet[Attempt], now: datetime) -> dict[int, Pace]:
    """Return the pace of every run of `runs` that is open, told by those of `attempts` alone.

    Every part is found by an index, however many logins wait.
    """
    keys = [run.pk for run in runs if run.state == RunState.OPEN.value]
    if not keys:
        return {}
    due = attempts.filter(run=OuterRef("pk"), state=AttemptState.DUE.value).order_by()
    # A list of one: SQLite finds no plain truth in an index.
    paced, unpaced = due.filter(paced__in=[True]), due.filter(paced__in=[False])
    begun = count_of(paced.exclude(conversation={}))
    # The rank is named so that the index reaches as far as the time.
    usual = paced.filter(rank=OuterRef("usual_rank"))
    now_due = paced.filter(rank__in=[RANK_CUSTOMER, RANK_PERSON, RANK_DAILY], not_before__lte=now)
    asked = Run.objects.filter(pk__in=keys).annotate(
        usual_rank=_usual_rank(),
        slots_used=_slots_used(now),
        ahead=count_of(_ahead()),
        unpaced=count_of(unpaced),
        # The attempts of a run have its purpose: those of a daily run need not be read.
        begun=Case(When(purpose__in=TWO_PLACES, then=begun), default=0),
        ready=Exists(now_due),
        rests_until=_first(usual, "-not_before", "not_before"),
        polls_until=_first(unpaced, "-not_before", "not_before"),
        next_at=_unless_ready(_first(due, "not_before", "not_before"), DateTimeField()),
        worker_seen_at=Subquery(Beat.objects.filter(name=WORKER).values("seen_at")[:1]),
        called_at=_first(Call.objects.filter(run_id=OuterRef("pk")), "-sent_at", "sent_at"),
        waits_for=_unless_ready(_first(due, "not_before", "waits_for"), CharField()),
    )
    return {
        row["pk"]: Pace(**{name: row[name] for name in FIELDS if row[name] is not None})
        for row in asked.values("pk", *FIELDS)
    }


def _usual_rank() -> Case:
    daily = When(origin=Origin.DAILY.value, then=Value(RANK_DAILY))
    return Case(daily, default=Value(RANK_PERSON), output_field=IntegerField())


def _slots_used(now: datetime) -> Subquery:
    return count_of(Slot.objects.filter(provider=OuterRef("provider"), free_at__gt=now))


def _ahead() -> QuerySet[Attempt]:
    """What people ordered goes before the daily run, and in the order in which they did."""
    ordered = Attempt.objects.filter(
        state=AttemptState.DUE.value,
        paced__in=[True],
        rank__lt=RANK_DAILY,
        run__state=RunState.OPEN.value,
        run__provider=OuterRef("provider"),
    )
    behind = ExpressionWrapper(OuterRef("usual_rank"), output_field=IntegerField())
    ordered = ordered.annotate(behind=behind).exclude(run=OuterRef("pk"))
    return ordered.filter(Q(behind=RANK_DAILY) | Q(run__lt=OuterRef("pk")))


def _first(rows: QuerySet[Any], order: str, field: str) -> Subquery:
    return Subquery(rows.order_by(order).values(field)[:1])


def _unless_ready(found: Subquery, output_field: Any) -> Case:
    """Look only when nothing is ready: the first of all that waits is the dearest to find."""
    return Case(When(ready=True, then=None), default=found, output_field=output_field)
