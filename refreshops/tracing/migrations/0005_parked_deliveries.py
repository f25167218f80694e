"""A delivery that our own reading broke on again and again is parked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracing", "0004_deliveries")]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("stored", "stored"),
                    ("applied", "applied"),
                    ("superseded", "older than what we know"),
                    ("unknown_login", "login not known here"),
                    ("ignored", "nothing to learn"),
                    ("unreadable", "could not be read"),
                    ("parked", "could not be applied"),
                ],
                default="stored",
                max_length=20,
            ),
        ),
    ]
