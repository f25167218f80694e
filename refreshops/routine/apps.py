"""The work: runs of attempts, driven by one engine."""

from django.apps import AppConfig


class RoutineConfig(AppConfig):
    name = "refreshops.routine"
    verbose_name = "Routine"
    default_auto_field = "django.db.models.BigAutoField"
