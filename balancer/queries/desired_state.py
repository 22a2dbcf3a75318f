"""A tenant's rows → the values that HAProxy is made from. Seven queries, whatever its size."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from balancer.haproxy.desired import (
    AdminState,
    Algorithm,
    CheckType,
    HealthCheck,
    Pool,
    Route,
    Server,
    Tenant,
    Timeouts,
)
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.naming import server_key
from balancer.haproxy.route_columns import COLUMNS, PLAIN, value_of
from balancer.models import Backend as BackendRow
from balancer.models import Listener as ListenerRow
from balancer.models import Pool as PoolRow
from balancer.models import Purge
from balancer.models import Route as RouteRow
from balancer.queries import protection, serving
from billing.queries import limits
from tenants.models import Tenant as TenantRow
from tenants.models import TenantStatus

POOL = (
    "id", "algorithm", "retries", "check_type", "check_method", "check_path", "check_host", "check_headers",
    "check_expected_status", "check_interval_ms", "check_timeout_ms", "check_rise", "check_fall", "check_port",
    "timeout_connect_ms", "timeout_server_ms", "timeout_queue_ms", "mode",
    *serving.COLUMNS,
)  # fmt: skip
ROUTE = ("id", "host", "path_prefix", "pool_id")
BACKEND = ("pool_id", "id", "moves", "ip", "host", "port", "weight", "admin", "backup", "max_connections", "check_port")


def of(tenant: TenantRow) -> Tenant:
    """In the tenant's scope, inside one repeatable-read transaction: the rows must be of one moment.

    Of a deleted tenant nothing is left.
    """
    if tenant.status == TenantStatus.DELETED:
        return Tenant(key=tenant.key)
    servers = servers_by_pool()
    plan = limits.of(tenant.id)
    return Tenant(
        key=tenant.key,
        pools=tuple(pool(row, tuple(servers[row[0]])) for row in PoolRow.objects.order_by("id").values_list(*POOL)),
        routes=routes(),
        rps=plan.requests_per_second or 0,
        burst=(plan.burst or 0) if plan.requests_per_second else 0,
        suspended=tenant.status == TenantStatus.SUSPENDED,
        clients=protection.clients(protection.rate_limit(), plan),
        headers=protection.headers(protection.security_headers()),
        listeners=listeners(),
    )


def routes() -> tuple[Route, ...]:
    """In the tenant's scope. Another query only where one keeps answers."""
    rows = RouteRow.objects.filter(enabled=True).order_by("id").values_list(*ROUTE, *COLUMNS)
    found = tuple(route(*row) for row in rows)
    keeping = [one.key[1:] for one in found if one.handling.cache]
    marks = dict(Purge.objects.filter(route__in=keeping).values_list("route", "mark")) if keeping else {}
    return tuple(_purged(one, marks[one.key[1:]]) if one.key[1:] in marks else one for one in found)


def _purged(one: Route, mark: int) -> Route:
    cache = one.handling.cache and replace(one.handling.cache, purged=mark)
    return replace(one, handling=replace(one.handling, cache=cache))


def route(key: str, host: str, path: str, pool_id: str | None, *values: Any) -> Route:
    """Nearly all of them are plain, and read without looking."""
    columns = dict(zip(COLUMNS, values, strict=True))
    if columns == PLAIN:
        return Route(f"r{key}", host, path, f"p{pool_id}")
    return value_of(f"r{key}", host, path, pool_id, columns)


def value(row: RouteRow) -> Route:
    return route(row.pk, row.host, row.path_prefix, row.pool_id, *(getattr(row, name) for name in COLUMNS))


def listeners() -> tuple[Listener, ...]:
    """In the tenant's scope; those that are switched off are closed."""
    return tuple(
        Listener(
            row.key,
            ListenerKind(row.kind),
            f"p{row.pool_id}",
            port=row.port or 0,
            host=row.host or "",
            allowed=tuple(row.allowed_cidrs),
            max_connections=row.max_connections or 0,
            proxy_protocol=row.proxy_protocol,
            idle_ms=row.idle_timeout_ms,
        )
        for row in ListenerRow.objects.filter(enabled=True).order_by("id")
    )


def servers_by_pool() -> dict[str, list[Server]]:
    found: dict[str, list[Server]] = defaultdict(list)
    rows = BackendRow.objects.order_by("pool_id", "created_at", "id").values_list(*BACKEND)
    for pool_id, key, moves, ip, host, port, weight, admin, backup, most, check_port in rows:
        found[pool_id].append(
            Server(
                server_key(key, moves), ip or "", port, weight, AdminState(admin), backup, most, check_port, host or ""
            )
        )
    return found


def pool(row: tuple, servers: tuple[Server, ...]) -> Pool:  # type: ignore[type-arg]
    (key, algorithm, retries, kind, method, path, host, headers, status, interval, timeout, rise, fall, port,
     connect, server, queue, mode, body, *rest) = row  # fmt: skip
    check = HealthCheck(
        CheckType(kind),
        method,
        path,
        host or None,
        tuple(sorted(headers.items())),
        status,
        interval,
        timeout,
        rise,
        fall,
        port,
        body or None,
    )
    return Pool(
        f"p{key}",
        Algorithm(algorithm),
        servers,
        check,
        Timeouts(connect, server, queue),
        retries,
        serving.of(key, algorithm, rest),
        mode=Mode(mode),
    )
