"""The receipt of an order: ordered, approved, accepted by the provider, verified by a read-back.

Built from attempts, their run and the trace alone, never from what a login looks like now: a step
without its evidence is not shown as done.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from refreshops.logins.cells import visible
from refreshops.routine import receipt_lines
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.routine.receipt_lines import Line
from refreshops.routine.standing import Standing, standing_of
from refreshops.rules.lifecycle import Purpose, RunState
from refreshops.tracing.models import Call

# Refreshes and looks order nothing; these do.
ORDERS = frozenset({Purpose.SWITCH_OFF.value, Purpose.SWITCH_ON.value, Purpose.FORGET.value})
# So many attempts are read at once, with their calls: two queries.
CHUNK = 500

# Says what a call's endpoint proves of an order: "order", "read_back" or nothing.
EvidenceOf = Callable[[str], str]


class NoReceipt(Exception):
    """There is nothing to give a receipt for; the text says why."""


@dataclass(frozen=True)
class Receipt:
    """What is known of one login's part in an order, oldest call first.

    `order_calls` counts how often the order was sent, `read_backs` how often its effect was looked
    at; `next_try_at` is set while the attempt waits to go on.
    """

    attempt: Attempt
    standing: Standing
    ordered: Line
    approved: Line
    accepted: Line
    verified: Line
    calls: tuple[Call, ...]
    order_calls: int
    read_backs: int
    next_try_at: datetime | None

    @property
    def lines(self) -> list[Line]:
        """Return the steps in their order; the approval where one was needed."""
        approval = [self.approved] if self.attempt.run.needs_approval else []
        return [self.ordered, *approval, self.accepted, self.verified]

    @property
    def note(self) -> str:
        """Return the attempt's last words on one line: the provider's, or why it was called off."""
        return visible(self.attempt.message)[: receipt_lines.LONGEST_WORDS]


def check_is_order(run: Run) -> None:
    """Raise `NoReceipt` for a run that ordered nothing."""
    if run.purpose not in ORDERS:
        raise NoReceipt(
            f"Run {run.pk} is no order: only runs that switch off, switch on or forget have a "
            "receipt."
        )


def receipts(attempts: QuerySet[Attempt], *, evidence_of: EvidenceOf) -> Iterator[Receipt]:
    """Yield the receipts of `attempts`, oldest first, in chunks: two queries for `CHUNK` rows."""
    rows = _told(attempts).order_by("pk")
    chunk = list(rows[:CHUNK])
    while chunk:
        yield from _of(chunk, evidence_of)
        if len(chunk) < CHUNK:
            return
        chunk = list(rows.filter(pk__gt=chunk[-1].pk)[:CHUNK])


def page_of_receipts(
    attempts: QuerySet[Attempt], *, first: int, most: int, evidence_of: EvidenceOf
) -> list[Receipt]:
    """Return at most `most` receipts after skipping `first`, oldest first."""
    return list(_of(list(_told(attempts).order_by("pk")[first : first + most]), evidence_of))


def receipt_of(attempt: Attempt, *, evidence_of: EvidenceOf) -> Receipt:
    """Return the receipt of one attempt; raise `NoReceipt` when it ordered nothing."""
    check_is_order(attempt.run)
    return next(receipts(Attempt.objects.filter(pk=attempt.pk), evidence_of=evidence_of))


def last_order(attempts: QuerySet[Attempt]) -> Attempt | None:
    """Return the newest of `attempts` that ordered something, with its run."""
    return (
        attempts.filter(purpose__in=ORDERS, login__isnull=False)
        .select_related("run__opened_by", "run__approved_by", "run__provider")
        .order_by("-pk")
        .first()
    )


def totals(attempts: QuerySet[Attempt], *, run: Run) -> dict[Standing, int]:
    """Count `attempts` of `run` by how they stand, in one query; standings of nobody are absent."""
    fields = ("state", "outcome", "outcome_reason", "verified", "waits_for")
    rows = attempts.filter(login__isnull=False).order_by()
    found: dict[Standing, int] = {}
    for begun, part in (
        (True, rows.exclude(conversation={})),
        (False, rows.filter(conversation={})),
    ):
        for *values, number in part.values_list(*fields).annotate(Count("pk")):
            facts: dict[str, Any] = dict(zip(fields, values, strict=True))
            standing = standing_of(run_state=run.state, purpose=run.purpose, begun=begun, **facts)
            found[standing] = found.get(standing, 0) + number
    return {standing: found[standing] for standing in Standing if standing in found}


def _told(attempts: QuerySet[Attempt]) -> QuerySet[Attempt]:
    return attempts.filter(login__isnull=False).select_related(
        "login__customer", "run__opened_by", "run__approved_by", "run__provider"
    )


def _of(attempts: list[Attempt], evidence_of: EvidenceOf) -> Iterator[Receipt]:
    """Yield receipts with the calls found by attempt: one that changed its run keeps its calls."""
    calls: dict[int | None, list[Call]] = {}
    found = Call.objects.filter(attempt_id__in=[attempt.pk for attempt in attempts])
    for call in found.order_by("sent_at", "pk"):
        calls.setdefault(call.attempt_id, []).append(call)
    for attempt in attempts:
        yield _receipt(attempt, _its_own(attempt, calls.get(attempt.pk, [])), evidence_of)


def _its_own(attempt: Attempt, calls: list[Call]) -> list[Call]:
    """Leave out what speaks of another login: numbers outlive the rows they named."""
    login_id = attempt.login.login_id if attempt.login else ""
    return [call for call in calls if call.login_id == login_id]


def _receipt(attempt: Attempt, calls: list[Call], evidence_of: EvidenceOf) -> Receipt:
    run = attempt.run
    orders = [call for call in calls if evidence_of(call.endpoint) == "order"]
    looks = [call for call in calls if evidence_of(call.endpoint) == "read_back"]
    standing = standing_of(
        run_state=run.state,
        purpose=attempt.purpose,
        begun=bool(attempt.conversation) or bool(calls),
        state=attempt.state,
        outcome=attempt.outcome,
        outcome_reason=attempt.outcome_reason,
        verified=attempt.verified,
        waits_for=attempt.waits_for,
    )
    waits = attempt.state in OPEN_ATTEMPT and bool(attempt.waits_for)
    return Receipt(
        attempt=attempt,
        standing=standing,
        ordered=receipt_lines.ordered(run),
        approved=receipt_lines.approved(run),
        accepted=receipt_lines.accepted(attempt, orders, standing=standing),
        verified=receipt_lines.verified(attempt, looks, tries=len(orders), standing=standing),
        calls=tuple(calls),
        order_calls=len(orders),
        read_backs=len(looks),
        next_try_at=attempt.not_before if waits and run.state == RunState.OPEN.value else None,
    )
