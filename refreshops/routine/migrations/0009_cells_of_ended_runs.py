import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('routine', '0008_lists_in_their_order'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunCells',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='kept_cells', serialize=False, to='routine.run')),
                ('cells', models.JSONField(default=list)),
                ('whole', models.BooleanField(default=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
