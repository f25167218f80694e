"""The way back above a page that stands between others: names and addresses, the list first."""

from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.text import Truncator, capfirst

Trail = list[tuple[str, str]]

PRESERVED = "_changelist_filters"
# Pages of no table that lead on to others.
NAMED = {"leaks": "Leaks"}
LONGEST_WORDS = 18


def trail_to(request: HttpRequest, address: str, *, row: Model | None = None) -> Trail:
    """Return what stands between Home and the next page, the page at `address` the last.

    `address` is a path here, with its filters. A row is named only as far as the reader may see
    it, or is what the caller has read of it; empty where the address is no page of ours that has a
    name.
    """
    parts = urlsplit(address)
    try:
        found = resolve(parts.path)
    except Resolver404:
        return []
    if found.url_name in NAMED:
        return [(NAMED[found.url_name], address)]
    model, kind = _model_and_kind(found.url_name or "")
    if model is None or not admin.site.is_registered(model):
        return []
    name = capfirst(str(model._meta.verbose_name_plural))
    if kind == "changelist":
        return [(name, address)]
    if kind != "change":
        return []
    filters = QueryDict(parts.query).get(PRESERVED, "")
    named = _named(row or _read(request, model, found.kwargs.get("object_id", "")))
    return [(name, _list_of(model, filters)), *([(named, address)] if named else [])]


def _model_and_kind(url_name: str) -> tuple[type[Model] | None, str]:
    """Split a name of Django's admin, as "logins_login_change"."""
    stem, _, kind = url_name.rpartition("_")
    app, _, model = stem.rpartition("_")
    try:
        return apps.get_model(app, model), kind
    except LookupError:
        return None, kind


def _read(request: HttpRequest, model: type[Model], key: str) -> Any:
    return admin.site.get_model_admin(model).get_object(request, unquote(key))


def _named(row: Model | None) -> str:
    if row is None:
        return ""
    # A run says more of itself than a heading needs.
    words = f"Run {row.pk}" if row._meta.model_name == "run" else str(row)
    return Truncator(words).words(LONGEST_WORDS)


def _list_of(model: type[Model], filters: str) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{filters}" if filters else address
