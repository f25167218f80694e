"""Receipts as documents: one of a whole order, one of each login, to print and to download."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from refreshops import wiring
from refreshops.console.badges import purpose_words
from refreshops.console.exports import csv_response, dated_name, text_response
from refreshops.console.machine_rows import ConsoleAdmin, PageAdmin
from refreshops.console.scoping import attempts_of, runs_of, sees_everything
from refreshops.console.search import is_number
from refreshops.console.story import tell
from refreshops.logins.models import Login
from refreshops.routine import receipt_files
from refreshops.routine.models import Attempt, Run
from refreshops.routine.receipt_lines import approved, orderer
from refreshops.routine.receipts import (
    ORDERS,
    NoReceipt,
    Receipt,
    check_is_order,
    page_of_receipts,
    receipt_of,
    receipts,
    totals,
)
from refreshops.routine.standing import Standing
from refreshops.tracing.events import Action

PER_PAGE = 500


@dataclass(frozen=True)
class Sheet:
    """Which rows of how many a printed page of receipts holds, and its neighbours' numbers."""

    number: int
    first: int
    last: int
    of: int
    before: int | None
    after: int | None


class RunReceipts(PageAdmin):
    """What a run's admin adds: the receipt of the order, as a document and as files."""

    def get_urls(self) -> list[Any]:
        """Add the document and the two files."""
        wrap = self.admin_site.admin_view
        own: list[URLPattern] = [
            path("<int:pk>/receipt/", wrap(require_safe(self.receipt)), name="run_receipt"),
            path("<int:pk>/receipt.csv", wrap(require_safe(self.csv)), name="run_receipt_csv"),
            path("<int:pk>/receipt.json", wrap(require_safe(self.json)), name="run_receipt_json"),
        ]
        return own + super().get_urls()

    def receipt(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the order's receipt, `PER_PAGE` logins a page."""
        run = self._order_or_404(request, pk)
        attempts = _attempts(request, run)
        counted = totals(attempts, run=run)
        sheet = _sheet(request.GET.get("page", ""), of=sum(counted.values()))
        rows = page_of_receipts(
            attempts,
            first=max(0, sheet.first - 1),
            most=PER_PAGE,
            evidence_of=wiring.evidence_of(run.provider.name),
        )
        context = {
            **self.admin_site.each_context(request),
            **_order_context(run),
            "title": f"Receipt of order {run.pk}",
            "whole": sees_everything(request.user),
            "totals": list(counted.items()),
            "receipts": rows,
            "sheet": sheet,
            "not_kept": max(0, run.planned - sheet.of) if sees_everything(request.user) else 0,
        }
        return TemplateResponse(request, "console/run_receipt.html", context)

    def csv(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """Answer with a CSV row for each login, written while it is read."""
        run = self._order_or_404(request, pk)
        _tell(request, run, kind="csv")
        rows = receipt_files.csv_rows(self._receipts(request, run))
        return csv_response(rows, filename=_filename(run, "csv"))

    def json(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """Answer with one document of all logins and all calls, written while it is read."""
        run = self._order_or_404(request, pk)
        counted = _tell(request, run, kind="json")
        document = receipt_files.json_document(
            run,
            self._receipts(request, run),
            environment=wiring.environment_label(run.provider.name),
            totals=counted,
            made_at=wiring.clock(),
        )
        kind = "application/json"
        return text_response(document, filename=_filename(run, "json"), content_type=kind)

    def _order_or_404(self, request: HttpRequest, pk: int) -> Run:
        run: Run = self.row_or_404(request, str(pk))
        try:
            check_is_order(run)
        except NoReceipt as none:
            raise Http404(str(none)) from none
        return run

    def _receipts(self, request: HttpRequest, run: Run) -> Iterator[Receipt]:
        return receipts(_attempts(request, run), evidence_of=wiring.evidence_of(run.provider.name))


class LoginReceipts(ConsoleAdmin):
    """What a login's admin adds: the receipt of one order for this login."""

    def get_urls(self) -> list[Any]:
        """Add the document."""
        wrap = self.admin_site.admin_view
        own = path(
            "<int:pk>/receipt/<int:attempt>/",
            wrap(require_safe(self.receipt)),
            name="login_receipt",
        )
        return [own, *super().get_urls()]

    def receipt(self, request: HttpRequest, pk: int, attempt: int) -> HttpResponse:
        """Show what an order came to for this login, with every call and answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        login: Login | None = self.get_object(request, str(pk))
        found = _order_of(request, login, attempt) if login else None
        if login is None or found is None:
            raise Http404(f"receipt {pk}/{attempt}")
        receipt = receipt_of(found, evidence_of=wiring.evidence_of(found.run.provider.name))
        run = receipt.attempt.run
        visible_run = runs_of(request.user).filter(pk=run.pk).exists()
        context = {
            **self.admin_site.each_context(request),
            **_order_context(run),
            "title": f"Receipt of order {run.pk} for one login",
            "login": login,
            "receipt": receipt,
            "fingerprint": receipt_files.facts_of(receipt)["fingerprint"],
            "run_url": reverse("admin:run_receipt", args=[run.pk]) if visible_run else "",
        }
        return TemplateResponse(request, "console/login_receipt.html", context)


def _tell(request: HttpRequest, run: Run, *, kind: str) -> dict[Standing, int]:
    """Tell who takes a receipt away, and return its totals."""
    counted = totals(_attempts(request, run), run=run)
    if request.method == "GET":
        details = {"what": "receipt", "as": kind}
        number = sum(counted.values())
        tell(request, Action.EXPORT, number=number, run_id=run.pk, details=details)
    return counted


def receipt_url(run: Run) -> str:
    """Return the address of a run's receipt; empty for a run that ordered nothing."""
    return reverse("admin:run_receipt", args=[run.pk]) if run.purpose in ORDERS else ""


def _order_of(request: HttpRequest, login: Login, number: int) -> Attempt | None:
    mine = attempts_of(request.user).filter(login=login, purpose__in=ORDERS)
    return mine.select_related("run__provider").filter(pk=number).first()


def _attempts(request: HttpRequest, run: Run) -> QuerySet[Attempt]:
    """Return the run's logins that are the reader's to see, as of now."""
    return attempts_of(request.user).filter(run=run, login__isnull=False)


def _order_context(run: Run) -> dict[str, Any]:
    return {
        "run": run,
        "what": purpose_words(run.purpose),
        "orderer": orderer(run),
        "approved": approved(run),
        "environment": wiring.environment_label(run.provider.name),
        "made_at": wiring.clock(),
    }


def _sheet(number: str, *, of: int) -> Sheet:
    """Return the page asked for, or the nearest there is."""
    pages = max(1, -(-of // PER_PAGE))
    page = min(max(1, int(number)), pages) if is_number(number) else 1
    return Sheet(
        number=page,
        first=(page - 1) * PER_PAGE + 1 if of else 0,
        last=min(page * PER_PAGE, of),
        of=of,
        before=page - 1 if page > 1 else None,
        after=page + 1 if page < pages else None,
    )


def _filename(run: Run, ending: str) -> str:
    return dated_name("receipt-of-order", run.pk, ending=ending)
