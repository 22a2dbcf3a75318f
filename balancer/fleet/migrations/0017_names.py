"""What the names of backends lead to, for everybody, and whose backends go by them: a tenant's scope sees its own uses."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

TABLE = "fleet_nameuse"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):

    dependencies = [("fleet", "0016_node_keys"), ("tenants", "0006_audit_forget")]

    operations = [
        migrations.CreateModel(
            name='Name',
            fields=[
                ('name', models.CharField(max_length=253, primary_key=True, serialize=False)),
                ('addresses', models.JSONField(default=list)),
                ('found_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('more', models.PositiveSmallIntegerField(default=0)),
                ('problem', models.CharField(blank=True, max_length=300)),
                ('failing_since', models.DateTimeField(null=True)),
                ('asked_at', models.DateTimeField(null=True)),
                ('next_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('name',),
                'indexes': [models.Index(fields=['next_at'], name='name_by_next')],
            },
        ),
        migrations.CreateModel(
            name='NameUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=253)),
                ('behind', models.BooleanField(default=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='tenants.tenant')),
            ],
            options={
                'ordering': ('tenant', 'name'),
                'indexes': [
                    models.Index(fields=['name'], name='name_use_by_name'),
                    models.Index(condition=Q(('behind', True)), fields=['tenant'], name='name_use_behind'),
                ],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'name'), name='name_used_once')],
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
