"""A tenant on its way between clusters; each tenant's own rows."""

import django.db.models.deletion
import tenants.ids
from django.conf import settings
from django.db import migrations, models

TABLE = "fleet_move"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0010_drains'),
        ('tenants', '0006_audit_forget'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Move',
            fields=[
                ('id', models.CharField(default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False)),
                ('grace_seconds', models.PositiveIntegerField()),
                ('began_at', models.DateTimeField()),
                ('switched_at', models.DateTimeField(null=True)),
                ('let_go_at', models.DateTimeField(null=True)),
                ('let_go_generation', models.PositiveBigIntegerField(default=0)),
                ('waits_for', models.CharField(blank=True, max_length=500)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ending', models.CharField(blank=True, choices=[('moved', 'Moved'), ('called_off', 'Called off')], max_length=12)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='fleet.cluster')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='fleet.cluster')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-began_at', 'id'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('tenant',), name='move_one_at_a_time'), models.CheckConstraint(condition=models.Q(('origin', models.F('target')), _negated=True), name='move_leads_elsewhere')],
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
