"""Create the groups Operations, Account managers, Auditors and Data viewers."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

from refreshops.routine.roles import ensure_groups

APPS = ("auth", "logins", "routine", "tracing", "bankdata")


def create_groups(apps, schema_editor):
    # On an empty database permissions appear only after the last migration; groups need them now.
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
        ("routine", "0001_initial"),
        ("logins", "0002_permissions"),
        ("tracing", "0001_initial"),
        ("bankdata", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="run",
            options={
                "permissions": [
                    ("control_run", "Can pause, resume, cancel and retry a run"),
                    ("set_daily_time", "Can set the time of the daily run"),
                ]
            },
        ),
        migrations.RunPython(create_groups, migrations.RunPython.noop),
    ]
