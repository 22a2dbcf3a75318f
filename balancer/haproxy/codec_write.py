"""The desired state as plain values. Field by field, because a tenant of 4,000 servers is digested on every change."""

from typing import Any

from .desired import HealthCheck, Pool, Route, Server, Tenant, Timeouts


def write_tenant(tenant: Tenant) -> dict[str, Any]:
    """Without a burst there is no such field: the digest stays, and older nodes read it."""
    burst = {"burst": tenant.burst} if tenant.burst else {}
    return {
        "key": tenant.key,
        "pools": [_pool(pool) for pool in tenant.pools],
        "routes": [_route(route) for route in tenant.routes],
        "rps": tenant.rps,
        "suspended": tenant.suspended,
        **burst,
    }


def _pool(pool: Pool) -> dict[str, Any]:
    return {
        "key": pool.key,
        "algorithm": pool.algorithm.value,
        "servers": [_server(server) for server in pool.servers],
        "health_check": _check(pool.health_check),
        "timeouts": _timeouts(pool.timeouts),
        "retries": pool.retries,
    }


def _server(server: Server) -> dict[str, Any]:
    return {
        "key": server.key,
        "address": server.address,
        "port": server.port,
        "weight": server.weight,
        "admin": server.admin.value,
        "backup": server.backup,
        "max_connections": server.max_connections,
        "check_port": server.check_port,
    }


def _timeouts(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "connect_ms": timeouts.connect_ms,
        "server_ms": timeouts.server_ms,
        "queue_ms": timeouts.queue_ms,
    }


def _check(check: HealthCheck) -> dict[str, Any]:
    return {
        "type": check.type.value,
        "method": check.method,
        "path": check.path,
        "host": check.host,
        "headers": [[name, value] for name, value in check.headers],
        "expected_status": check.expected_status,
        "interval_ms": check.interval_ms,
        "timeout_ms": check.timeout_ms,
        "rise": check.rise,
        "fall": check.fall,
        "port": check.port,
    }


def _route(route: Route) -> dict[str, Any]:
    return {"key": route.key, "host": route.host, "path_prefix": route.path_prefix, "pool": route.pool}
