"""Give the groups what switching off with proof needs, and make the group Privacy."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

from refreshops.routine.roles import ensure_groups

APPS = ("logins", "routine")


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
        ("routine", "0004_waiting_orders"),
        ("logins", "0004_switch_off_with_proof"),
    ]

    operations = [migrations.RunPython(complete_groups, migrations.RunPython.noop)]
