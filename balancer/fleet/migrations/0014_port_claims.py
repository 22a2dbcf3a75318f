"""One owner of each port. Not under row-level security: it is asked across tenants, as host claims are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("fleet", "0013_node_service"), ("tenants", "0006_audit_forget")]

    operations = [
        migrations.CreateModel(
            name='PortClaim',
            fields=[
                ('port', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ports', to='tenants.tenant')),
            ],
            options={
                'ordering': ('port',),
            },
        ),
    ]
