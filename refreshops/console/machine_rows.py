"""What all our ModelAdmins share: scoping, no deletion, and rows that only the machine writes."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import ForeignKey, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from refreshops.console.lookups import OwnLookups
from refreshops.console.scoping import seen_by, sees_everything

COUNT_CAP = 10_000


class CappedPaginator(Paginator):
    """Counts to `COUNT_CAP` and no further: nobody pages deeper, and a full count reads it all."""

    @cached_property
    def capped(self) -> bool:
        """Tell whether there are more rows than are counted."""
        return self._counted > COUNT_CAP

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most the cap."""
        return min(self._counted, COUNT_CAP)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        # Without what is noted on each row: a question of its own for each that is counted.
        return int(rows.order_by().values("pk")[: COUNT_CAP + 1].count())


class ConsoleAdmin(OwnLookups, admin.ModelAdmin):
    """Rows narrowed to the person, foreign ids answered like absent ones, nothing ever deleted."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = "–"
    actions_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of this model that the signed-in person may see."""
        return seen_by(request.user, super().get_queryset(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its plain name."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Leave the manager out for readers of their own customers: it would be themselves."""
        columns = tuple(super().get_list_display(request))
        if sees_everything(request.user):
            return columns
        return tuple(name for name in columns if name != "manager")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are switched off or age out; a person never deletes one."""
        return False

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **options: Any
    ) -> Any:
        """Offer, and take, only rows that the person may see."""
        known = db_field.remote_field.model._default_manager.all()
        options.setdefault("queryset", seen_by(request.user, known))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> Any:
        # The stock answer is a redirect with a message; 404 gives no hint about foreign rows.
        raise Http404(f"{opts.verbose_name} {object_id}")


class MachineRowsAdmin(ConsoleAdmin):
    """Rows that only the machine writes: to be read; only named actions change them."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds a machine's row."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits a machine's row."""
        return False


class PageAdmin(MachineRowsAdmin):
    """Machine rows whose page is a template of ours instead of a form."""

    page_template = ""

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what `page_template` draws of `row`."""
        raise NotImplementedError

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Return a row this person may view; raise `Http404` or `PermissionDenied`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404(f"{self.opts.verbose_name} {object_id}")
        return row

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row; there is nothing to post."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = self.row_or_404(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            **self.page_context(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)
