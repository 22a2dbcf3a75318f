-- Take the audit trail out of the application's hands: run by a superuser, after the migrations, as often as one likes.
--   psql -U postgres -d veloflux -v app=veloflux -f tenants/postgres/audit_owner.sql
-- Afterwards the application's role may read and add, and nothing else: neither the rows nor the table, its triggers,
-- its functions or its schema are its own. `manage.py up` does this by itself.
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
    EXECUTE format('ALTER SCHEMA audit OWNER TO %I', owner);
    EXECUTE format('ALTER TABLE audit.tenants_auditentry OWNER TO %I', owner);
    EXECUTE format('ALTER FUNCTION audit.audit_chain() OWNER TO %I', owner);
    EXECUTE format('ALTER FUNCTION audit.audit_refuse() OWNER TO %I', owner);
    EXECUTE format('REVOKE ALL ON SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA audit FROM PUBLIC, %I', app);
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON audit.tenants_auditentry TO %I', app);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA audit TO %I', app);
END $$;
COMMIT;
