"""The register: providers, customers and their logins."""

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "refreshops.logins"
    verbose_name = "Register"
    default_auto_field = "django.db.models.BigAutoField"
