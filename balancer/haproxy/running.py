"""What a node runs, as values."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from .desired import AdminState


class Oper(StrEnum):
    """What the checks say."""

    UP = "up"
    DOWN = "down"
    STARTING = "starting"
    STOPPING = "stopping"
    NOCHECK = "nocheck"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`check_port` 0: the server's own. `max_connections` None: nobody looked; 0: no limit."""

    address: str
    port: int
    weight: int
    admin: AdminState
    oper: Oper = Oper.UNKNOWN
    check_port: int = 0
    max_connections: int | None = None


@dataclass(frozen=True)
class Running:
    """A look at one node. Keys of `servers` are (proxy, server); of `maps` the names in `render.maps`.

    `pools` are the proxies that run, with or without servers; `frontends` those of tenants' ports
    that listen. Not slotted: the indexes are built once, on first use.
    """

    servers: Mapping[tuple[str, str], RunningServer] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pools: frozenset[str] = frozenset()
    frontends: frozenset[str] = frozenset()

    @cached_property
    def servers_of(self) -> Mapping[str, Mapping[str, RunningServer]]:
        """Proxy -> its servers by key."""
        found: defaultdict[str, dict[str, RunningServer]] = defaultdict(dict)
        for (proxy, key), server in self.servers.items():
            found[proxy][key] = server
        return dict(found)

    @cached_property
    def pools_of(self) -> Mapping[str, tuple[str, ...]]:
        """Tenant key -> its proxies that run."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for proxy in sorted(self.pools):
            found[proxy.partition("_")[0]].append(proxy)
        return {tenant: tuple(proxies) for tenant, proxies in found.items()}

    @cached_property
    def ports_of(self) -> Mapping[str, frozenset[str]]:
        """Tenant key -> the names of its ports' frontends that listen."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name in self.frontends:
            found[name.partition("_")[0]].add(name)
        return {tenant: frozenset(names) for tenant, names in found.items()}

    @cached_property
    def entries_of(self) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        """Tenant key -> map -> the entries that are this tenant's, by key or by value; only maps that have any."""
        found: defaultdict[str, defaultdict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for name, entries in self.maps.items():
            for key, value in entries.items():
                owner = key if name in OWNED_BY_KEY else value.partition("_")[0]
                found[owner][name][key] = value
        return {owner: dict(maps) for owner, maps in found.items()}


HOSTS = "maps/hosts.map"
ROUTES = "maps/routes.map"
LEADS = "maps/leads.map"  # of routers' routes
FALLBACKS = "maps/fallbacks.map"  # pool -> the one that takes over while none of its servers can
PURGES = "maps/purges.map"  # tenant_route -> the mark of its last purge; while HAProxy runs, they only rise
TENANTS = "maps/tenants.map"
LIMITS = "maps/limits.map"
CLIENTS = "maps/clients.map"
ALLOWED = "maps/allowed.map"
PROXIES = "maps/proxies.map"
HEADERS = "maps/headers.map"
# Of listeners: where ports and names on the shared port for TLS lead to, and which networks may come.
ADMITTED = "maps/admitted.map"
PORTS = "maps/ports.map"
NAMES = "maps/names.map"
MAPS = (
    HOSTS, ROUTES, LEADS, PURGES, FALLBACKS, TENANTS, LIMITS, CLIENTS, ALLOWED, PROXIES, HEADERS, ADMITTED, PORTS, NAMES
)  # fmt: skip
OWNED_BY_KEY = frozenset({TENANTS, LIMITS, CLIENTS, HEADERS})
