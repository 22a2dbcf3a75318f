"""Drift, looked for where anything says something else than when it was last found to be as it should.

HAProxy shows all of it each time; what it showed of a tenant that ran what it was told, and the state that was, are
kept as they were. Where both are the same again there is nothing to parse and nothing to plan: everything that a drift
could be read from is compared, as text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import and_

from balancer.edge.errors import UnexpectedReply
from balancer.edge.look import FRONTENDS, UNKNOWN_MAP
from balancer.edge.runtime import Runtime, is_error
from balancer.haproxy.capabilities import Capabilities
from balancer.haproxy.desired import Tenant
from balancer.haproxy.listeners import port_of
from balancer.haproxy.planner import drift
from balancer.haproxy.render import map_entries
from balancer.haproxy.running import MAPS, OWNED_BY_KEY, Running
from balancer.haproxy.show import parse_map, parse_pools, parse_servers, parse_stat

# Between these columns of `show servers state` lie an age and what checks said: no state, and no drift.
CHECKS_FROM, CHECKS_TO = "srv_time_since_last_change", "srv_fqdn"
TOKENS = re.compile(r"[^\w.-]|_")
POOLS = "show backend"
COMMANDS = ("show servers state", POOLS, FRONTENDS, *(f"show map {path}" for path in MAPS))

Maps = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ServerLines:
    """Lines of `show servers state`, each as what stands before its checks and what stands after them, and without its
    proxy's number."""

    header: str = ""
    heads: list[str] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)

    def other(self, lines: Sequence[str]) -> Iterator[tuple[slice, slice]]:
        """Where these lines say something else: which of ours, and which of them."""
        if len(lines) == len(self.heads):
            same = map(and_, map(str.startswith, lines, self.heads), map(str.endswith, lines, self.tails))
            for at in [at for at, is_same in enumerate(same) if not is_same]:
                yield slice(at, at + 1), slice(at, at + 1)
            return
        # Some came or went: the rest is as it was, before them and after them.
        front = _alike(lines, self.heads, self.tails)
        back = _alike(lines[front:][::-1], self.heads[front:][::-1], self.tails[front:][::-1])
        yield slice(front, len(self.heads) - back), slice(front, len(lines) - back)


def _alike(lines: Sequence[str], heads: Sequence[str], tails: Sequence[str]) -> int:
    same = map(and_, map(str.startswith, lines, heads), map(str.endswith, lines, tails))
    return next((at for at, is_same in enumerate(same) if not is_same), min(len(lines), len(heads)))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed, and `clean`: the tenants that ran what they were told, with the state that was."""

    servers: ServerLines = field(default_factory=ServerLines)
    pools: frozenset[str] = frozenset()
    frontends: frozenset[str] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    maps: Maps = field(default_factory=dict)
    clean: Mapping[str, Tenant] = field(default_factory=dict)
    capabilities: Capabilities | None = None


NOTHING = Seen()


def scan(
    runtime: Runtime, states: Mapping[str, Tenant], capabilities: Capabilities, before: Seen
) -> tuple[list[str], Seen]:
    """The differences, each in words after its tenant's key; and what to show to the next scan.

    `states`: what each tenant was brought to, of those of whom that is sure. Raises NodeUnreachable, UnexpectedReply.
    """
    servers, backends, ports, *maps = runtime.ask_all(COMMANDS)
    number, header, *numbered = [*servers.splitlines(), ""] if "\n" not in servers else servers.splitlines()
    lines = [line.partition(" ")[2] for line in numbered]  # a proxy's number is another one after a reload
    touched: set[str] = set()
    now = Seen(
        _take(before.servers, header, lines, touched),
        before.pools if backends == before.texts.get(POOLS) else parse_pools(backends),
        frozenset(row["pxname"] for row in parse_stat(ports) if port_of(row["pxname"])),
        {POOLS: backends, **dict(zip(MAPS, maps, strict=True))},
        {path: _entries(path, text, before) for path, text in zip(MAPS, maps, strict=True)},
        capabilities=capabilities,
    )
    touched |= {name.partition("_")[0] for name in (now.pools ^ before.pools) | (now.frontends ^ before.frontends)}
    touched |= _of_maps(before.maps, now.maps)
    clean = before.clean if before.capabilities == capabilities else {}
    touched |= {tenant for tenant, state in states.items() if clean.get(tenant) is not state}
    touched &= states.keys()
    found: dict[str, list[str]] = {}
    if touched:
        mine = [f"0 {line}" for line in lines if line.partition("_")[0] in touched]
        running = _running(now, "\n".join([number, header, *mine]), {key: states[key] for key in touched})
        found = {key: drift(states[key], running, capabilities) for key in sorted(touched)}
    ran = {tenant: state for tenant, state in states.items() if not found.get(tenant)}
    return [f"{tenant} {line}" for tenant, told in found.items() for line in told], replace(now, clean=ran)


def _entries(path: str, text: str, before: Seen) -> Mapping[str, str]:
    if before.texts.get(path) == text:
        return before.maps[path]
    if UNKNOWN_MAP in text:
        return {}
    if is_error(text):
        raise UnexpectedReply(f"show map {path}", text)
    return parse_map(text)


def _of_maps(before: Maps, now: Maps) -> set[str]:
    """The tenants of whom an entry speaks, in its key or value, that is another one, came or went."""
    found: set[str] = set()
    for path, entries in now.items():
        was = before.get(path, {})
        if was is entries:
            continue
        for key, value in was.items() ^ entries.items():
            found.update(TOKENS.split(key), TOKENS.split(value))
    return found


def _take(known: ServerLines, header: str, lines: Sequence[str], touched: set[str]) -> ServerLines:
    """Add whose lines are other ones to `touched`; answer how they are now."""
    columns = header[1:].split()[1:]
    if CHECKS_FROM not in columns or CHECKS_TO not in columns:
        raise UnexpectedReply("show servers state", header[:200])
    head, tail = columns.index(CHECKS_FROM), columns.index(CHECKS_TO)
    if header != known.header:
        known = ServerLines(header)
    places = list(known.other(lines))
    if not places:
        return known
    heads, tails = known.heads.copy(), known.tails.copy()
    for old, new in places:
        touched.update(_owners(heads[old]))
        touched.update(_owners(lines[new]))
        cut = [line.split(" ", tail) for line in lines[new]]
        heads[old] = [f"{' '.join(words[:head])} " for words in cut]
        tails[old] = [f" {words[-1]}" for words in cut]
    return ServerLines(header, heads, tails)


def _owners(lines: Iterable[str]) -> set[str]:
    return {line.partition("_")[0] for line in lines}


def _running(seen: Seen, servers: str, states: Mapping[str, Tenant]) -> Running:
    """As far as it concerns these tenants."""
    wanted: dict[str, set[str]] = {path: set() for path in MAPS}
    for state in states.values():
        for path, entries in map_entries(state).items():
            wanted[path].update(entries)
    return Running(
        servers=parse_servers(servers),
        maps={
            path: {
                key: value
                for key, value in entries.items()
                if key in wanted[path] or (key if path in OWNED_BY_KEY else value.partition("_")[0]) in states
            }
            for path, entries in seen.maps.items()
        },
        pools=frozenset(name for name in seen.pools if name.partition("_")[0] in states),
        frontends=seen.frontends,
    )
