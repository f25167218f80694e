"""People and groups: Django's own pages, with boxes to tick instead of two lists and arrows."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as stock
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse

# Importing Django's module has registered them.
admin.site.unregister([User, Group])


class TickedAdmin(admin.ModelAdmin):
    """Many of another table are chosen by boxes: one key each, and named for screen readers."""

    filter_horizontal = ()
    show_facets = admin.ShowFacets.NEVER

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its plain name."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return boxes where many are chosen, with no pencil and plus beside them."""
        if not db_field.many_to_many:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return self.formfield_for_manytomany(
            db_field, request, widget=forms.CheckboxSelectMultiple, help_text=""
        )


@admin.register(User)
class PersonAdmin(TickedAdmin, stock.UserAdmin):
    """Somebody who signs in."""

    readonly_fields = ("last_login", "date_joined")


@admin.register(Group)
class GroupAdmin(TickedAdmin, stock.GroupAdmin):
    """What people of one kind may do."""
