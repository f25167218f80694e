"""Give the groups the story of what was done, the exports, the support bundles and the notes."""

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
        ("routine", "0006_people_on_receipts_stay"),
        ("logins", "0007_notes_and_the_matrix"),
        ("tracing", "0002_events_and_exports"),
    ]

    operations = [migrations.RunPython(complete_groups, migrations.RunPython.noop)]
