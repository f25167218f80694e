"""The provider's own report about every login it knows: what came of the newest one."""

from datetime import datetime
from typing import Any

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from refreshops.logins.models import Provider
from refreshops.logins.unknown import Noted, note_report
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call


def note(attempt: Attempt, report: Any, *, now: datetime) -> Noted:
    """Write down what the report that `attempt` asked for told, and say so on the attempt.

    It counts as of when its first page was asked for; in the caller's transaction.
    """
    first = Call.objects.filter(attempt_id=attempt.pk).aggregate(at=Min("sent_at"))["at"]
    asked_at = min(first or now, now)
    provider = attempt.run.provider
    noted = note_report(
        provider,
        report,
        now=now,
        asked_at=asked_at,
        moved=isinstance(report, dict) and _deleted_since(asked_at, provider=provider),
    )
    Attempt.objects.filter(pk=attempt.pk).update(message=noted.words)
    return noted


def _deleted_since(moment: datetime, *, provider: Provider) -> bool:
    """Tell whether orders of ours had logins deleted there since, or are about to."""
    orders = Run.objects.filter(provider=provider, purpose=Purpose.FORGET.value)
    deletions = Attempt.objects.filter(run__in=orders)
    under_way = Q(state=AttemptState.CALLING.value) | Q(finished_at__gte=moment)
    return deletions.filter(under_way).exists()


def last_report() -> QuerySet[Attempt]:
    """Return the newest attempt in which the provider of an outer query told us its report.

    A query of one row at most, to be asked with others.
    """
    # By the index of a login's attempts: by that of the outcomes it would read most of them all,
    # so that the outcome is asked for in a way that no index answers.
    told = Attempt.objects.filter(
        ~Q(purpose__in=(Purpose.INVITE.value, Purpose.CONNECT.value)),
        login__isnull=True,
        outcome__startswith=Outcome.FRESH.value,
        run__provider=OuterRef("pk"),
    )
    return told.order_by("login_id", "-pk")[:1]


def newest() -> list[dict[str, Any]]:
    """Return what each provider's newest report told, as values JSON can hold.

    `provider`, `at`, whether it names all that is held there (`complete`), and its `doubt`.
    """
    told = last_report()
    rows = Provider.objects.order_by("pk").annotate(
        at=Subquery(told.values("finished_at")), told=Subquery(told.values("run__report"))
    )
    return [
        {"provider": row.name, "at": row.at.isoformat()} | summary(row.told)
        for row in rows
        if row.at is not None
    ]


def summary(report: Any) -> dict[str, Any]:
    """Return `complete` and `doubt` out of what a run keeps of a provider's report."""
    kept = report.get("nightly") if isinstance(report, dict) else None
    kept = kept if isinstance(kept, dict) else {}
    return {"complete": bool(kept.get("complete")), "doubt": str(kept.get("doubt", ""))}
