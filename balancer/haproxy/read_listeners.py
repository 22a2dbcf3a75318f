"""JSON to listeners, as strictly as the rest of the state; and back, a field only where it is not the usual one."""

from collections.abc import Iterable, Mapping
from typing import Any

from .codec_fields import BadState, Fields
from .listeners import CONNECTIONS_MAX, IDLE_MAX_MS, IDLE_MIN_MS, IDLE_MS, Listener, ListenerKind, Mode
from .networks import network
from .text import host

NETWORKS_MAX = 1000
LOWEST_PORT, HIGHEST_PORT = 1024, 65_535


def read_listener(value: object, at: str) -> Listener:
    fields = Fields(value, at)
    kind = fields.choice("kind", ListenerKind)
    tcp = kind is ListenerKind.TCP
    listener = Listener(
        key=fields.key("key"),
        kind=kind,
        pool=fields.key("pool"),
        port=fields.whole("port", LOWEST_PORT, HIGHEST_PORT) if tcp else 0,
        host="" if tcp else fields.checked("host", fields.text("host"), host),
        allowed=fields.each("allowed", _network) if fields.has("allowed") else (),
        max_connections=_whole(fields, "max_connections", 1, CONNECTIONS_MAX, 0) if tcp else 0,
        proxy_protocol=fields.yes_or_no("proxy_protocol") if tcp and fields.has("proxy_protocol") else False,
        idle_ms=_whole(fields, "idle_ms", IDLE_MIN_MS, IDLE_MAX_MS, IDLE_MS) if tcp else IDLE_MS,
    )
    if len(listener.allowed) > NETWORKS_MAX:
        raise BadState(fields.where("allowed"), f"more than {NETWORKS_MAX}")
    fields.done()
    return listener


def write_listener(listener: Listener) -> dict[str, Any]:
    told: dict[str, Any] = {"key": listener.key, "kind": listener.kind.value, "pool": listener.pool}
    told |= {"port": listener.port} if listener.kind is ListenerKind.TCP else {"host": listener.host}
    if listener.allowed:
        told["allowed"] = list(listener.allowed)
    if listener.max_connections:
        told["max_connections"] = listener.max_connections
    if listener.proxy_protocol:
        told["proxy_protocol"] = True
    if listener.idle_ms != IDLE_MS:
        told["idle_ms"] = listener.idle_ms
    return told


def hold_together(listeners: Iterable[Listener], modes: Mapping[str, Mode], http: Mapping[str, frozenset[str]]) -> None:
    """A port or a name is one listener's, it leads to a TCP pool, and nothing else does. `modes`: of each pool; `http`:
    the pools of each route, by where it stands. Raises BadState."""
    ways: set[int | str] = set()
    for index, one in enumerate(listeners):
        if modes.get(one.pool) is not Mode.TCP:
            raise BadState(f"listeners[{index}].pool", "no TCP pool of this tenant")
        way = one.port or one.host
        if way in ways:
            raise BadState(f"listeners[{index}]", "a port or a name that another one has")
        ways.add(way)
    for at, pools in http.items():
        if any(modes.get(pool) is Mode.TCP for pool in pools):
            raise BadState(at, "a TCP pool, which answers no requests")


def _whole(fields: Fields, field: str, low: int, high: int, usual: int) -> int:
    return fields.whole(field, low, high) if fields.has(field) else usual


def _network(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise BadState(at, "not text")
    try:
        network(value)
    except ValueError as refusal:
        raise BadState(at, "not a network") from refusal
    return value
