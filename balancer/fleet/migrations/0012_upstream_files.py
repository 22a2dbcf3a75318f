"""Files of PEM for the way to tenants' servers; a tenant's scope sees its own only."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.ids

TABLE = "fleet_upstreamfile"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):
    dependencies = [("fleet", "0011_moves"), ("tenants", "0006_audit_forget")]
    operations = [
        migrations.CreateModel(
            name="UpstreamFile",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("certificate", models.CharField(blank=True, max_length=64)),
                ("sealed", models.TextField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [models.UniqueConstraint(fields=("tenant", "name"), name="upstream_file_once")],
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
