"""The evidence: every call to a provider."""

from django.apps import AppConfig


class TracingConfig(AppConfig):
    name = "refreshops.tracing"
    verbose_name = "Trace"
    default_auto_field = "django.db.models.BigAutoField"
