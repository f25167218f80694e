"""The admin site: dashboard, run page, actions, roles. No tables."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth import apps as auth_apps


class ConsoleConfig(AppConfig):
    name = "refreshops.console"
    verbose_name = "Console"
    default = True

    def ready(self) -> None:
        """Let the story hear who signs in."""
        from refreshops.console import sign_ins

        sign_ins.listen()


class ConsoleAdminConfig(admin_apps.AdminConfig):
    default_site = "refreshops.console.site.ConsoleSite"
    default = False


class PeopleConfig(auth_apps.AuthConfig):
    """Django's users and groups, under a heading that staff understand."""

    verbose_name = "People"
    default = False
