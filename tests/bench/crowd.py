"""The tenants of a crowded node, and what changes of them."""

from dataclasses import replace

from balancer.haproxy.desired import HealthCheck, Pool, Route, Server, Tenant
from tests.live.edge.nodes import NO_CHECK
from tests.live.origins import Origin

TENANTS, POOLS, SERVERS, CHANGED = 1000, 10, 4, 1000
HOST = "asked.test"


def tenant(number: int, *, pools: int = POOLS, servers: int = SERVERS, check: HealthCheck = NO_CHECK) -> Tenant:
    made = tuple(
        Pool(
            f"p{number:06}{pool:06}",
            servers=tuple(Server(f"b{pool:06}{s:06}", f"127.1.{number % 250}.{s + 1}", 9) for s in range(servers)),
            health_check=check,
        )
        for pool in range(pools)
    )
    routes = tuple(Route(f"r{n}", f"h{number}.test", f"/p{n}", pool.key) for n, pool in enumerate(made))
    return Tenant(f"t{number:012}", made, routes)


def asked(origin: Origin) -> Tenant:
    host, _, port = origin.address.partition(":")
    pool = Pool("p1", servers=(Server("b1", host, int(port)),), health_check=NO_CHECK)
    return Tenant("tasked", (pool,), (Route("r1", HOST, "/", "p1"),))


def weighed(tenants: list[Tenant], weight: int) -> list[Tenant]:
    """The same with another weight on CHANGED servers: all of as many tenants as have them."""
    return [
        replace(
            one,
            pools=tuple(replace(p, servers=tuple(replace(s, weight=weight) for s in p.servers)) for p in one.pools),
        )
        for one in tenants[: CHANGED // (POOLS * SERVERS)]
    ]


def one_each(tenants: list[Tenant], weight: int) -> list[Tenant]:
    """Another weight on one server of each tenant: none can be passed over."""
    return [
        replace(one, pools=(replace(one.pools[0], servers=_first(one.pools[0], weight)), *one.pools[1:]))
        for one in tenants
    ]


def _first(pool: Pool, weight: int) -> tuple[Server, ...]:
    return (replace(pool.servers[0], weight=weight), *pool.servers[1:])
