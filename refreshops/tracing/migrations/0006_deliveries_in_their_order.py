"""The list of deliveries narrowed by state, in its order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracing", "0005_parked_deliveries")]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_state"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["state", "-received_at", "-id"], name="delivery_states"
            ),
        ),
    ]
