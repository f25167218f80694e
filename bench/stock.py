"""The list of calls as the stock admin draws it when nobody thinks about size: to compare with."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import admin
from django.test import override_settings
from django.urls import path

from refreshops.tracing.models import Call

PAGE = "/tracing/call/"


class StockCalls(admin.ModelAdmin):
    """What one writes first: some columns, filters by field, search over texts, a date bar."""

    list_display = (
        "sent_at",
        "endpoint",
        "login_id",
        "institution",
        "http_status_code",
        "provider_code",
        "state",
        "run_id",
        "message",
    )
    list_filter = ("http_status_code", "provider_code", "endpoint")
    search_fields = ("login_id", "request_id", "provider_code", "message", "institution")
    date_hierarchy = "sent_at"
    ordering = ("-sent_at",)


site = admin.AdminSite()
site.register(Call, StockCalls)
urlpatterns = [path("", site.urls)]


@contextmanager
def served() -> Iterator[None]:
    """Serve these addresses, with Django's own templates."""
    from django.conf import settings

    own = [settings.TEMPLATES[0] | {"DIRS": []}]
    with override_settings(ROOT_URLCONF=__name__, TEMPLATES=own):
        yield
