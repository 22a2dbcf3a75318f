"""Ways in beside the shared ones: ports for TCP, names for TLS."""

import django.db.models.deletion
import tenants.ids
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [("balancer", "0004_how_pools_serve")]

    operations = [
        migrations.CreateModel(
            name='Listener',
            fields=[
                ('id', models.CharField(default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('tcp', 'tcp'), ('tls_passthrough', 'tls_passthrough')], max_length=16)),
                ('port', models.PositiveIntegerField(blank=True, null=True, unique=True)),
                ('host', models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ('allowed_cidrs', models.JSONField(blank=True, default=list)),
                ('max_connections', models.PositiveIntegerField(blank=True, null=True)),
                ('proxy_protocol', models.BooleanField(default=False)),
                ('idle_timeout_ms', models.PositiveIntegerField(default=3600000)),
                ('enabled', models.BooleanField(default=True)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('tags', models.JSONField(blank=True, default=list)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='listeners', to='balancer.pool')),
            ],
            options={
                'ordering': ('kind', 'port', 'host', 'id'),
                'constraints': [
                    models.CheckConstraint(condition=Q(('host', None), ('kind', 'tcp'), ('port__isnull', False)) | Q(('host__isnull', False), ('kind', 'tls_passthrough'), ('port', None)), name='listener_has_port_or_host'),
                    models.CheckConstraint(condition=Q(('idle_timeout_ms__gte', 1000), ('idle_timeout_ms__lte', 86400000)), name='listener_idle_in_range'),
                ],
            },
        ),
    ]
