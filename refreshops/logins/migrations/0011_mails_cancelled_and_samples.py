"""Let mails be called off and show samples; give each text of a mail a row, empty where ours holds."""

from django.db import migrations, models


def add_texts(apps, schema_editor):
    text = apps.get_model("logins", "LetterText")
    for kind in ("reconnect", "reminder", "connect", "test"):
        for language in ("en", "fr"):
            text.objects.get_or_create(kind=kind, language=language)


class Migration(migrations.Migration):

    dependencies = [
        ('logins', '0010_owned_logins_at_a_glance'),
    ]

    operations = [
        migrations.AddField(
            model_name='letter',
            name='sample_of',
            field=models.CharField(blank=True, choices=[('reconnect', 'reconnect a bank'), ('reminder', 'remind of a reconnect'), ('connect', 'connect a first bank'), ('test', 'test')], max_length=20),
        ),
        migrations.AlterField(
            model_name='letter',
            name='state',
            field=models.CharField(choices=[('queued', 'queued'), ('sent', 'sent'), ('failed', 'failed'), ('cancelled', 'not sent any more')], default='queued', max_length=10),
        ),
        migrations.AlterField(
            model_name='lettertext',
            name='body',
            field=models.TextField(blank=True, max_length=5000, verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='lettertext',
            name='subject',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.RunPython(add_texts, migrations.RunPython.noop),
    ]
