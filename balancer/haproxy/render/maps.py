"""The maps: which tenant a host belongs to, which pool or router a path goes to, and where from there; who is
suspended, who may ask how often, and what is said with each answer."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from balancer.haproxy.desired import Tenant
from balancer.haproxy.made_once import made_once
from balancer.haproxy.networks import digits
from balancer.haproxy.protection import ClientRules, SecurityHeaders
from balancer.haproxy.running import (
    ALLOWED,
    CLIENTS,
    FALLBACKS,
    HEADERS,
    HOSTS,
    LEADS,
    LIMITS,
    MAPS,
    PROXIES,
    PURGES,
    ROUTES,
    TENANTS,
)
from balancer.haproxy.sites import cache_name, leads, routed_sites, router_name
from balancer.haproxy.text import host, map_line, path_prefix

from .listeners import listener_entries
from .pool import proxy_name

SUSPENDED = "suspended"
LONGEST_BURST_S = 1800  # a bucket is counted in microseconds, in 32 bits
LONGEST_CLIENT_BURST_S = 240  # HAProxy forgets a client after five minutes, and its bucket is full again


@lru_cache(maxsize=32_768)
def route_key(site: str, prefix: str) -> str:
    """`example.com/api/`: it ends in `/`, and so does what is looked up, so a prefix matches whole segments."""
    return f"{host(site)}{path_prefix(prefix).rstrip('/')}/"


@made_once
def map_entries(tenant: Tenant) -> Mapping[str, dict[str, str]]:
    """One tenant's share of every map. Of two routes with one key the first counts, as in HAProxy."""
    hosts: dict[str, str] = {}
    routes: dict[str, str] = {}
    onwards: dict[str, str] = {}
    routed = {site.host: site for site in routed_sites(tenant)}
    for route in tenant.routes:
        hosts[route.host] = tenant.key
        if route.host in routed:
            routes[f"{host(route.host)}/"] = router_name(tenant.key, route.host)
            onwards |= leads(tenant.key, route)
        else:
            routes.setdefault(route_key(route.host, route.path_prefix), proxy_name(tenant.key, route.pool))
    return {
        HOSTS: hosts,
        ROUTES: routes,
        LEADS: onwards,
        PURGES: purges(tenant),
        FALLBACKS: fallbacks(tenant),
        TENANTS: {tenant.key: SUSPENDED} if tenant.suspended else {},
        LIMITS: {tenant.key: limit(tenant)} if tenant.rps > 0 else {},
        CLIENTS: {tenant.key: client_limit(tenant.clients)} if tenant.clients.rps > 0 or tenant.clients.proxies else {},
        ALLOWED: networks(tenant.key, tenant.clients.allowed) if tenant.clients.rps > 0 else {},
        PROXIES: networks(tenant.key, tenant.clients.proxies),
        HEADERS: {tenant.key: header_values(tenant.headers)} if tenant.headers != SecurityHeaders() else {},
        **listener_entries(tenant),
    }


def purges(tenant: Tenant) -> dict[str, str]:
    return {
        cache_name(tenant.key, route): str(route.handling.cache.purged)
        for route in tenant.routes
        if route.handling.cache and route.handling.cache.purged
    }


def fallbacks(tenant: Tenant) -> dict[str, str]:
    return {
        proxy_name(tenant.key, pool.key): proxy_name(tenant.key, pool.serving.fallback)
        for pool in tenant.pools
        if pool.serving.fallback
    }


def limit(tenant: Tenant) -> str:
    """`10/20`: requests a second on average, and how many at once. In one entry, so that both change in one moment."""
    return f"{tenant.rps:d}/{min(tenant.burst or tenant.rps, tenant.rps * LONGEST_BURST_S):d}"


def client_limit(clients: ClientRules) -> str:
    """`5/10/429`: requests a second of one address, how many at once, what the others are answered; `0/…`: no limit."""
    burst = min(clients.burst or clients.rps, clients.rps * LONGEST_CLIENT_BURST_S)
    return f"{clients.rps:d}/{burst:d}/{clients.status:d}"


def networks(tenant_key: str, members: Iterable[str]) -> dict[str, str]:
    """`<tenant>/<digits>` of each network. Raises ValueError for what is none."""
    return {f"{tenant_key}/{prefix}": tenant_key for member in members for prefix in digits(member)}


def header_values(headers: SecurityHeaders) -> str:
    """One word: a value for each header in their order, `-` for none."""
    return "|".join(value or "-" for value in headers.values())


def render_maps(tenants: Iterable[Tenant]) -> dict[str, str]:
    """Every map's text by its path in the tree; empty maps too, because HAProxy 2.6 wants the files."""
    merged: dict[str, dict[str, str]] = {path: {} for path in MAPS}
    for tenant in sorted(tenants, key=lambda each: each.key):
        for path, entries in map_entries(tenant).items():
            for key, value in entries.items():
                merged[path].setdefault(key, value)
    return {
        path: "".join(f"{map_line(key, value)}\n" for key, value in sorted(entries.items()))
        for path, entries in merged.items()
    }
