"""TCP frontends as listeners: a port each, or names on the shared port for TLS that is passed through."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from balancer.haproxy.listeners import CONNECTIONS_MAX, IDLE_MAX_MS, IDLE_MIN_MS
from balancer.haproxy.routing import On

from . import conditions, said
from .atoms import Always, Ask, Sni
from .conditions import EVER, Conj
from .fates import Ledger
from .lines import Line
from .proxies import Proxy
from .said import Inexpressible
from .sections import Unreadable
from .values import time, whole

PORT_MAX = 65535
MANY = 20  # ways of one line
# Words of a `bind` that need nothing here, of TCP.
BIND_WORDS = {"transparent", "v4v6", "v6only", "tfo", "defer-accept"}
BIND_VALUES = {"name", "id", "maxconn", "thread", "process", "interface", "mss", "backlog", "nice", "tcp-ut"}


@dataclass(slots=True)
class Way:
    """`line`: where it came from, `lines` all that made it."""

    document: dict[str, Any]
    line: int
    lines: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Door:
    """What holds for all ways of a frontend."""

    allowed: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    named: list[tuple[Line, str, str]] = field(default_factory=list)  # line, host, pool
    to: tuple[int, str] | None = None
    closed: bool = False
    lines: set[int] = field(default_factory=set)


def of(
    proxy: Proxy, pools: Container[str], own: str, ledger: Ledger, ports: Callable[[int], bool], *, most: int
) -> list[Way]:
    """`own`: the pool that a `listen` is itself, or "". Raise `Unreadable` for more than `most`."""
    door = _Door(to=(proxy.section.head.number, own) if own else None)
    binds: list[tuple[Line, int, bool]] = []
    own_lines = {line.number for line in proxy.own}
    for line in proxy.lines:
        mine = line.number in own_lines
        try:
            if line.words[0] == "bind":
                binds += [(line, port, proxied) for port, proxied in bound(line)]
            elif not _shared(line, door, mine=mine) and mine:
                _rule(proxy, line, door, pools)
        except Inexpressible as error:
            ledger.refused(line.number, str(error))
        if max(len(binds), len(door.named)) > most:
            raise Unreadable(f"Line {line.number}: its ports and names are too many listeners; import it in parts.")
    if door.named:
        return _passed(door, proxy, binds, ledger)
    if door.to is None:
        return []
    return [_port(door, proxy, line, port, proxied, ledger, ports) for line, port, proxied in binds]


def _shared(line: Line, door: _Door, *, mine: bool) -> bool:
    if line.words[:2] == ("timeout", "client") and len(line.words) > 2:
        door.more["idle_timeout"] = time(line.words[2], least=IDLE_MIN_MS, most=IDLE_MAX_MS)
    elif line.words[0] == "maxconn" and mine and len(line.words) > 1:
        door.more["max_connections"] = whole(line.words[1], least=1, most=CONNECTIONS_MAX, what="The limit")
    else:
        return False
    door.lines.add(line.number)
    return True


def bound(line: Line) -> list[tuple[int, bool]]:
    """Ports, and whether a PROXY header comes first. Raise `Inexpressible`."""
    if len(line.words) < 2:
        raise Inexpressible("It has no port.")
    proxied, rest = False, list(line.words[2:])
    while rest:
        word = rest.pop(0)
        if word == "accept-proxy":
            proxied = True
        elif word in BIND_VALUES and rest:
            rest.pop(0)
        elif word not in BIND_WORDS:
            raise Inexpressible(f"A port of TCP passes bytes on; it has no {word[:40]}.")
    found = [(port_of(address), proxied) for address in line.words[1].split(",")]
    if len(found) > MANY:
        raise Inexpressible(f"{MANY} ports at most in one line.")
    return found


def port_of(address: str) -> int:
    port = address.rpartition(":")[2]
    if "@" in address or "/" in address or ":" not in address:
        raise Inexpressible("Listeners have a port, and no socket of a file.")
    return whole(port, least=1, most=PORT_MAX, what="A port")


def _rule(proxy: Proxy, line: Line, door: _Door, pools: Container[str]) -> None:
    words, condition = conditions.split(line.words)
    if not words:
        return
    if words[0] == "default_backend" and len(words) > 1:
        door.to = (line.number, _known(words[1], pools))
    elif words[0] == "use_backend" and len(words) > 1:
        pool = _known(words[1], pools)
        when = conditions.read(condition, proxy.acls)
        door.named += [(line, _name(conj), pool) for conj in when.conjs]
        door.lines |= when.lines
    elif words[0] == "tcp-request":
        _admits(proxy, line, words, condition, door)


def _known(name: str, pools: Container[str]) -> str:
    if name not in pools:
        raise Inexpressible(said.NO_POOL.format(name=name[:80]))
    return name


def _name(conj: Conj) -> str:
    found = [atom.host for atom, holds in conj if isinstance(atom, Sni) and holds]
    left = [one for one in conj if not isinstance(one[0], Sni | Always)]
    if len(found) != 1 or left:
        raise Inexpressible("Connections are told apart by the name in TLS alone: req_ssl_sni.")
    return found[0]


def _admits(proxy: Proxy, line: Line, words: tuple[str, ...], condition: tuple[str, ...], door: _Door) -> None:
    if words[1:2] == ("inspect-delay",):
        door.lines.add(line.number)
        return
    verb = words[2] if len(words) == 3 and words[1] in ("connection", "content", "session") else ""
    when = conditions.read(condition, proxy.acls)
    networks = [_networks(conj, holds=verb == "accept") for conj in when.conjs]
    if verb == "accept" and all(networks) and when != EVER:
        door.accepted += [one for found in networks for one in found]
    elif verb == "accept" and all(isinstance(atom, Always) for conj in when.conjs for atom, _ in conj):
        pass  # a TLS hello, which is waited for anyway
    elif verb == "reject" and when == EVER and door.accepted:
        door.allowed += [] if door.closed else door.accepted  # rules after it are for nobody
        door.closed = True
    elif verb == "reject" and len(networks) == 1 and networks[0] and not door.allowed:
        door.allowed += networks[0]
    else:
        raise Inexpressible("Listeners know who may come, as networks: reject unless { src … }.")
    door.lines |= {line.number} | when.lines


def _networks(conj: Conj, *, holds: bool) -> list[str]:
    """Of a condition on the source alone."""
    found: list[str] = []
    for atom, so in conj:
        if not isinstance(atom, Ask) or atom.condition.type is not On.SOURCE or so is not holds:
            return []
        found += atom.condition.value.split(",")
    return found


def _passed(door: _Door, proxy: Proxy, binds: list[tuple[Line, int, bool]], ledger: Ledger) -> list[Way]:
    if door.to is not None:
        why = "A connection whose name leads nowhere is closed here; say the names that it was for."
        ledger.refused(door.to[0], why)
    for name in ("idle_timeout", "max_connections"):
        door.more.pop(name, None)
    found = []
    for line, host, pool in door.named:
        document = _document(door, proxy, {"kind": "tls_passthrough", "host": host, "pool": pool}, "")
        lines = {line.number, *door.lines, *(bind.number for bind, _, _ in binds), proxy.section.head.number}
        found.append(Way(document, line.number, lines))
    return found


def _port(
    door: _Door, proxy: Proxy, line: Line, port: int, proxied: bool, ledger: Ledger, ports: Callable[[int], bool]
) -> Way:
    where, pool = door.to or (0, "")
    own: dict[str, Any] = {"kind": "tcp", "pool": pool, **({"port": port} if ports(port) else {})}
    own |= {"proxy_protocol": True} if proxied else {}
    sentence = "" if ports(port) else f"Port {port} is not one that tenants have here: another one is given."
    document = _document(door, proxy, {**own, **door.more}, f", port {port}")
    way = Way(document, line.number, {line.number, where, *door.lines, proxy.section.head.number})
    ledger.managed(line.number, named(document), sentence)
    return way


def _document(door: _Door, proxy: Proxy, own: dict[str, Any], more: str) -> dict[str, Any]:
    about = {"description": f"haproxy.cfg, {proxy.section.called}{more}"}
    return {**own, **({"allowed_cidrs": door.allowed} if door.allowed else {}), **about}


def named(document: dict[str, Any]) -> str:
    return f"listener {document.get('host') or document.get('port') or document['description']}"
