"""Reports of imports, kept; each tenant's own rows."""

import django.db.models.deletion
import tenants.ids
from django.conf import settings
from django.db import migrations, models

TABLE = "fleet_importreport"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0017_names"),
        ("tenants", "0006_audit_forget"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportReport",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=tenants.ids.new_id, editable=False, max_length=12, primary_key=True, serialize=False
                    ),
                ),
                ("through", models.CharField(blank=True, max_length=40)),
                ("at", models.DateTimeField()),
                ("mode", models.CharField(max_length=8)),
                ("partial", models.BooleanField()),
                ("counts", models.JSONField()),
                ("fates", models.JSONField()),
                ("notes", models.JSONField()),
                ("lines", models.JSONField()),
                ("edit", models.BigIntegerField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="import_reports", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-at", "id"),
                "indexes": [
                    models.Index(fields=["tenant", "-at"], name="import_report_by_tenant"),
                    models.Index(fields=["at"], name="import_report_by_time"),
                ],
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
