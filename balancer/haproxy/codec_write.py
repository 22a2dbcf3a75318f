"""The desired state as plain values, field by field."""

from typing import Any

from .desired import HealthCheck, Pool, Server, Tenant, Timeouts
from .listeners import Mode
from .protection import ClientRules, SecurityHeaders
from .read_listeners import write_listener
from .write_routing import write_route
from .write_serving import write_serving


def write_tenant(tenant: Tenant) -> dict[str, Any]:
    """What came later has no field where it is not set: the digest stays, and older nodes read it."""
    burst = {"burst": tenant.burst} if tenant.burst else {}
    clients = {"clients": _clients(tenant.clients)} if tenant.clients != ClientRules() else {}
    headers = {"headers": _headers(tenant.headers)} if tenant.headers != SecurityHeaders() else {}
    listeners = {"listeners": [write_listener(one) for one in tenant.listeners]} if tenant.listeners else {}
    return {
        "key": tenant.key,
        "pools": [_pool(pool) for pool in tenant.pools],
        "routes": [write_route(route) for route in tenant.routes],
        "rps": tenant.rps,
        "suspended": tenant.suspended,
        **burst,
        **clients,
        **headers,
        **listeners,
    }


def _clients(clients: ClientRules) -> dict[str, Any]:
    return {
        "rps": clients.rps,
        "burst": clients.burst,
        "status": clients.status,
        "allowed": list(clients.allowed),
        "proxies": list(clients.proxies),
    }


def _headers(headers: SecurityHeaders) -> dict[str, Any]:
    return {
        "hsts": headers.hsts.value,
        "content_type_options": headers.content_type_options.value,
        "frame_options": headers.frame_options.value,
        "referrer_policy": headers.referrer_policy.value,
        "permissions_policy": headers.permissions_policy.value,
    }


def _pool(pool: Pool) -> dict[str, Any]:
    serving = write_serving(pool.serving)
    return {
        "key": pool.key,
        "algorithm": pool.algorithm.value,
        "servers": [_server(server) for server in pool.servers],
        "health_check": write_check(pool.health_check),
        "timeouts": write_timeouts(pool.timeouts),
        "retries": pool.retries,
        **({"serving": serving} if serving else {}),
        **({"mode": pool.mode.value} if pool.mode is not Mode.HTTP else {}),
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
        **({"name": server.name} if server.name else {}),
    }


def write_timeouts(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "connect_ms": timeouts.connect_ms,
        "server_ms": timeouts.server_ms,
        "queue_ms": timeouts.queue_ms,
    }


def write_check(check: HealthCheck) -> dict[str, Any]:
    body = {"expected_body": check.expected_body} if check.expected_body is not None else {}
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
        **body,
    }
