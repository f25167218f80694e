"""An index for the list of one provider's logins, now that there may be several providers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logins", "0016_counted_by_provider")]

    operations = [
        migrations.AddIndex(
            model_name="login",
            index=models.Index(
                fields=["provider", "institution", "outcome", "id"], name="login_list_provider"
            ),
        ),
    ]
