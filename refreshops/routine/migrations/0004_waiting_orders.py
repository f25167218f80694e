import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('logins', '0004_switch_off_with_proof'),
        ('routine', '0003_slot_without_constraint'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='run',
            name='run_closed_at_goes_with_its_state',
        ),
        migrations.AddField(
            model_name='run',
            name='approved_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='approved_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='run',
            name='needs_approval',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='When the order begins; empty means at once.', null=True),
        ),
        migrations.AlterField(
            model_name='run',
            name='state',
            field=models.CharField(choices=[('waiting', 'waiting'), ('open', 'open'), ('paused', 'paused'), ('closed', 'closed'), ('cancelled', 'cancelled')], default='open', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state__in', ['closed', 'cancelled'])), models.Q(('closed_at__isnull', True), ('state__in', ['waiting', 'open', 'paused'])), _connector='OR'), name='run_closed_at_goes_with_its_state'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), ('opened_by__isnull', True), models.Q(('approved_by', models.F('opened_by')), _negated=True), _connector='OR'), name='nobody_approves_their_own_order'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('needs_approval', False), ('approved_at__isnull', False), ('state__in', ['waiting', 'cancelled']), _connector='OR'), name='no_large_order_without_approval'),
        ),
    ]
