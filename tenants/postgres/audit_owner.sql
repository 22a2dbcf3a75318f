-- Take the audit trail out of the application's hands: run by a superuser, after the migrations, as often as one likes.
--   psql -U postgres -d veloflux -v app=veloflux -f tenants/postgres/audit_owner.sql
-- Afterwards the application's role may read and add, and may ask for what is older than thirty days to be forgotten, from
-- the beginning of a chain (`audit_forget`). Nothing else: neither the rows nor the table, its triggers, its functions or
-- its schema are its own. `manage.py up` does this by itself.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
BEGIN;
SELECT set_config('veloflux.app', :'app', true) \g /dev/null
DO $$
DECLARE
    app text := current_setting('veloflux.app');
    owner text := 'veloflux_audit';
    one text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', owner);
    END IF;
    FOR one IN SELECT m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
            JOIN pg_roles m ON m.oid = a.member WHERE r.rolname = owner LOOP
        EXECUTE format('REVOKE %I FROM %I', owner, one);
    END LOOP;
    IF to_regclass('public.tenants_auditentry') IS NOT NULL AND to_regclass('audit.tenants_auditentry') IS NOT NULL THEN
        RAISE EXCEPTION 'There are two audit trails, in the schemas public and audit. Find out why before you go on.';
    END IF;
    IF to_regnamespace('audit') IS NULL THEN
        EXECUTE format('CREATE SCHEMA audit AUTHORIZATION %I', owner);
    END IF;
    IF to_regclass('public.tenants_auditentry') IS NOT NULL THEN
        ALTER TABLE public.tenants_auditentry SET SCHEMA audit;
        ALTER FUNCTION public.audit_chain() SET SCHEMA audit;
        ALTER FUNCTION public.audit_refuse() SET SCHEMA audit;
    END IF;
    IF to_regclass('audit.audit_anchor') IS NULL AND to_regclass('public.audit_anchor') IS NOT NULL THEN
        ALTER TABLE public.audit_anchor SET SCHEMA audit;
    END IF;
    DROP TABLE IF EXISTS public.audit_anchor;
END $$;
-- Of the functions only their text here is taken, never what lies in a schema of the application's.
SET LOCAL search_path = audit, pg_temp;
-- [forget] The migration 0006 runs these lines too, for an installation whose trail is still the application's own.
CREATE TABLE IF NOT EXISTS audit_anchor (
    tenant_id varchar(12) PRIMARY KEY, last_id bigint NOT NULL, digest varchar(64) NOT NULL
);
-- Where a chain begins after its oldest entries are gone: after `last_id`, whose digest the next one names. It only ever
-- moves on, to an entry that is there, with nothing younger than thirty days up to it.
CREATE OR REPLACE FUNCTION audit_anchor_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    fits boolean;
BEGIN
    IF TG_OP NOT IN ('INSERT', 'UPDATE') THEN
        RAISE EXCEPTION 'The audit trail is only ever added to.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT bool_or(id = $2 AND digest = $3) AND max(at) < now() - interval ''30 days'' '
        'FROM %I.tenants_auditentry WHERE tenant_id = $1 AND id <= $2', TG_TABLE_SCHEMA)
        INTO fits USING NEW.tenant_id, NEW.last_id, NEW.digest;
    IF fits IS NOT TRUE OR (TG_OP = 'UPDATE' AND (OLD.tenant_id <> NEW.tenant_id OR OLD.last_id >= NEW.last_id)) THEN
        RAISE EXCEPTION 'The audit trail keeps thirty days.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER audit_anchor_guard BEFORE INSERT OR UPDATE OR DELETE ON audit_anchor
    FOR EACH ROW EXECUTE FUNCTION audit_anchor_guard();
CREATE OR REPLACE TRIGGER audit_anchor_guard_all BEFORE TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_anchor_guard();
ALTER TABLE audit_anchor ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_anchor FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON audit_anchor;
CREATE POLICY own_rows ON audit_anchor USING (
    current_setting('veloflux.tenant', true) = '*'
    OR (tenant_id <> '' AND tenant_id = current_setting('veloflux.tenant', true))
);
-- Before an entry is changed or goes: only the owner of the trail removes, and only what lies before the anchor.
CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    before_anchor boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.audit_anchor WHERE tenant_id = $1 AND last_id >= $2)',
            TG_TABLE_SCHEMA) INTO before_anchor USING OLD.tenant_id, OLD.id;
        IF before_anchor AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit trail is only ever added to.' USING ERRCODE = 'insufficient_privilege';
END $$;
-- Remove from the beginning of a chain what happened before `before`, `most` entries at a time, and keep the last one's
-- digest. The newest entry always stays, so the next one has a predecessor. Answers how many went.
CREATE OR REPLACE FUNCTION audit_forget(chain text, before timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here text;
    last_one bigint;
    gone integer;
BEGIN
    IF most NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'Between 1 and 10000 at a time.' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT format('%I', n.nspname) INTO STRICT here FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'tenants_auditentry' AND n.nspname IN ('audit', 'public') AND c.relowner = current_user::regrole;
    PERFORM pg_advisory_xact_lock(7305003, hashtext(chain));
    EXECUTE 'WITH oldest AS (SELECT id, at FROM ' || here || '.tenants_auditentry WHERE tenant_id = $1 '
        'AND id < (SELECT max(id) FROM ' || here || '.tenants_auditentry WHERE tenant_id = $1) ORDER BY id LIMIT $3) '
        'SELECT max(id) FROM oldest WHERE id < coalesce((SELECT min(id) FROM oldest WHERE at >= $2), 9223372036854775807)'
        INTO last_one USING chain, before, most;
    IF last_one IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE 'INSERT INTO ' || here || '.audit_anchor AS a SELECT tenant_id, id, digest FROM ' || here ||
        '.tenants_auditentry WHERE tenant_id = $1 AND id = $2 ON CONFLICT (tenant_id) DO UPDATE '
        'SET last_id = excluded.last_id, digest = excluded.digest' USING chain, last_one;
    EXECUTE 'DELETE FROM ' || here || '.tenants_auditentry WHERE tenant_id = $1 AND id <= $2' USING chain, last_one;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION audit_forget(text, timestamptz, integer) FROM PUBLIC;
CREATE OR REPLACE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON tenants_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_guard();
-- [end]
DO $$
DECLARE
    app text := current_setting('veloflux.app');
    owner text := 'veloflux_audit';
    one text;
BEGIN
    EXECUTE format('ALTER SCHEMA audit OWNER TO %I', owner);
    FOREACH one IN ARRAY ARRAY['tenants_auditentry', 'audit_anchor'] LOOP
        EXECUTE format('ALTER TABLE audit.%I OWNER TO %I', one, owner);
    END LOOP;
    FOREACH one IN ARRAY ARRAY['audit_chain()', 'audit_refuse()', 'audit_guard()', 'audit_anchor_guard()',
            'audit_forget(text, timestamptz, integer)'] LOOP
        EXECUTE format('ALTER FUNCTION audit.%s OWNER TO %I', one, owner);
        EXECUTE format('DROP FUNCTION IF EXISTS public.%s', one);
    END LOOP;
    EXECUTE format('REVOKE ALL ON SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON audit.tenants_auditentry TO %I', app);
    EXECUTE format('GRANT SELECT ON audit.audit_anchor TO %I', app);
    EXECUTE format('REVOKE ALL ON FUNCTION audit.audit_forget(text, timestamptz, integer) FROM PUBLIC, %I', app);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.audit_forget(text, timestamptz, integer) TO %I', app);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA audit TO %I', app);
END $$;
COMMIT;
