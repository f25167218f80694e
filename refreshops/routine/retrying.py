"""Which logins of a run "retry failed only" asks again, and why it leaves the others out.

Never a success, never `user_action` or `login_gone`: repeats lock bank logins (design.md section 7,
fact 9). That holds for what a login answered after the run as well.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value

from refreshops.logins.models import Login, LoginStatus
from refreshops.routine import live_limits
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import WANTS_INACTIVE, AttemptState, Purpose
from refreshops.rules.outcomes import MEANING_OF

RETRYABLE = frozenset(row.outcome.value for row in MEANING_OF.values() if row.retryable_by_order)
# What a customer set going by a click; with nobody at the screen it is not repeated.
CLICKED = (Purpose.RECONNECT.value, Purpose.INVITE.value, Purpose.CONNECT.value)
# All ask about the same login: what one heard counts for the others.
ASKS_THE_BANK = (
    Purpose.REFRESH.value,
    Purpose.LIVE_REFRESH.value,
    Purpose.RECONNECT.value,
    Purpose.CONNECT.value,
)


@dataclass
class RetryPlan:
    """How many logins are asked again and how many are not, each by outcome.

    `answered_since` failed in the run, and a later answer leaves nothing to retry; `switched_since`
    were switched here since, so that the order would contradict their status; `not_live` may not be
    tried live now (`live_limits`).
    """

    again: "Counter[str]" = field(default_factory=Counter)
    left_out: "Counter[str]" = field(default_factory=Counter)
    answered_since: int = 0
    switched_since: int = 0
    not_live: int = 0


def logins_to_retry(run: Run, *, now: datetime) -> QuerySet[Login]:
    """Return exactly the logins that a retry of `run` asks again."""
    rows = _marked(run, Attempt.objects.filter(run=run), now=now)
    again = rows.filter(
        outcome__in=RETRYABLE, answered_since=False, switched_since=False, not_live=False
    )
    return Login.objects.filter(pk__in=again.values("login_id"))


def retry_plan(run: Run, attempts: QuerySet[Attempt], *, now: datetime) -> RetryPlan:
    """Count what a retry of `run` would ask again and leave out, of those of `attempts` alone."""
    plan = RetryPlan()
    by = ("outcome", "answered_since", "switched_since", "not_live")
    rows = _marked(run, attempts.filter(run=run), now=now).order_by().values_list(*by)
    for outcome, answered, switched, not_live, number in rows.annotate(number=Count("pk")):
        if outcome not in RETRYABLE:
            plan.left_out[outcome] += number
        elif answered:
            plan.answered_since += number
        elif switched:
            plan.switched_since += number
        elif not_live:
            plan.not_live += number
        else:
            plan.again[outcome] += number
    return plan


def _marked(run: Run, attempts: QuerySet[Attempt], *, now: datetime) -> QuerySet[Any]:
    """Mark the ended attempts of `run` with what speaks against asking their login again."""
    ended = attempts.filter(state=AttemptState.DONE.value, login__isnull=False)
    if run.purpose in CLICKED:
        ended = ended.none()
    alike = ASKS_THE_BANK if run.purpose in ASKS_THE_BANK else (run.purpose,)
    later = Attempt.objects.filter(
        login=OuterRef("login"),
        purpose__in=alike,
        state=AttemptState.DONE.value,
        finished_at__gt=OuterRef("finished_at"),
    ).exclude(outcome__in=RETRYABLE)
    return ended.annotate(
        answered_since=Exists(later), switched_since=_contrary(run), not_live=_not_live(run, now)
    )


def _not_live(run: Run, now: datetime) -> Any:
    """Return whether a login may not be tried live now, where the run would."""
    if run.purpose != Purpose.LIVE_REFRESH.value:
        return Value(False)
    allowed = live_limits.allowed(Login.objects.filter(pk=OuterRef("login")), now=now)
    return ~Exists(allowed)


def _contrary(run: Run) -> Q | Value:
    """Return whether a login's status speaks against the run's purpose."""
    purpose = Purpose(run.purpose)
    if purpose is Purpose.CHECK_SCHEDULE:
        return Value(False)
    wanted = LoginStatus.INACTIVE if purpose in WANTS_INACTIVE else LoginStatus.ACTIVE
    return ~Q(login__status=wanted)
