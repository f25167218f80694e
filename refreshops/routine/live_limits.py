"""Whom a live refresh may not be ordered for now: a bank that refuses, and a password gone wrong.

Each live refresh signs in at the bank with nobody present: repeated, it annoys a bank or locks a
customer out. Source: issue 5 E; design.md section 7, fact 9.
"""

from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from refreshops.logins.models import Login, ReconnectCase
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome, Reason

MOST_A_DAY = 2
A_DAY = timedelta(hours=24)
# The failures of a bank or of the provider; the login itself is well.
BANK_SIDE = (Outcome.INSTITUTION_UNAVAILABLE.value, Outcome.PROVIDER_FAULT.value)
# What makes the provider sign in at the bank, for us or for a customer who clicked.
SIGNS_IN = (Purpose.LIVE_REFRESH.value, Purpose.RECONNECT.value)
# Runs are looked through by their age: of one opened longer ago nothing is answered today.
OPENED_WITHIN = timedelta(days=7)

CUSTOMER_FIRST = "the customer must give new credentials first: another try can lock them out"
TRIED_ENOUGH = f"tried live {MOST_A_DAY} times within a day, and the bank did not answer well"


def wants_credentials() -> Q:
    """Return the condition of logins whose customer must sign in anew: none is tried live."""
    asked = ReconnectCase.objects.filter(
        login=OuterRef("pk"), closed_at__isnull=True, reason=Reason.CREDENTIALS.value
    )
    said = Q(outcome=Outcome.USER_ACTION.value, outcome_reason=Reason.CREDENTIALS.value)
    return said | Q(Exists(asked))


def tried_enough(*, now: datetime) -> Q:
    """Return the condition of logins that failed `MOST_A_DAY` times at their bank within a day."""
    lately = Run.objects.filter(purpose__in=SIGNS_IN, opened_at__gt=now - OPENED_WITHIN)
    failed = Attempt.objects.filter(
        run__in=lately.values("pk"),
        state=AttemptState.DONE.value,
        outcome__in=BANK_SIDE,
        finished_at__gt=now - A_DAY,
        login__isnull=False,
    )
    tries = failed.order_by().values("login_id").annotate(tries=Count("pk"))
    return Q(pk__in=tries.filter(tries__gte=MOST_A_DAY).values("login_id"))


def limits(*, now: datetime) -> tuple[tuple[Q, str], ...]:
    """Return each condition under which a login is left out, and why, in words for people."""
    return ((wants_credentials(), CUSTOMER_FIRST), (tried_enough(now=now), TRIED_ENOUGH))


def allowed(logins: QuerySet[Login], *, now: datetime) -> QuerySet[Login]:
    """Return those of `logins` that may be tried live now."""
    return logins.exclude(wants_credentials() | tried_enough(now=now))
