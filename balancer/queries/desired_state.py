"""A tenant's objects → the values that HAProxy is made from. Seven queries, whatever its size."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
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
from balancer.models import Purge
from balancer.models import Route as RouteRow
from balancer.queries import objects, protection, serving
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
LISTENER = (
    "enabled", "id", "kind", "pool_id", "port", "host", "allowed_cidrs", "max_connections", "proxy_protocol",
    "idle_timeout_ms",
)  # fmt: skip
BACKEND = ("pool_id", "id", "moves", "ip", "host", "port", "weight", "admin", "backup", "max_connections", "check_port")


def of(tenant: TenantRow, document: objects.Document | None = None) -> Tenant:
    """In the tenant's scope, inside one repeatable-read transaction: the rows must be of one moment. `document`: its
    objects, where they were read already.

    Of a deleted tenant nothing is left.
    """
    if tenant.status == TenantStatus.DELETED:
        return Tenant(key=tenant.key)
    document = objects.current() if document is None else document
    servers = servers_by_pool(document["backend"])
    plan = limits.of(tenant.id)
    return Tenant(
        key=tenant.key,
        pools=tuple(pool(row, tuple(servers[row[0]])) for row in _rows("pool", document["pool"], POOL)),
        routes=routes(document["route"]),
        rps=plan.requests_per_second or 0,
        burst=(plan.burst or 0) if plan.requests_per_second else 0,
        suspended=tenant.status == TenantStatus.SUSPENDED,
        clients=protection.clients(protection.rate_limit(), plan),
        headers=protection.headers(protection.security_headers()),
        listeners=listeners(document["listener"]),
    )


def routes(rows: Mapping[str, objects.Row]) -> tuple[Route, ...]:
    """In the tenant's scope. Another query only where one keeps answers."""
    found = tuple(route(*row) for enabled, *row in _rows("route", rows, ("enabled", *ROUTE, *COLUMNS)) if enabled)
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


def listeners(rows: Mapping[str, objects.Row]) -> tuple[Listener, ...]:
    """Those that are switched off are closed."""
    return tuple(
        Listener(
            f"l{key}",
            ListenerKind(kind),
            f"p{pool_id}",
            port=port or 0,
            host=host or "",
            allowed=tuple(allowed),
            max_connections=most or 0,
            proxy_protocol=proxy,
            idle_ms=idle,
        )
        for enabled, key, kind, pool_id, port, host, allowed, most, proxy, idle in _rows("listener", rows, LISTENER)
        if enabled
    )


def servers_by_pool(rows: Mapping[str, objects.Row]) -> dict[str, list[Server]]:
    """In the order in which they came."""
    found: dict[str, list[Server]] = defaultdict(list)
    told = sorted(_rows("backend", rows, ("created_at", *BACKEND)), key=lambda row: (row[0], row[2]))
    for _, pool_id, key, moves, ip, host, port, weight, admin, backup, most, check_port in told:
        found[pool_id].append(
            Server(
                server_key(key, moves), ip or "", port, weight, AdminState(admin), backup, most, check_port, host or ""
            )
        )
    return found


def _rows(kind: str, rows: Mapping[str, objects.Row], names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """These columns of each, in the order of their ids."""
    defaults = objects.defaults_of(kind)
    columns = [(name, defaults[name]) for name in names]
    for key in sorted(rows):
        row = rows[key]
        yield tuple(row.get(name, default) for name, default in columns)


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
