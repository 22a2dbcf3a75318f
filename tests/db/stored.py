"""What lies in the database, as one value: before a refusal and after it, it must be the same."""

from django.db import connection
from psycopg import sql

from tenants.models import Tenant
from tenants.scope import EVERY_TENANT, PUBLIC, Scope, scoped

DIGEST = "SELECT {}, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"
# Written by looking, or by being refused; not by changing.
BESIDE = frozenset({"django_session", "django_migrations", "tenants_auditentry", "fleet_name"})


def everything(*tenants: Tenant) -> dict[str, str]:
    """A digest for each table, shared and of each tenant."""
    found = tables(Scope(PUBLIC, EVERY_TENANT))
    for tenant in tenants:
        found |= tables(Scope(tenant.schema_name, tenant.pk))
    return found


def tables(where: Scope) -> dict[str, str]:
    with scoped(where), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [where.schema])
        names = [name for (name,) in cursor.fetchall() if name not in BESIDE]
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL(DIGEST).format(sql.Literal(name), sql.Identifier(where.schema, name)) for name in names
        )
        cursor.execute(query)
        return {f"{where.schema}.{name}": digest for name, digest in cursor.fetchall()}
