"""What HAProxy runs right now: all of it, or only what some tenants have."""

from collections.abc import Iterable, Mapping
from itertools import chain

from balancer.edge.errors import UnexpectedReply
from balancer.edge.runtime import Runtime, is_error
from balancer.haproxy.desired import Tenant
from balancer.haproxy.render import map_entries, proxy_name
from balancer.haproxy.running import MAPS, Running, RunningServer
from balancer.haproxy.show import UnexpectedText, parse_map, parse_pools, parse_servers
from balancer.haproxy.text import cli

KEYS_WORTH_ASKING_FOR = 200  # beyond it one `show map` is cheaper than a `get map` each


def look_at_all(runtime: Runtime) -> Running:
    """Everything: 70 ms of HAProxy's time at 40,000 servers (`haproxy.md 2.2`).

    Raises NodeUnreachable, UnexpectedReply.
    """
    commands = ["show backend", "show servers state", *(f"show map {path}" for path in MAPS)]
    pools, servers, *maps = runtime.ask_all(commands)
    return Running(
        servers=_servers(servers),
        maps={path: _map(path, text) for path, text in zip(MAPS, maps, strict=True)},
        pools=parse_pools(pools),
    )


def look_at(runtime: Runtime, tenants: Iterable[Tenant]) -> Running:
    """Only the pools and the map entries that these states speak of: give both what was and what shall be."""
    states = list(tenants)
    proxies = sorted({proxy_name(state.key, pool.key) for state in states for pool in state.pools})
    keys = _keys(states)
    if sum(map(len, keys.values())) > KEYS_WORTH_ASKING_FOR:
        return look_at_all(runtime)
    wanted = [(path, key) for path in MAPS for key in sorted(keys[path])]
    replies = runtime.ask_all(
        [f"show servers state {proxy}" for proxy in proxies] + [f"get map {path} {cli(key)}" for path, key in wanted]
    )
    servers, pools = _pools(proxies, replies)
    return Running(servers=servers, maps=_found(wanted, replies[len(proxies) :]), pools=pools)


def _keys(states: Iterable[Tenant]) -> dict[str, set[str]]:
    keys: dict[str, set[str]] = {path: set() for path in MAPS}
    for state in states:
        for path, entries in map_entries(state).items():
            keys[path].update(entries)
        # Limits and suspension are keyed by the tenant: one that is not wanted may still run.
        for path in ("maps/tenants.map", "maps/limits.map"):
            keys[path].add(state.key)
    return keys


def _pools(proxies: list[str], replies: list[str]) -> tuple[Mapping[tuple[str, str], RunningServer], frozenset[str]]:
    there = [(proxy, reply) for proxy, reply in zip(proxies, replies, strict=False) if not _absent(proxy, reply)]
    servers = chain.from_iterable(_servers(reply).items() for _, reply in there)
    return dict(servers), frozenset(proxy for proxy, _ in there)


def _absent(proxy: str, reply: str) -> bool:
    if not is_error(reply):
        return False
    if "find backend" not in reply:
        raise UnexpectedReply(f"show servers state {proxy}", reply)
    return True


def _servers(reply: str) -> Mapping[tuple[str, str], RunningServer]:
    try:
        return parse_servers(reply)
    except UnexpectedText as error:
        raise UnexpectedReply("show servers state", reply[:200]) from error


def _map(path: str, reply: str) -> dict[str, str]:
    if is_error(reply):
        raise UnexpectedReply(f"show map {path}", reply)
    return parse_map(reply)


def _found(wanted: list[tuple[str, str]], replies: list[str]) -> dict[str, dict[str, str]]:
    maps: dict[str, dict[str, str]] = {path: {} for path in MAPS}
    for (path, key), reply in zip(wanted, replies, strict=True):
        if "found=yes" in reply:
            _, _, after = reply.partition(', key="')
            matched, _, rest = after.partition('", value="')
            # `get map` answers like a request would: a shorter prefix may be what matched.
            if matched == key:
                maps[path][key] = rest.partition('"')[0]
        elif "found=no" not in reply:
            raise UnexpectedReply(f"get map {path} {key}", reply)
    return maps
