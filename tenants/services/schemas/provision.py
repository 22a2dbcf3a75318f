"""Make a tenant's schema in a fraction of a second, from recorded SQL instead of from migrations.

The first time for each state of the code, the migrations run on a template schema, and what they told PostgreSQL is
kept in the shared table. Table names in it bear no schema: they land where the scope's search path points.

So a migration of a tenant's app is atomic (no CONCURRENTLY: these tables are small), and points at no shared table by a
foreign key (which would lock that table at every sign-up). Tests hold both.
"""

from django.db import connection, transaction
from django.utils import timezone

from tenants.models import SchemaSnapshot, Tenant
from tenants.scope import Scope, platform_scope, scoped
from tenants.services.schemas import migrations
from tenants.services.schemas.recorder import Recorder

TEMPLATE = "t_template"
LOCK = 7_305_001  # advisory: one builds the snapshot, the others wait for it


def schema_name(tenant_id: str) -> str:
    return f"t_{tenant_id}"


def create(tenant: Tenant) -> None:
    """In the caller's transaction: the schema is there when the tenant's row is, or neither."""
    sql = snapshot()
    with transaction.atomic():
        with platform_scope(), connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {quoted(tenant.schema_name)}")
        with scoped(Scope(tenant.schema_name, tenant.pk)):
            replay(sql)


def drop(tenant: Tenant) -> None:
    """The schema with everything in it."""
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {quoted(tenant.schema_name)} CASCADE")


def snapshot() -> str:
    """The SQL for the code as it is, recorded now if it was not yet."""
    key = migrations.fingerprint()
    with platform_scope():
        kept = SchemaSnapshot.objects.filter(pk=key).first()
        if kept is not None:
            return kept.sql
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            kept = SchemaSnapshot.objects.filter(pk=key).first()
            if kept is None:
                kept = SchemaSnapshot.objects.create(fingerprint=key, sql=record(), created_at=timezone.now())
    return kept.sql


def record() -> str:
    """Migrate the template schema, listening; leave nothing of it behind."""
    recorder = Recorder()
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted(TEMPLATE)}")
    with connection.execute_wrapper(recorder):
        migrations.migrate(TEMPLATE, TEMPLATE)
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {quoted(TEMPLATE)} CASCADE")
    return recorder.sql()


def replay(sql: str) -> None:
    """Many statements in one round trip; without parameters, so that a `%` in a default stays one."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def quoted(schema: str) -> str:
    return connection.ops.quote_name(schema)
