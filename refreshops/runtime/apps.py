"""Worker, development server, health: no tables."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "refreshops.runtime"
    verbose_name = "Runtime"
