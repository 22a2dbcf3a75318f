"""A tenant's scope sees its own domains only; that a proven one has one owner, the index sees whatever the scope."""

from django.db import migrations

TABLE = "fleet_domainproof"
OWN_ROWS = "current_setting('veloflux.tenant', true) IN ('*', tenant_id)"


class Migration(migrations.Migration):
    dependencies = [("fleet", "0006_domain_proofs")]
    operations = [
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
