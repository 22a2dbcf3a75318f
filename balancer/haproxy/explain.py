"""Which route a request would get, and why: asked of the same compiled values that make the maps and the routers.

A property test holds it equal to HAProxy (tests/live/edge/test_tester.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from .desired import Route, Tenant
from .keeping import Kept, kept
from .regex_match import matches
from .render.maps import map_entries, route_key
from .routing import Act, Condition, On, Op, PathMatch
from .running import CLIENTS, FALLBACKS, HEADERS, HOSTS, LEADS, LIMITS, ROUTES, TENANTS
from .sites import Site, is_router, pools_of, routed_sites, sites

TARGET = re.compile(r"/[!-\"$-~]*")  # visible ASCII, without a fragment: what a request line can hold
METHOD = re.compile(r"[A-Z]{1,16}")
_FIRST_LABEL = re.compile(r"^[a-z0-9_-]+\.")
_PARAMETERS, _COOKIES = re.compile("[&;?]"), re.compile("[;,]")


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a word, and no password
    REDIRECT = "redirect"
    RESPOND = "respond"
    BLOCKED = "blocked"
    NO_ROUTE = "no_route"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `target` is path and query; names of headers are in lower case, one pair for each line."""

    host: str
    target: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    source: str = "203.0.113.9"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def values(self, condition: Condition) -> Iterator[str]:
        """What HAProxy would compare, each of them."""
        name = condition.name.lower()
        if condition.type is On.METHOD:
            yield self.method
        elif condition.type is On.HEADER:
            yield from (value.strip(" \t") for key, value in self.headers if key == name)
        elif condition.type is On.QUERY:
            for part in _PARAMETERS.split(self.target.partition("?")[2]):
                key, is_set, value = part.partition("=")
                if is_set and key == condition.name:
                    yield value
        elif condition.type is On.COOKIE:
            yield from self.cookies(condition.name)

    def cookies(self, wanted: str) -> Iterator[str]:
        """Without those that are empty, as HAProxy has it."""
        for key, line in self.headers:
            for part in _COOKIES.split(line) if key == "cookie" else ():
                name, _, value = part.partition("=")
                if name.strip(" \t") == wanted and value.strip(" \t"):
                    yield value.strip(" \t")


@dataclass(frozen=True, slots=True)
class Tried:
    """A route that was looked at, and the first thing that did not fit; "" for the one that has the request."""

    route: str
    because: str


@dataclass(frozen=True, slots=True)
class Explained:
    """`pools` with their weights; none where nothing is sent on."""

    verdict: Verdict
    site: str = ""
    route: Route | None = None
    pools: Mapping[str, int] | None = None
    status: int | None = None
    tried: tuple[Tried, ...] = ()
    cache: Kept | None = None


def site_of(hosts: Mapping[str, str], asked: Asked) -> str:
    """The key that the map of hosts would be asked for; the host itself before the wildcard above it."""
    host = asked.host.partition(":")[0].rstrip(".").lower()
    return host if host in hosts else _FIRST_LABEL.sub("*.", host, count=1)


def entries_for(tenant: Tenant, asked: Asked) -> dict[str, dict[str, str]]:
    """Of each map what is looked up for this host, and the tenant's own entries; empty maps are left out."""
    entries = map_entries(tenant)
    site = site_of(entries[HOSTS], asked)
    starts = tuple(f"{tenant.key}_{route.key}/" for route in tenant.routes if route.host == site)
    pools = {f"{tenant.key}_{pool}" for route in tenant.routes if route.host == site for pool in pools_of(route)}
    wanted: dict[str, Callable[[str], bool]] = {
        HOSTS: lambda key: key == site,
        ROUTES: lambda key: key.startswith(f"{site}/"),
        LEADS: lambda key: key.startswith(starts),
        FALLBACKS: pools.__contains__,
    }
    found = {
        name: {key: value for key, value in entries[name].items() if name not in wanted or wanted[name](key)}
        for name in (*wanted, TENANTS, LIMITS, CLIENTS, HEADERS)
    }
    return {name: values for name, values in found.items() if values}


