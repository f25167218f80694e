"""The admin site: dashboard, run page, actions, roles. No tables."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    name = "refreshops.console"
    verbose_name = "Console"
    default = True

    def ready(self) -> None:
        """Let the story hear who signs in; name Django's users and groups in plain words."""
        from refreshops.console import sign_ins

        sign_ins.listen()
        apps.get_app_config("auth").verbose_name = "People"


class ConsoleAdminConfig(admin_apps.AdminConfig):
    default_site = "refreshops.console.site.ConsoleSite"
    default = False
