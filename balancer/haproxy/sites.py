"""A tenant's routes, compiled: the order in which each host's are tried, and where each leads.

One module makes the entries of the maps, the lines of the routers and the answers of the route tester. A host all of
whose routes are plain is in the maps alone. One with a route that is more has a router, a section of its own: what it
asks of each request concerns and costs nobody else.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

from .desired import Route, Tenant
from .made_once import made_once
from .routing import ANY_REQUEST, AS_IT_IS, TO_ITS_POOL, Act, Cache, PathMatch, Share
from .text import Unprintable, name

DRAWS = 100  # a weighted route draws one of so many for a client that it does not know yet
CACHE_NAME_MAX = 32
_RANK = {PathMatch.EXACT: 0, PathMatch.REGEX: 1, PathMatch.PREFIX: 2}


@dataclass(frozen=True, slots=True)
class Site:
    """One host. The first of `routes` that takes a request has it."""

    host: str
    routes: tuple[Route, ...]

    @property
    def plain(self) -> bool:
        """By maps alone: the longest prefix wins there, whatever the order."""
        return all(is_plain(route) for route in self.routes) and len({route.priority for route in self.routes}) == 1


def is_plain(route: Route) -> bool:
    """By identity first: of a thousand tenants' routes nearly all are."""
    return (
        (route.match is ANY_REQUEST or route.match == ANY_REQUEST)
        and (route.action is TO_ITS_POOL or route.action == TO_ITS_POOL)
        and (route.handling is AS_IT_IS or route.handling == AS_IT_IS)
    )


def sites(tenant: Tenant) -> tuple[Site, ...]:
    found: defaultdict[str, list[Route]] = defaultdict(list)
    for route in tenant.routes:
        found[route.host].append(route)
    return tuple(Site(host, tuple(sorted(routes, key=order))) for host, routes in found.items())


@made_once
def routed_sites(tenant: Tenant) -> tuple[Site, ...]:
    """Those with a router."""
    if all(is_plain(route) and not route.priority for route in tenant.routes):
        return ()
    return tuple(site for site in sites(tenant) if not site.plain)


def order(route: Route) -> tuple[int, int, int, int, str]:
    """Highest priority; exact paths, expressions, prefixes from the longest on; most conditions; then by key."""
    length = len(route.path_prefix.rstrip("/")) if route.match.path is PathMatch.PREFIX else 0
    return -route.priority, _RANK[route.match.path], -length, -len(route.match.conditions), route.key


def router_name(tenant_key: str, host: str) -> str:
    return name(f"{tenant_key}_h{sha256(host.encode()).hexdigest()[:12]}")


def is_router(proxy: str) -> bool:
    """A router's name, and no pool's (`p…`)."""
    return proxy.partition("_")[2].startswith("h")


def cached(site: Site) -> tuple[tuple[Route, Cache], ...]:
    """Those of its routes that keep answers."""
    return tuple((route, route.handling.cache) for route in site.routes if route.handling.cache)


def cache_name(tenant_key: str, route: Route) -> str:
    """Of its section, one for each such route: none fills another's. HAProxy cuts a longer one off (2.6.12)."""
    found = name(f"{tenant_key}_{route.key}")
    if len(found) > CACHE_NAME_MAX:
        raise Unprintable(f"longer than {CACHE_NAME_MAX} characters")
    return found


def leads(tenant_key: str, route: Route) -> dict[str, str]:
    """What the map of leads holds of a router's route: `t_r/` → pool, or `t_r/0` to `t_r/99` of a weighted one.

    In a map, so that another pool and other weights need no reload.
    """
    start = name(f"{tenant_key}_{route.key}")
    if route.action.type is Act.POOL:
        return {f"{start}/": name(f"{tenant_key}_{route.pool}")}
    drawn = draws(route.action.shares) if route.action.type is Act.WEIGHTED else ()
    return {f"{start}/{number}": name(f"{tenant_key}_{pool}") for number, pool in enumerate(drawn)}


@lru_cache(maxsize=1024)
def draws(shares: tuple[Share, ...]) -> tuple[str, ...]:
    """The pool of each draw: in proportion, by the largest remainder, and none that has a weight without a draw."""
    weighing = [share for share in shares if share.weight > 0]
    whole = sum(share.weight for share in weighing)
    exact = [share.weight * DRAWS / whole for share in weighing]
    counts = [max(1, int(one)) for one in exact]
    by_rest = sorted(range(len(counts)), key=lambda at: (counts[at] - exact[at], at))
    for step in range(DRAWS - sum(counts)):
        counts[by_rest[step % len(counts)]] += 1
    while sum(counts) > DRAWS:
        counts[counts.index(max(counts))] -= 1
    return tuple(share.pool for share, count in zip(weighing, counts, strict=True) for _ in range(count))


def shape(site: Site) -> Site:
    """What of it is in the router's lines; where its routes lead to is in a map."""
    return replace(site, routes=tuple(_without_leads(route) for route in site.routes))


def _without_leads(route: Route) -> Route:
    route = replace(route, pool="", action=replace(route.action, shares=()))
    cache = route.handling.cache
    if cache is None:
        return route
    return replace(route, handling=replace(route.handling, cache=replace(cache, purged=0)))


def pools_of(route: Route) -> frozenset[str]:
    """The pools that it may lead to, by their keys."""
    if route.action.type is Act.POOL:
        return frozenset({route.pool})
    return frozenset(share.pool for share in route.action.shares)
