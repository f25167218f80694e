"""The work: runs of attempts, driven by one engine."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from refreshops.tracing import planning


class RoutineConfig(AppConfig):
    name = "refreshops.routine"
    verbose_name = "Routine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have every migration end without old beliefs about sizes."""
        post_migrate.connect(_forget_sizes, sender=self)


def _forget_sizes(*, using: str, **rest: Any) -> None:
    planning.forget_sizes(using)
