"""What a node runs when it runs a state and nothing else: to plan what a change would take, without asking it."""

from .desired import Tenant
from .render.listeners import frontends_of
from .render.maps import map_entries
from .render.pool import proxy_name
from .render.tree import render_shard
from .running import Oper, Running, RunningServer


def as_running(state: Tenant | None) -> Running:
    """Every server of it answers. `plan_repair(state, as_running(state), …)` has nothing to do."""
    if state is None:
        return Running()
    servers = {
        (proxy_name(state.key, pool.key), server.key): RunningServer(
            address=server.address,
            port=server.port,
            weight=server.weight,
            admin=server.admin,
            oper=Oper.UP,
            check_port=server.check_port or pool.health_check.port or 0,
            max_connections=server.max_connections or 0,
        )
        for pool in state.pools
        for server in pool.servers
    }
    return Running(
        servers=servers,
        maps=map_entries(state),
        pools=frozenset(sections(state)),
        frontends=frozenset(frontends_of(state)),
    )


def sections(state: Tenant) -> list[str]:
    """The proxies that its part of the configuration has."""
    lines = (line.split() for line in render_shard([state]).splitlines())
    return [words[1] for words in lines if words and words[0] in ("backend", "frontend", "listen")]
