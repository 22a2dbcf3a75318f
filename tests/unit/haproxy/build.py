"""Values to test with, and a runtime that is only a value."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from balancer.haproxy.capabilities import parse_version
from balancer.haproxy.commands import (
    AddMap,
    AddServer,
    Command,
    DelMap,
    RemoveServer,
    SetAddress,
    SetAdmin,
    SetCheckPort,
    SetMap,
    SetMaxConn,
    SetWeight,
)
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
from balancer.haproxy.protection import (
    ClientRules,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
    SecurityHeaders,
)
from balancer.haproxy.render import NodeSettings, map_entries, proxy_name
from balancer.haproxy.running import MAPS, Oper, Running, RunningServer
from balancer.haproxy.serving import BY_COOKIE, PLAIN, ProxyProtocol, RetryOn, Serving, Sticky, StickyType, Tls

DEBIAN = parse_version("2.6.12-1+deb12u4")
SETTINGS = NodeSettings(run_folder="/run/n1", http_bind="127.0.0.1:8000")
TLS = replace(SETTINGS, https_bind="127.0.0.1:8443", certificate_folder="/srv/n1/certs")

HOSTILE = [
    "\n", "\r", "\0", "'", '"', "#", "%", "%[env(SECRET)]", "${HOME}", "\u202e", "\u2028", "\x7f", "\\", ";", " ",
    "\nserver evil 6.6.6.6:80", "' check\n", "é", "<<", "-f /etc/passwd", "a b c", "{", "}", "\ud800", "\t", "*", "/",
]  # fmt: skip


def server(key: str = "b1", **values: Any) -> Server:
    return Server(key=key, **{"address": "10.0.0.1", "port": 80, **values})


def tenant(*servers: Server, key: str = "ta", **values: Any) -> Tenant:
    """One pool `p1` with these servers and a route to it, unless told otherwise."""
    pool = Pool("p1", servers=servers or (server(),))
    return Tenant(key, **{"pools": (pool,), "routes": (Route("r1", "a.test", "/", "p1"),), **values})


def with_pool(state: Tenant, **values: Any) -> Tenant:
    return replace(state, pools=(replace(state.pools[0], **values), *state.pools[1:]))


def sticky(kind: StickyType, **values: Any) -> Serving:
    return Serving(sticky=Sticky(kind, key="5a" * 16, **values))


def served() -> Serving:
    """Something in every field."""
    return Serving(
        hash_header="X-User",
        sticky=Sticky(StickyType.APP_COOKIE, "JSESSION.ID", 60, "a5" * 16),
        fallback="p1",
        max_connections=100,
        max_queue=20,
        slow_start_ms=5000,
        error_limit=4,
        retry_on=tuple(RetryOn),
        tls=Tls(sni="in.a.test"),
        proxy_protocol=ProxyProtocol.V2,
        h2=True,
    )


def rich() -> Tenant:
    """Something in every field."""
    check = HealthCheck(
        method="HEAD", path="/up?a=1", host="a.test", headers=(("X-Ask", "it's 100 % ${HOME} #1"),), port=81
    )
    servers = (
        server(),
        server("b2", address="2001:db8::1", weight=0, admin=AdminState.DRAIN, max_connections=5),
        server("b3", admin=AdminState.MAINT, backup=True, check_port=8081),
    )
    pools = (
        Pool("p1", Algorithm.LEAST_CONN, servers, check, Timeouts(1, 2, 3), 0),
        Pool("p2", Algorithm.IP_HASH, (server("b4"),), HealthCheck(type=CheckType.TCP)),
        Pool("p3", health_check=HealthCheck(type=CheckType.NONE)),
        Pool(
            "p4", Algorithm.HEADER_HASH, (server("b5"),), replace(check, expected_body='it\'s "up"'), serving=served()
        ),
        Pool("p5", Algorithm.FIRST, (server("b6"),), HealthCheck(CheckType.TLS), serving=sticky(StickyType.COOKIE)),
        Pool("p6", Algorithm.RANDOM, (server("b7"),), serving=sticky(StickyType.SOURCE)),
    )
    routes = (Route("r1", "a.test", "/api", "p2"), Route("r2", "*.a.test", "/", "p1"))
    clients = ClientRules(5, 10, 403, ("10.0.0.0/8", "2001:db8::/33"), ("192.0.2.1/32",))
    headers = SecurityHeaders(Hsts.YEAR, ContentTypeOptions.NOSNIFF, FrameOptions.DENY)
    return Tenant("ta", pools, routes, rps=7, suspended=True, burst=14, clients=clients, headers=headers)


def running(*tenants: Tenant | None) -> Running:
    """What a node runs when it is as these tenants want it."""
    there = [state for state in tenants if state is not None]
    maps: dict[str, dict[str, str]] = {path: {} for path in MAPS}
    for state in there:
        for path, entries in map_entries(state).items():
            maps[path].update(entries)
    pools = [(proxy_name(state.key, pool.key), pool) for state in there for pool in state.pools]
    servers = {(proxy, each.key): _started(each, pool.health_check) for proxy, pool in pools for each in pool.servers}
    return Running(servers, maps, frozenset(proxy for proxy, _ in pools))


def _started(each: Server, check: HealthCheck) -> RunningServer:
    port = 0 if check.type is CheckType.NONE else each.check_port or check.port or 0
    limit = each.max_connections or 0
    return RunningServer(each.address, each.port, each.weight, each.admin, Oper.UP, port, limit)


def reloaded(state: Tenant | None) -> Running:
    """What runs right after a reload without a state file: a file cannot say drain."""
    fresh = running(state)
    servers = {
        at: replace(each, weight=0, admin=AdminState.READY) if each.admin is AdminState.DRAIN else each
        for at, each in fresh.servers.items()
    }
    return replace(fresh, servers=servers)


def apply(now: Running, commands: tuple[Command, ...]) -> Running:
    """What a node runs after these commands. Refuses what HAProxy would refuse."""
    servers = dict(now.servers)
    maps = {path: dict(entries) for path, entries in now.maps.items()}
    for command in commands:
        match command:
            case AddServer(proxy, each, check, _, serving):
                assert serving.sticky.type not in BY_COOKIE
                assert proxy in now.pools
                assert (proxy, each.key) not in servers
                servers[proxy, each.key] = replace(_started(each, check), oper=Oper.DOWN)
            case RemoveServer(proxy, key):
                del servers[proxy, key]
            case SetWeight(proxy, key, weight):
                servers[proxy, key] = replace(servers[proxy, key], weight=weight)
            case SetAdmin(proxy, key, admin):
                servers[proxy, key] = replace(servers[proxy, key], admin=admin)
            case SetAddress(proxy, key, address, port):
                servers[proxy, key] = replace(servers[proxy, key], address=address, port=port)
            case SetMaxConn(proxy, key, maximum):
                servers[proxy, key] = replace(servers[proxy, key], max_connections=maximum)
            case SetCheckPort(proxy, key, port):
                servers[proxy, key] = replace(servers[proxy, key], check_port=port)
            case AddMap(path, key, value):
                assert key not in maps[path]
                maps[path][key] = value
            case SetMap(path, key, value):
                assert key in maps[path]
                maps[path][key] = value
            case DelMap(path, key):
                del maps[path][key]
            case _:
                raise AssertionError(command)
    return Running(servers, maps, now.pools)


KEYS = st.sampled_from(["1", "2", "3"])
SERVERS = st.builds(
    Server,
    key=KEYS.map("b{}".format),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1"]),
    port=st.integers(1, 65535),
    weight=st.integers(0, 256),
    admin=st.sampled_from(AdminState),
    backup=st.booleans(),
    max_connections=st.none() | st.integers(1, 9),
    check_port=st.none() | st.integers(1, 65535),
)
CHECKS = st.builds(
    HealthCheck,
    type=st.sampled_from(CheckType),
    expected_body=st.none() | st.just("up"),
    port=st.none() | st.integers(1, 65535),
    headers=st.lists(st.tuples(st.just("X-A"), st.text(st.characters(codec="ascii", categories=["L", "P", "S"])))).map(
        lambda pairs: tuple(pairs[:3])
    ),
)
SERVINGS = st.builds(
    Serving,
    sticky=st.builds(
        Sticky,
        st.sampled_from([StickyType.NONE, StickyType.COOKIE]),
        st.just(""),
        st.integers(0, 3),
        st.just("ab" * 16),
    ),
    max_connections=st.integers(0, 3),
    retry_on=st.lists(st.sampled_from(RetryOn), max_size=2).map(tuple),
    tls=st.none() | st.builds(Tls, verify=st.booleans(), ca=st.sampled_from(["", "0f" * 32])),
    proxy_protocol=st.sampled_from(ProxyProtocol),
    h2=st.booleans(),
)
POOLS = st.builds(
    Pool,
    key=KEYS.map("p{}".format),
    algorithm=st.sampled_from([one for one in Algorithm if one is not Algorithm.HEADER_HASH]),
    serving=st.just(PLAIN) | SERVINGS,
    servers=st.lists(SERVERS, max_size=3, unique_by=lambda each: each.key).map(tuple),
    health_check=CHECKS,
    retries=st.integers(0, 3),
)
NETWORKS = st.lists(st.sampled_from(["10.0.0.0/9", "10.128.0.0/9", "10.0.0.1/32", "2001:db8::/61"]), max_size=3).map(
    tuple
)
CLIENTS = st.builds(
    ClientRules, st.integers(0, 2), st.integers(0, 2), st.sampled_from((429, 403, 503)), NETWORKS, NETWORKS
)
HEADERS = st.builds(
    SecurityHeaders,
    st.sampled_from(Hsts),
    st.sampled_from(ContentTypeOptions),
    st.sampled_from(FrameOptions),
    st.sampled_from(ReferrerPolicy),
    st.sampled_from(PermissionsPolicy),
)


@st.composite
def tenants(draw: st.DrawFn, key: str = "ta") -> Tenant:
    pools = tuple(draw(st.lists(POOLS, max_size=3, unique_by=lambda pool: pool.key)))
    names = [pool.key for pool in pools]
    route = st.builds(
        Route,
        key=KEYS.map("r{}".format),
        host=st.sampled_from(["a.test", "b.test", "*.a.test"]),
        path_prefix=st.sampled_from(["/", "/api", "/api/", "/API/v1"]),
        pool=st.sampled_from(names) if names else st.nothing(),
    )
    routes = draw(st.lists(route, max_size=3, unique_by=lambda each: each.key)) if names else []
    rps, suspended, burst = draw(st.integers(0, 2)), draw(st.booleans()), draw(st.integers(0, 2))
    return Tenant(key, pools, tuple(routes), rps, suspended, burst, draw(CLIENTS), draw(HEADERS))