def explain(tenant: Tenant, asked: Asked) -> Explained:
    entries = map_entries(tenant)
    site = site_of(entries[HOSTS], asked)
    if site not in entries[HOSTS]:
        return Explained(Verdict.NO_ROUTE, status=421)
    if tenant.suspended:
        return Explained(Verdict.BLOCKED, site, status=503)
    lead = max((key for key in entries[ROUTES] if f"{site}{asked.path}/".startswith(key)), key=len, default="")
    plain = next(one for one in sites(tenant) if one.host == site)
    if not lead:
        tried = tuple(Tried(route.key, "path") for route in plain.routes)
        return Explained(Verdict.NO_ROUTE, site, status=404, tried=tried)
    if is_router(entries[ROUTES][lead]):
        return _routed(next(one for one in routed_sites(tenant) if one.host == site), asked)
    found = next(route for route in tenant.routes if route in plain.routes and _key(route) == lead)
    tried = tuple(Tried(route.key, "" if route is found else "path") for route in plain.routes)
    return Explained(Verdict.PASS, site, found, {found.pool: 100}, tried=tried)


def _key(route: Route) -> str:
    return route_key(route.host, route.path_prefix)


def _routed(site: Site, asked: Asked) -> Explained:
    tried: list[Tried] = []
    for route in site.routes:
        because = why_not(route, asked)
        tried.append(Tried(route.key, because))
        if not because:
            return _done(site.host, route, asked, tuple(tried))
    return Explained(Verdict.NO_ROUTE, site.host, status=404, tried=tuple(tried))


def _done(site: str, route: Route, asked: Asked, tried: tuple[Tried, ...]) -> Explained:
    action = route.action
    if route.handling.maintenance is not None:
        return Explained(Verdict.RESPOND, site, route, status=503, tried=tried)
    if action.type is Act.REDIRECT:
        return Explained(Verdict.REDIRECT, site, route, status=action.code, tried=tried)
    if action.type is Act.RESPOND:
        return Explained(Verdict.RESPOND, site, route, status=action.status, tried=tried)
    pools = {route.pool: 100} if action.type is Act.POOL else {one.pool: one.weight for one in action.shares}
    may_keep = kept(route, asked.method, asked.headers)
    return Explained(Verdict.PASS, site, route, pools, tried=tried, cache=may_keep)


def why_not(route: Route, asked: Asked) -> str:
    """`path`, `conditions/2`, or "" where the route takes it."""
    if not _path_fits(route, asked.path):
        return "path"
    for number, condition in enumerate(route.match.conditions):
        if holds(condition, asked) is condition.negate:
            return f"conditions/{number}"
    return ""


def _path_fits(route: Route, path: str) -> bool:
    match route.match.path:
        case PathMatch.EXACT:
            return path == route.path_prefix
        case PathMatch.REGEX:
            return matches(route.path_prefix, path.encode())
    return f"{path}/".startswith(f"{route.path_prefix.rstrip('/')}/")


def holds(condition: Condition, asked: Asked) -> bool:
    """Without its `negate`."""
    if condition.type is On.SOURCE:
        source = ip_address(asked.source)
        if isinstance(source, IPv6Address) and source.ipv4_mapped:
            source = source.ipv4_mapped
        return any(source in ip_network(one) for one in condition.value.split(","))
    if condition.type is On.METHOD:
        return asked.method in condition.value.split(",")
    return any(_compare(condition, value) for value in asked.values(condition))


def _compare(condition: Condition, value: str) -> bool:
    wanted = condition.value
    match condition.op:
        case Op.EQUALS:
            return value == wanted
        case Op.PREFIX:
            return value.startswith(wanted)
        case Op.SUFFIX:
            return value.endswith(wanted)
        case Op.CONTAINS:
            return wanted in value
        case Op.REGEX:
            return matches(wanted, value.encode())
    return True
