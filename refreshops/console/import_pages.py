"""Importing customers in the browser: choose a file, see what it would do, confirm or drop it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from import_export.admin import ImportMixin

from refreshops import wiring
from refreshops.bankdata.vault import Sealed
from refreshops.console.customer_export import CustomerExport, export_tools
from refreshops.console.exports import csv_response, dated_name
from refreshops.console.import_journal import ImportJournal
from refreshops.console.import_words import about, said
from refreshops.console.scoping import seen_by, sees_everything
from refreshops.console.upload_limit import TOO_LARGE
from refreshops.logins import customer_import, uploads
from refreshops.logins.cells import Row
from refreshops.logins.customer_import import Report
from refreshops.logins.customer_resource import Scope
from refreshops.logins.customer_rows import COLUMNS, REQUIRED
from refreshops.logins.models import Customer, Upload
from refreshops.logins.register_file import Unreadable
from refreshops.logins.register_rows import Faults
from refreshops.routine.roles import ACCOUNT_MANAGERS

LIST = "admin:logins_customer_changelist"
PAGE = "admin:logins_customer_import"
FAULTS_IN_CSV = 10_000
GONE = (
    "This file is not here any more: it was imported or dropped, or it waited longer than an hour. "
    "Choose it again."
)
BAD_NOW = "Meanwhile {} of its rows became bad. Nothing was written; choose the file again to see."


class FileForm(forms.Form):
    """The file to import."""

    import_file = forms.FileField(
        label="File",
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx", "aria-describedby": "file_help"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_import_file(self) -> UploadedFile:
        """Refuse a file that would not be kept."""
        file: UploadedFile = self.cleaned_data["import_file"]
        if (file.size or 0) > uploads.SIZE_CAP:
            raise forms.ValidationError(TOO_LARGE)
        return file


class CustomerImport(CustomerExport, ImportMixin):
    """Mixin of the customers' admin: django-import-export's addresses over our reader and rules.

    The library's own pages keep the file in a shared folder, and all rows and results in memory.
    """

    import_export_change_list_template = None
    import_template_name = "admin/import_export/import.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may import; an account manager for their own customers."""
        may = bool(request.user.has_perm("logins.import_customer"))
        return may and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the list of a file's faults."""
        view = self.admin_site.admin_view(self.faults)
        own = path("import/<uuid:key>/faults/", view, name="logins_customer_import_faults")
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with the ways in and out of it."""
        extra = extra_context or {}
        tools = [*extra.get("tools", ()), *self._tools(request)]
        answer: HttpResponse = super().changelist_view(request, {**extra, "tools": tools})
        return answer

    def _tools(self, request: HttpRequest) -> Iterator[tuple[str, str]]:
        if self.has_import_permission(request):
            yield "Import…", reverse(PAGE)
        yield from export_tools(f"?{request.GET.urlencode()}" if request.GET else "")

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Ask for a file and show what it would do. Nothing is written but the file, sealed."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self._page(request, FileForm())
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        form = FileForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                return self._preview(request, form.cleaned_data["import_file"])
            except Unreadable as refusal:
                form.add_error("import_file", f"{refusal} Nothing was written.")
        return self._page(request, form, status=400)

    def _preview(self, request: HttpRequest, file: UploadedFile) -> HttpResponseBase:
        content = file.read()
        customer_import.look_at_name(file.name or "", content=content)
        report = customer_import.check(content, **_circumstances(request))
        upload = None
        if report.changes or report.faults.count:
            upload = uploads.keep(
                content,
                name=file.name or "",
                by=request.user,
                now=wiring.clock(),
                seal=wiring.vault().seal,
            )
        return self._page(request, FileForm(), report=report, name=file.name, upload=upload)

    def _page(self, request: HttpRequest, form: FileForm, **shown: Any) -> TemplateResponse:
        report: Report | None = shown.get("report")
        context = {
            **self.admin_site.each_context(request),
            "title": "Import customers",
            "opts": self.opts,
            "form": form,
            "only_own": not sees_everything(request.user),
            "columns": [name for name in COLUMNS if name not in REQUIRED],
            "megabytes": uploads.SIZE_CAP // 1024 // 1024,
            "zone": timezone.get_current_timezone_name(),
            **(about(report) if report else {}),
            **shown,
        }
        status = shown.get("status", 200)
        return TemplateResponse(request, self.import_template_name, context, status=status)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Carry out, or drop, the file whose preview was confirmed."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = _key(request.POST.get("key", ""))
        if "drop" in request.POST:
            uploads.drop(key, by=request.user)
            messages.info(request, "The file was dropped. Nothing was written.")
            return redirect(LIST)
        report = _carry_out(request, key)
        if report is None:
            messages.warning(request, GONE)
            return redirect(PAGE)
        if report.faults.count:
            messages.warning(request, BAD_NOW.format(report.faults.count))
            return redirect(PAGE)
        messages.info(request, f"Customers imported: {said(report)}")
        return redirect(LIST)

    def faults(self, request: HttpRequest, key: UUID) -> HttpResponseBase:
        """Answer with what is wrong with a file, row by row, as CSV."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        upload = uploads.find(key, by=request.user, now=wiring.clock())
        if upload is None:
            raise Http404("upload")
        report = customer_import.check(
            _content_of(upload), **_circumstances(request), faults_kept=FAULTS_IN_CSV
        )
        name = dated_name("customers", "bad-rows", ending="csv")
        return csv_response(_table(report.faults), filename=name, exact=True)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as senseless:
        raise Http404("upload") from senseless


def _carry_out(request: HttpRequest, key: UUID) -> Report | None:
    """Write the file whole or not at all; None when it is gone, as after a double click."""
    with transaction.atomic():
        upload = uploads.claim(key, by=request.user, now=wiring.clock())
        if upload is None:
            return None
        journal = ImportJournal(by=request.user, file=upload.name)
        try:
            report = customer_import.write(
                _content_of(upload), **_circumstances(request), log=journal.hear
            )
        except Sealed:
            return None
        if not report.faults.count:
            journal.close(report, said=said(report), now=wiring.clock())
        uploads.drop(key, by=request.user)
    return report


def _content_of(upload: Upload) -> bytes:
    return uploads.content_of(upload, open_sealed=wiring.vault().open)


def _circumstances(request: HttpRequest) -> dict[str, Any]:
    """Return whose rows an import may touch, when it is, and where."""
    scope = Scope(
        customers=seen_by(request.user, Customer.objects.all()),
        managers_group=ACCOUNT_MANAGERS,
        own=None if sees_everything(request.user) else request.user,
    )
    return {"scope": scope, "now": wiring.clock(), "zone": timezone.get_current_timezone()}


def _table(faults: Faults) -> Iterator[Row]:
    yield "line", "what is wrong"
    for fault in faults.first():
        yield fault.line, fault.why
    if faults.count > len(faults.kept):
        yield "", f"and {faults.count - len(faults.kept)} more"
