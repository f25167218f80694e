from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("logins", "0014_no_access_token"),
    ]

    operations = [
        migrations.AddField(
            model_name="connectlink",
            name="session_mark",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddIndex(
            model_name="connectlink",
            index=models.Index(fields=["session_mark"], name="link_of_session"),
        ),
    ]
