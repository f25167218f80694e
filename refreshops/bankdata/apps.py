"""What was fetched, encrypted at rest."""

from django.apps import AppConfig


class BankdataConfig(AppConfig):
    name = "refreshops.bankdata"
    verbose_name = "Bank data"
    default_auto_field = "django.db.models.BigAutoField"
