"""What is old may leave the audit trail, from the beginning of a chain (`postgres/audit_owner.sql`).

Where the trail is not the application's own any more this does nothing: the superuser's script brings it.
"""

from pathlib import Path

from django.db import migrations

SCRIPT = Path(__file__).resolve().parents[1] / "postgres" / "audit_owner.sql"
OURS = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'tenants_auditentry'::regclass"


def forget(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(OURS)
        if cursor.fetchone()[0]:
            text = SCRIPT.read_text(encoding="utf-8")
            cursor.execute(text[text.index("-- [forget]") : text.index("-- [end]")])


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_audit_chain")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
