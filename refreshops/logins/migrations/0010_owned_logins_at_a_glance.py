from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('logins', '0009_reconnect_cases_and_links'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='login',
            name='login_list_customer',
        ),
        migrations.AddIndex(
            model_name='login',
            index=models.Index(fields=['customer', 'institution', 'outcome', 'id', 'status', 'nightly', 'data_state', 'provider_code', 'gone_at', 'drops_out_at', 'nightly_verified_at', 'status_changed_at', 'provider'], name='login_owned'),
        ),
    ]
