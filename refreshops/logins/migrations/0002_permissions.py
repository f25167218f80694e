"""Name the permissions that the register's actions ask for."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("logins", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="provider",
            options={"permissions": [("pause_provider", "Can pause and resume a provider")]},
        ),
        migrations.AlterModelOptions(
            name="customer",
            options={
                "permissions": [
                    ("view_every_customer", "Sees the rows of every account manager")
                ]
            },
        ),
        migrations.AlterModelOptions(
            name="login",
            options={
                "permissions": [
                    ("refresh_login", "Can ask for a refresh now"),
                    ("switch_login", "Can switch the nightly refresh off and on"),
                ]
            },
        ),
    ]
