"""Which tenants' schemas are not what the code expects: asked of five hundred at a time, not of each."""

from collections.abc import Iterator, Sequence

from django.db import connection
from psycopg import sql

from tenants.models import Tenant

AT_ONCE = 500
RECORDED = (
    "SELECT {}, md5(string_agg(app || '.' || name, ',' ORDER BY app COLLATE \"C\", name COLLATE \"C\")) "
    "FROM {}.django_migrations"
)


def stale(expected: str) -> list[Tenant]:
    """Tenants without a schema, or whose recorded migrations differ from `expected` (`services.migrations.digest`)."""
    tenants = list(Tenant.objects.order_by("pk"))
    there = _with_records([tenant.schema_name for tenant in tenants])
    found = {schema: print_ for part in _parts(there) for schema, print_ in _fingerprints(part)}
    return [tenant for tenant in tenants if found.get(tenant.schema_name) != expected]


def exists(schema: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def _with_records(schemas: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s) ORDER BY 1",
            [list(schemas)],
        )
        return [name for (name,) in cursor.fetchall()]


def _fingerprints(schemas: Sequence[str]) -> list[tuple[str, str]]:
    query = sql.SQL(" UNION ALL ").join(
        sql.SQL(RECORDED).format(sql.Literal(schema), sql.Identifier(schema)) for schema in schemas
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _parts(schemas: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(schemas), AT_ONCE):
        yield schemas[start : start + AT_ONCE]
