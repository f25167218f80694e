"""The one admin site."""

from django.contrib import admin


class ConsoleSite(admin.AdminSite):
    """Stock Django admin under our name."""

    site_header = "RefreshOps"
    site_title = "RefreshOps"
    index_title = "This morning"
