"""All files of a node. At most 256 shards: a file per tenant does not scale (`haproxy.md` 2.1)."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

from balancer.haproxy.desired import Tenant
from balancer.haproxy.sites import routed_sites, router_name
from balancer.haproxy.text import name

from .cache import cache_sections
from .frontends import CERTIFICATE_LIST, render_certificate_list, render_frontends
from .listeners import listener_sections
from .maps import render_maps
from .node import NodeSettings, render_global
from .pool import proxy_name, render_pool
from .router import render_router

SHARDS = 256


def shard_of(tenant_key: str) -> int:
    """0..255, the same on every node and in every version."""
    return int.from_bytes(sha256(name(tenant_key).encode()).digest()[:2], "big") % SHARDS


def shard_name(tenant_key: str) -> str:
    return f"50-shard-{shard_of(tenant_key):03d}.cfg"


def render_shard(tenants: Iterable[Tenant]) -> str:
    """The pools and routers of these tenants, in the order of their keys."""
    return "".join([_sections(tenant) for tenant in sorted(tenants, key=lambda tenant: tenant.key)])


def proxies_of(tenant: Tenant) -> list[str]:
    """The names of its sections."""
    pools = [proxy_name(tenant.key, pool.key) for pool in tenant.pools]
    return pools + [router_name(tenant.key, site.host) for site in routed_sites(tenant)]


def _sections(tenant: Tenant) -> str:
    pools = [render_pool(tenant.key, pool) for pool in tenant.pools]
    routers = [render_router(tenant.key, site) for site in routed_sites(tenant)]
    return "".join(pools + cache_sections(tenant) + routers + listener_sections(tenant))


def render_fixed(settings: NodeSettings) -> dict[str, str]:
    """The files that are the node's, and the same for any tenants."""
    certificates = {CERTIFICATE_LIST: render_certificate_list()} if settings.https_bind else {}
    return {"00-global.cfg": render_global(settings), "10-frontends.cfg": render_frontends(settings), **certificates}


def render_tree(tenants: Iterable[Tenant], settings: NodeSettings) -> dict[str, str]:
    """Path in the folder -> text. Shards without a pool are absent. Raises `Unprintable`."""
    everyone = list(tenants)
    shards: defaultdict[str, list[Tenant]] = defaultdict(list)
    for tenant in everyone:
        if tenant.pools or tenant.routes or tenant.listeners:
            shards[shard_name(tenant.key)].append(tenant)
    return {
        **render_fixed(settings),
        **{path: render_shard(members) for path, members in sorted(shards.items())},
        **render_maps(everyone),
    }
