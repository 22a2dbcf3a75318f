"""Changes that wait, revisions that know their objects, and one node that tries first; each tenant's own rows."""

import django.db.models.deletion
import tenants.ids
from django.db import migrations, models

TABLES = ("fleet_contents", "fleet_delivery", "fleet_trial")
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


def statements(*, forward):
    for table in TABLES:
        if forward:
            yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
            yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
            yield f"CREATE POLICY own_rows ON {table} USING ({OWN_ROWS}) WITH CHECK ({OWN_ROWS})"
        else:
            yield f"DROP POLICY own_rows ON {table}"
            yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
            yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0008_history_by_time'),
        ('tenants', '0006_audit_forget'),
    ]

    operations = [
        migrations.AddField(
            model_name='edit',
            name='staged',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='Contents',
            fields=[
                ('revision', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='contents', serialize=False, to='fleet.revision')),
                ('objects_kept', models.JSONField()),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='delivery', serialize=False, to='tenants.tenant')),
                ('deploy', models.CharField(choices=[('automatic', 'Automatic'), ('staged', 'Staged')], default='automatic', max_length=12)),
                ('canary', models.BooleanField(default=False)),
                ('canary_seconds', models.PositiveSmallIntegerField(default=30)),
                ('updated_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('deploy__in', ['automatic', 'staged'])), name='delivery_is_known'), models.CheckConstraint(condition=models.Q(('canary_seconds__gte', 5), ('canary_seconds__lte', 600)), name='delivery_seconds_in_range')],
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.CharField(default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False)),
                ('generation', models.PositiveBigIntegerField()),
                ('seconds', models.PositiveSmallIntegerField()),
                ('before', models.JSONField(default=dict)),
                ('began_at', models.DateTimeField()),
                ('watched_from', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('verdict', models.CharField(blank=True, max_length=500)),
                ('node', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='fleet.node')),
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='fleet.revision')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-began_at', 'id'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('tenant',), name='trial_one_at_a_time')],
            },
        ),
        migrations.RunSQL(list(statements(forward=True)), list(statements(forward=False))),
    ]
