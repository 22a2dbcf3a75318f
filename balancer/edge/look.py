"""What HAProxy runs right now: all of it, or only where some tenants change."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from balancer.edge.errors import UnexpectedReply
from balancer.edge.runtime import Runtime, is_error
from balancer.haproxy.desired import Tenant
from balancer.haproxy.listeners import port_of
from balancer.haproxy.render import map_entries, proxies_of
from balancer.haproxy.render.listeners import frontends_of
from balancer.haproxy.running import MAPS, Running, RunningServer
from balancer.haproxy.show import UnexpectedText, parse_map, parse_pools, parse_servers, parse_stat
from balancer.haproxy.text import cli

Stages = tuple[Tenant | None, ...]  # of one tenant: what was loaded, what it was brought towards since, what shall be
Maps = dict[str, dict[str, str]]
FRONTENDS = "show stat -1 1 -1"
ONE_BY_ONE = 200  # proxies, of which it is asked one after the other
UNKNOWN_MAP = "Unknown map identifier"  # of a HAProxy that an older version of ours started; the reload brings it


def look_at_all(runtime: Runtime) -> Running:
    """Everything: 70 ms of HAProxy's time at 40,000 servers (`haproxy.md 2.2`).

    Raises NodeUnreachable, UnexpectedReply.
    """
    commands = ["show backend", "show servers state", FRONTENDS, *(f"show map {path}" for path in MAPS)]
    pools, servers, ports, *maps = runtime.ask_all(commands)
    return Running(
        servers=_servers(servers),
        maps={path: _map(path, text) for path, text in zip(MAPS, maps, strict=True)},
        pools=parse_pools(pools),
        frontends=_listening(ports),
    )


def listening(runtime: Runtime) -> frozenset[str]:
    """The names of tenants' ports that HAProxy listens on. Raises NodeUnreachable."""
    return _listening(runtime.ask(FRONTENDS))


def server_states(runtime: Runtime, proxies: Collection[str]) -> str:
    """`show servers state` of these, under one header; of many, of all that run: each question costs too. Empty where
    none is asked for. Raises NodeUnreachable, UnexpectedReply."""
    if len(proxies) > ONE_BY_ONE:
        return runtime.ask("show servers state")
    replies = runtime.ask_all([f"show servers state {proxy}" for proxy in proxies])
    there = [reply for proxy, reply in zip(proxies, replies, strict=True) if not _absent(proxy, reply)]
    return "\n".join(there)


def _listening(reply: str) -> frozenset[str]:
    return frozenset(row["pxname"] for row in parse_stat(reply) if port_of(row["pxname"]))


def look_at(runtime: Runtime, tenants: Iterable[Stages]) -> Running:
    """The pools of these tenants, and the map entries that differ between their stages; the others are taken to be what
    they were: whatever was loaded, and wanted the last time, was brought there then.

    So the cost is the change's, whatever a tenant has; what somebody altered by hand is the drift scan's to find.
    Raises NodeUnreachable, UnexpectedReply.
    """
    many = list(tenants)
    proxies = sorted({proxy for stages in many for state in stages if state for proxy in proxies_of(state)})
    ports = {name for stages in many for state in stages if state for name in frontends_of(state)}
    maps, wanted = _entries(many)
    replies = runtime.ask_all(
        [f"show servers state {proxy}" for proxy in proxies] + [f"get map {path} {cli(key)}" for path, key in wanted]
    )
    servers, pools = _pools(proxies, replies)
    for (path, key), reply in zip(wanted, replies[len(proxies) :], strict=True):
        value = _value(path, key, reply)
        if value is not None:
            maps[path][key] = value
    frontends = listening(runtime) & ports if ports else frozenset()
    return Running(servers=servers, maps=maps, pools=pools, frontends=frontends)


def _entries(many: Sequence[Stages]) -> tuple[Maps, list[tuple[str, str]]]:
    """The entries that stay, and the keys to ask for."""
    stay: Maps = {path: {} for path in MAPS}
    ask: list[tuple[str, str]] = []
    for stages in many:
        entries = [map_entries(state) if state else {} for state in stages]
        for path in MAPS:
            each = [set(one.get(path, {}).items()) for one in entries]
            always = set.intersection(*each)
            stay[path].update(always)
            ask += [(path, key) for key, _ in sorted(set.union(*each) - always)]
    return stay, list(dict.fromkeys(ask))


def _pools(
    proxies: Sequence[str], replies: Sequence[str]
) -> tuple[Mapping[tuple[str, str], RunningServer], frozenset[str]]:
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
    if UNKNOWN_MAP in reply:
        return {}
    if is_error(reply):
        raise UnexpectedReply(f"show map {path}", reply)
    return parse_map(reply)


def _value(path: str, key: str, reply: str) -> str | None:
    """What `get map` found; it answers like a request would, and a shorter prefix that matched is another entry."""
    if "found=yes" in reply:
        matched, _, rest = reply.partition(', key="')[2].partition('", value="')
        return rest.partition('"')[0] if matched == key else None
    if "found=no" not in reply and UNKNOWN_MAP not in reply:
        raise UnexpectedReply(f"get map {path} {key}", reply)
    return None
