"""A backend goes by an address, or by a name."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [("balancer", "0006_route_caches")]

    operations = [
        migrations.AddField("backend", "host", models.CharField(blank=True, max_length=253, null=True)),
        migrations.AlterField("backend", "ip", models.GenericIPAddressField(blank=True, null=True)),
        migrations.AddConstraint(
            "backend", models.UniqueConstraint(fields=("pool", "host", "port"), name="backend_host_once_in_pool")
        ),
        migrations.AddConstraint(
            "backend",
            models.CheckConstraint(
                condition=Q(("host__isnull", False), ("ip", None)) | Q(("host", None), ("ip__isnull", False)),
                name="backend_has_ip_or_host",
            ),
        ),
    ]
