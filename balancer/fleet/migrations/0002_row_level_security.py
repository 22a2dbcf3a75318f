"""A tenant's scope sees its own rows of the shared tables, whatever a query forgets to say.

FORCE, so that it binds the tables' owner too; the application's role is no superuser. `*` is the platform's scope.
"""

from django.db import migrations

TABLES = ("fleet_edit", "fleet_revision", "fleet_snapshot", "fleet_deployment")
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
    dependencies = [("fleet", "0001_initial")]
    operations = [
        migrations.RunSQL(list(statements(forward=True)), list(statements(forward=False))),
    ]
