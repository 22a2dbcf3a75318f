"""How a backend leaves service, until when and what follows; each tenant's own rows."""

import django.db.models.deletion
import tenants.ids
from django.conf import settings
from django.db import migrations, models

TABLE = "fleet_drain"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0009_how_changes_go_out'),
        ('tenants', '0006_audit_forget'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Drain',
            fields=[
                ('id', models.CharField(default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False)),
                ('backend', models.CharField(max_length=12)),
                ('name', models.CharField(max_length=200)),
                ('deadline_at', models.DateTimeField(null=True)),
                ('then', models.CharField(blank=True, choices=[('', 'Nothing'), ('maintain', 'Into maintenance'), ('remove', 'Removed'), ('ready', 'Ready again')], default='', max_length=8)),
                ('began_at', models.DateTimeField()),
                ('emptied_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ending', models.CharField(blank=True, choices=[('empty', 'Nobody was left on it'), ('deadline', 'The deadline was over'), ('cancelled', 'It was called off'), ('again', 'It was asked for anew')], max_length=12)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drains', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-began_at', 'id'),
                'indexes': [models.Index(fields=['ended_at'], name='drain_by_end')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('backend',), name='drain_one_at_a_time')],
            },
        ),
        migrations.RunSQL(
            [
                f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY own_rows ON {TABLE} USING ({OWN_ROWS}) WITH CHECK ({OWN_ROWS})",
            ],
            [
                f"DROP POLICY own_rows ON {TABLE}",
                f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY",
                f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
