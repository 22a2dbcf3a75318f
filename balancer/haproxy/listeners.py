"""Ways in that are no sites: a port of a tenant's own, or a name on the shared port for TLS. A part of
`desired.Tenant`.

A port has a frontend of its own among its tenant's sections, so that one which HAProxy or the node refuses concerns
him alone. Names share one frontend, which a map tells where each goes.
"""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a pool's servers are spoken to in: requests, or bytes as they come."""

    HTTP = "http"
    TCP = "tcp"


class ListenerKind(StrEnum):
    TCP = "tcp"
    TLS_PASSTHROUGH = "tls_passthrough"


IDLE_MS, IDLE_MIN_MS, IDLE_MAX_MS = 3_600_000, 1000, 86_400_000
CONNECTIONS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Listener:
    """`pool` is a Pool.key of the same tenant, in mode tcp. A TCP listener has a `port`, and what follows it; a name
    passed through has a `host`, exact or `*.rest`, as a route has. `allowed` networks: none is everybody.
    `max_connections` 0: as many as the node takes. `proxy_protocol`: every client must begin with its header (v1 or
    v2), and `allowed` is about who sends it. `idle_ms`: for so long neither side may be silent at once.
    """

    key: str
    kind: ListenerKind
    pool: str
    port: int = 0
    host: str = ""
    allowed: tuple[str, ...] = ()
    max_connections: int = 0
    proxy_protocol: bool = False
    idle_ms: int = IDLE_MS


def port_name(tenant_key: str, port: int) -> str:
    """The frontend of a port: `t…_l20001`. What runs under it listens there."""
    return f"{tenant_key}_l{port:d}"


def port_of(frontend: str) -> int:
    """0 where it is no listener's name."""
    digits = frontend.partition("_l")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() else 0


def ports_of(listeners: tuple[Listener, ...]) -> frozenset[int]:
    return frozenset(one.port for one in listeners if one.kind is ListenerKind.TCP)


def without(listeners: tuple[Listener, ...], ports: frozenset[int]) -> tuple[Listener, ...]:
    """Those that are no TCP listener on one of these ports."""
    return tuple(one for one in listeners if not (one.kind is ListenerKind.TCP and one.port in ports))
