"""What lies in each of some tenants, for staff: two queries for a whole page of them, whatever their number."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Count
from psycopg import sql

from balancer.fleet.models import HostClaim
from billing.queries import limits
from tenants.models import Tenant

TABLES = {"pools": "balancer_pool", "backends": "balancer_backend", "routes": "balancer_route"}
# By name, not by search path: the platform's scope has none of theirs.
ONE = sql.SQL("SELECT {tenant}, {counts}")
COUNT = sql.SQL("(SELECT count(*) FROM {table})")


def of(tenants: Sequence[Tenant]) -> dict[str, dict[str, Any]]:
    """`settings.TENANT_STATS`: tenant's id → plan, pools, backends, routes, hosts."""
    if not tenants:
        return {}
    ids = [tenant.pk for tenant in tenants]
    plans = limits.plans_of(ids)
    claims = HostClaim.objects.filter(tenant__in=ids).order_by().values("tenant").annotate(n=Count("pk"))
    hosts = dict(claims.values_list("tenant", "n"))
    rows = counted(tenants)
    return {pk: {"plan": plans.get(pk, ""), **rows[pk], "hosts": hosts.get(pk, 0)} for pk in ids}


def counted(tenants: Sequence[Tenant]) -> dict[str, dict[str, int]]:
    query = sql.SQL(" UNION ALL ").join(
        ONE.format(
            tenant=sql.Literal(tenant.pk),
            counts=sql.SQL(", ").join(
                COUNT.format(table=sql.Identifier(tenant.schema_name, name)) for name in TABLES.values()
            ),
        )
        for tenant in tenants
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {pk: dict(zip(TABLES, numbers, strict=True)) for pk, *numbers in cursor.fetchall()}
