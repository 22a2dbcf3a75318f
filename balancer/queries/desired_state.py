"""A tenant's objects → the values that HAProxy is made from. Four queries, whatever its size."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
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

CHECK = (
    "check_type", "check_method", "check_path", "check_host", "check_headers", "check_expected_status",
    "check_interval_ms", "check_timeout_ms", "check_rise", "check_fall", "check_port", "check_expected_body",
)  # fmt: skip
TIMEOUTS = ("timeout_connect_ms", "timeout_server_ms", "timeout_queue_ms")
LISTENER = (
    "enabled", "id", "kind", "pool_id", "port", "host", "allowed_cidrs", "max_connections", "proxy_protocol",
    "idle_timeout_ms",
)  # fmt: skip
ADMIN = {one.value: one for one in AdminState}
ALGORITHM = {one.value: one for one in Algorithm}
MODE = {one.value: one for one in Mode}
BY_AGE = itemgetter("created_at", "id")


def of(tenant: TenantRow, document: objects.Document | None = None) -> Tenant:
    """In the tenant's scope, inside one repeatable-read transaction: the rows must be of one moment. `document`: its
    objects, where they were read already.

    Of a deleted tenant nothing is left.
    """
    if tenant.status == TenantStatus.DELETED:
        return Tenant(key=tenant.key)
    document = objects.current() if document is None else document
    plan = limits.of(tenant.id)
    return Tenant(
        key=tenant.key,
        pools=pools(document["pool"], servers_by_pool(document["backend"])),
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
    usual = objects.defaults_of("route")
    found = tuple(route_of({**usual, **rows[key]}) for key in sorted(rows) if rows[key].get("enabled", True))
    keeping = [one.key[1:] for one in found if one.handling.cache]
    marks = dict(Purge.objects.filter(route__in=keeping).values_list("route", "mark")) if keeping else {}
    return tuple(_purged(one, marks[one.key[1:]]) if one.key[1:] in marks else one for one in found)


def _purged(one: Route, mark: int) -> Route:
    cache = one.handling.cache and replace(one.handling.cache, purged=mark)
    return replace(one, handling=replace(one.handling, cache=cache))


def route_of(row: objects.Row) -> Route:
    """Of a row that says every column. Nearly all of them are plain, and read without looking."""
    columns = {name: row[name] for name in COLUMNS}
    key, host, path, pool_id = f"r{row['id']}", row["host"], row["path_prefix"], row["pool_id"]
    if columns == PLAIN:
        return Route(key, host, path, f"p{pool_id}")
    return value_of(key, host, path, pool_id, columns)


def value(row: RouteRow) -> Route:
    return route_of({name: getattr(row, name) for name in ("id", "host", "path_prefix", "pool_id", *COLUMNS)})


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


def servers_by_pool(rows: Mapping[str, objects.Row]) -> Mapping[str, list[Server]]:
    """In the order in which they came."""
    found: dict[str, list[Server]] = defaultdict(list)
    usual = objects.defaults_of("backend")
    weight, admin, backup = usual["weight"], usual["admin"], usual["backup"]
    for row in sorted(rows.values(), key=BY_AGE):
        said = row.get
        found[row["pool_id"]].append(
            Server(
                server_key(row["id"], said("moves", 0)),
                said("ip") or "",
                row["port"],
                said("weight", weight),
                ADMIN[said("admin", admin)],
                said("backup", backup),
                said("max_connections"),
                said("check_port"),
                said("host") or "",
            )
        )
    return found


def _rows(kind: str, rows: Mapping[str, objects.Row], names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """These columns of each, in the order of their ids."""
    usual = objects.defaults_of(kind)
    for key in sorted(rows):
        yield _told(rows[key], usual, names)


def _told(row: objects.Row, usual: objects.Row, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([row[name] if name in row else usual[name] for name in names])


def pools(rows: Mapping[str, objects.Row], servers: Mapping[str, list[Server]]) -> tuple[Pool, ...]:
    """In the order of their ids."""
    usual = objects.defaults_of("pool")
    return tuple(pool(rows[key], usual, tuple(servers.get(key, ()))) for key in sorted(rows))


def pool(row: objects.Row, usual: objects.Row, servers: tuple[Server, ...]) -> Pool:
    said = {**usual, **row}
    key, algorithm = said["id"], said["algorithm"]
    headers = tuple(sorted(said["check_headers"].items()))
    return Pool(
        f"p{key}",
        ALGORITHM[algorithm],
        servers,
        health_check(*[headers if name == "check_headers" else said[name] for name in CHECK]),
        timeouts(*[said[name] for name in TIMEOUTS]),
        said["retries"],
        serving.of(key, algorithm, [said[name] for name in serving.COLUMNS]),
        MODE[said["mode"]],
    )


# Nearly all pools of a tenant are checked alike, and wait alike: such values are made once.
@lru_cache(maxsize=256)
def health_check(
    kind: str,
    method: str,
    path: str,
    host: str,
    headers: tuple[tuple[str, str], ...],
    status: str,
    interval: int,
    timeout: int,
    rise: int,
    fall: int,
    port: int | None,
    body: str,
) -> HealthCheck:
    return HealthCheck(
        CheckType(kind), method, path, host or None, headers, status, interval, timeout, rise, fall, port, body or None
    )


@lru_cache(maxsize=256)
def timeouts(connect: int, server: int, queue: int) -> Timeouts:
    return Timeouts(connect, server, queue)
