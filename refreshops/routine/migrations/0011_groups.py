"""Give the groups the reconnect cases, the connect links, the mails and the deliveries."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

from refreshops.routine.roles import ensure_groups

APPS = ("logins", "routine", "tracing")


def complete_groups(apps, schema_editor):
    # Django itself makes new permissions only after the last migration.
    for label in APPS:
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(
            config, apps=apps, verbosity=0, using=schema_editor.connection.alias
        )
        config.models_module = None
    ensure_groups(
        group_model=apps.get_model("auth", "Group"),
        permission_model=apps.get_model("auth", "Permission"),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("routine", "0010_customers_come_back"),
        ("logins", "0009_reconnect_cases_and_links"),
        ("tracing", "0004_deliveries"),
    ]

    operations = [migrations.RunPython(complete_groups, migrations.RunPython.noop)]
