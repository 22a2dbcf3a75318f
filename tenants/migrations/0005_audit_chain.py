"""The audit trail is only ever added to, each tenant's entries are chained, and a tenant's scope sees its own.

The table is looked up by the trigger's own name for it: `audit_owner.sql` moves it to a schema that the application
does not own. `queries/audit_chain.py` computes the same digest; a test holds both together.
"""

from django.db import migrations, models

DIGEST = """
    encode(sha256(convert_to((
        SELECT string_agg(length(f)::text || ':' || f, '' ORDER BY n) FROM unnest(ARRAY[
            e.previous, e.id::text, e.tenant_id,
            to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            coalesce(e.actor_id::text, ''), e.actor, e.impersonator, e.through, coalesce(host(e.address), ''),
            e.act, e.kind, e.object_id, e.name, e.outcome, e.detail, e.before::text, e.after::text, e.request_id
        ]) WITH ORDINALITY AS fields(f, n)
    ), 'UTF8')), 'hex')
"""
# The lock is held until commit, so that the next one reads what this one wrote; the id is drawn under it, so that the
# order of ids is the order of the chain.
CHAIN = f"""
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    here text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
    last text;
    e record;
BEGIN
    PERFORM pg_advisory_xact_lock(7305003, hashtext(NEW.tenant_id));
    EXECUTE 'SELECT digest FROM ' || here || ' WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1'
        INTO last USING NEW.tenant_id;
    NEW.previous := coalesce(last, '');
    NEW.id := nextval(pg_get_serial_sequence(here, 'id'));
    e := NEW;
    NEW.digest := {DIGEST};
    RETURN NEW;
END $$
"""
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'The audit trail is only ever added to.' USING ERRCODE = 'insufficient_privilege';
END $$
"""
# What was written before there was a chain.
EARLIER = f"""
DO $$
DECLARE
    e tenants_auditentry;
BEGIN
    FOR e IN SELECT * FROM tenants_auditentry ORDER BY id LOOP
        e.previous := coalesce(
            (SELECT digest FROM tenants_auditentry WHERE tenant_id = e.tenant_id AND id < e.id ORDER BY id DESC LIMIT 1),
            '');
        UPDATE tenants_auditentry SET previous = e.previous, digest = {DIGEST} WHERE id = e.id;
    END LOOP;
END $$
"""
OWN_ROWS = """
    current_setting('veloflux.tenant', true) = '*'
    OR (tenant_id <> '' AND tenant_id = current_setting('veloflux.tenant', true))
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_sso_trust")]
    operations = [
        migrations.RunSQL(EARLIER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.UniqueConstraint(fields=["tenant_id", "previous"], name="audit_unforked"),
        ),
        migrations.RunSQL(CHAIN, "DROP FUNCTION audit_chain()"),
        migrations.RunSQL(REFUSE, "DROP FUNCTION audit_refuse()"),
        migrations.RunSQL(
            [
                "CREATE TRIGGER audit_chain BEFORE INSERT ON tenants_auditentry "
                "FOR EACH ROW EXECUTE FUNCTION audit_chain()",
                "CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON tenants_auditentry "
                "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
                "CREATE TRIGGER audit_refuse_all BEFORE TRUNCATE ON tenants_auditentry "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
                "ALTER TABLE tenants_auditentry ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE tenants_auditentry FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY own_rows ON tenants_auditentry USING ({OWN_ROWS}) WITH CHECK ({OWN_ROWS})",
            ],
            [
                "DROP POLICY own_rows ON tenants_auditentry",
                "ALTER TABLE tenants_auditentry NO FORCE ROW LEVEL SECURITY",
                "ALTER TABLE tenants_auditentry DISABLE ROW LEVEL SECURITY",
                "DROP TRIGGER audit_refuse_all ON tenants_auditentry",
                "DROP TRIGGER audit_refuse ON tenants_auditentry",
                "DROP TRIGGER audit_chain ON tenants_auditentry",
            ],
        ),
    ]
