"""The attempts of a run as a CSV file: how each login ended, and how many calls it took."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from refreshops.console.exports import csv_response, dated_name
from refreshops.console.machine_rows import PageAdmin
from refreshops.console.run_parts import asked_for, narrowed
from refreshops.console.scoping import attempts_of
from refreshops.console.story import tell
from refreshops.logins.cells import Row
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.events import Action
from refreshops.tracing.models import Call

COLUMNS = (
    "customer",
    "customer name",
    "LoginId",
    "institution",
    "state",
    "outcome",
    "reason",
    "FlinksCode",
    "message",
    "data we hold",
    "verified",
    "first call at",
    "finished at",
    "calls",
    "attempt",
    "run",
)
CHUNK = 1000


class RunExport(PageAdmin):
    """What a run's admin adds: its attempts as a file."""

    def get_urls(self) -> list[Any]:
        """Add the file."""
        own: list[URLPattern] = [
            path("<int:pk>/export/", self.admin_site.admin_view(self.export), name="run_export")
        ]
        return own + super().get_urls()

    def export(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Answer with a row for each login that the address narrows to, and note who took it."""
        run: Run = self.row_or_404(request, str(pk))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = asked_for(request)
        rows = narrowed(attempts_of(request.user).filter(run=run, login__isnull=False), chosen)
        # What was searched for may name a customer.
        kept = {name: value for name, value in chosen.items() if name != "q"}
        tell(
            request,
            Action.EXPORT,
            number=rows.count(),
            run_id=run.pk,
            provider=run.provider.name,
            details={"what": "attempts", "as": "csv", **({"filters": kept} if kept else {})},
        )
        return csv_response(attempt_rows(rows), filename=dated_name("run", run.pk, ending="csv"))


def attempt_rows(attempts: QuerySet[Attempt]) -> Iterator[Row]:
    """Yield the header and a row for each attempt, in the order in which they are asked."""
    yield COLUMNS
    known = attempts.select_related("login__customer").order_by("pk")
    chunk = list(known[:CHUNK])
    while chunk:
        calls = _calls_of(chunk)
        for attempt in chunk:
            yield _row(attempt, *calls.get(attempt.pk, (None, 0)))
        chunk = list(known.filter(pk__gt=chunk[-1].pk)[:CHUNK])


def _calls_of(attempts: list[Attempt]) -> dict[int, tuple[Any, int]]:
    """Return when the first call of each attempt was sent, and how many are kept."""
    calls = Call.objects.filter(attempt_id__in=[attempt.pk for attempt in attempts]).order_by()
    counted = calls.values_list("attempt_id").annotate(first=Min("sent_at"), number=Count("pk"))
    return {pk: (first, number) for pk, first, number in counted}


def _row(attempt: Attempt, first_call_at: Any, calls: int) -> Row:
    login: Any = attempt.login
    return [
        login.customer.reference,
        login.customer.name,
        login.login_id,
        login.institution,
        attempt.state,
        attempt.outcome,
        attempt.outcome_reason,
        attempt.provider_code,
        attempt.message,
        attempt.data_state,
        attempt.verified,
        first_call_at,
        attempt.finished_at,
        calls,
        attempt.pk,
        attempt.run_id,
    ]
