import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('logins', '0003_limit_has_bounds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='UnknownLogin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('login_id', models.CharField(max_length=64, verbose_name='LoginId')),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('last_refresh_at', models.DateTimeField(blank=True, null=True, verbose_name='LastRefresh')),
                ('provider_state', models.CharField(blank=True, max_length=80)),
                ('provider_code', models.CharField(blank=True, max_length=80, verbose_name='FlinksCode')),
            ],
            options={
                'verbose_name': 'unknown login',
            },
        ),
        migrations.AlterModelOptions(
            name='customer',
            options={'permissions': [('view_every_customer', 'Sees the rows of every account manager'), ('import_customer', 'Can import customers, managers and activity dates')]},
        ),
        migrations.AlterModelOptions(
            name='login',
            options={'permissions': [('refresh_login', 'Can ask for a refresh now'), ('switch_login', 'Can switch the nightly refresh off and on'), ('approve_order', 'Can approve large orders of somebody else'), ('forget_login', 'Can have logins and customers forgotten for good')]},
        ),
        migrations.AddField(
            model_name='customer',
            name='erased_at',
            field=models.DateTimeField(blank=True, help_text='When nothing about the person was left here.', null=True),
        ),
        migrations.AddField(
            model_name='customer',
            name='erasure_asked_at',
            field=models.DateTimeField(blank=True, help_text='When somebody asked that we forget this customer.', null=True),
        ),
        migrations.AddField(
            model_name='customer',
            name='erasure_asked_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='customer',
            name='erasure_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=500),
        ),
        migrations.AddField(
            model_name='login',
            name='drops_out_at',
            field=models.DateTimeField(blank=True, help_text='When the provider stops refreshing it, unless it is refreshed and asked before.', null=True, verbose_name='drops out'),
        ),
        migrations.AddField(
            model_name='login',
            name='gone_at',
            field=models.DateTimeField(blank=True, help_text='When the provider said that it does not know this login.', null=True),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['last_activity_at'], name='customer_activity'),
        ),
        migrations.AddIndex(
            model_name='login',
            index=models.Index(fields=['status', 'nightly'], name='login_leak'),
        ),
        migrations.AddIndex(
            model_name='login',
            index=models.Index(fields=['status', 'drops_out_at'], name='login_drops_out'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), ('erasure_asked_at__isnull', False), _connector='OR'), name='erased_goes_with_an_order'),
        ),
        migrations.AddField(
            model_name='unknownlogin',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='unknown_logins', to='logins.provider'),
        ),
        migrations.AddConstraint(
            model_name='unknownlogin',
            constraint=models.UniqueConstraint(fields=('provider', 'login_id'), name='unknown_once_a_provider'),
        ),
    ]
