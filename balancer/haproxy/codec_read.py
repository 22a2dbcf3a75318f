"""JSON to the desired state, field by field."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

from .codec_fields import BadState, Fields, exactly, is_key, read_once
from .desired import AdminState, Algorithm, CheckType, HealthCheck, Pool, Server, Tenant, Timeouts
from .listeners import Mode
from .protection import ClientRules, SecurityHeaders
from .read_listeners import hold_together, read_listener
from .read_protection import read_clients, read_headers
from .read_routing import read_route
from .read_serving import read_serving
from .serving import FALLBACK_STEPS, PLAIN
from .sites import pools_of
from .tcp_pools import unfit
from .text import NAME_MAX, expected_status, http_method, log_format, name, path_prefix, quoted

DAY_MS = 86_400_000
PORT_MAX = 65_535
WEIGHT_MAX = 256
MANY = 1_000_000_000
DNS_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
DNS_NAME_MAX = 253
SERVER = ("key", "address", "port", "weight", "admin", "backup", "max_connections", "check_port")
_SERVER = itemgetter(*SERVER)
_ADMIN = {one.value: one for one in AdminState}
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")
Known = tuple[Mapping[str, Any], Tenant]  # a state, and what was read from it
T = TypeVar("T")
HEADERS_MAX = 10  # each is three words, and a line has at most 64


def read_tenant(value: object, known: Known | None = None) -> Tenant:
    fields = Fields(value, "")
    tenant = Tenant(
        key=fields.key("key"),
        pools=fields.each("pools", _but_for(known, "pools", _pool)),
        routes=fields.each("routes", _but_for(known, "routes", read_route)),
        rps=fields.whole("rps", 0, MANY),
        suspended=fields.yes_or_no("suspended"),
        # States from before there was one lie on nodes' disks, and in messages of an older console.
        burst=fields.whole("burst", 0, MANY) if fields.has("burst") else 0,
        clients=read_clients(fields.take("clients"), "clients") if fields.has("clients") else ClientRules(),
        headers=read_headers(fields.take("headers"), "headers") if fields.has("headers") else SecurityHeaders(),
        listeners=fields.each("listeners", read_listener) if fields.has("listeners") else (),
    )
    fields.unique("pools", (pool.key for pool in tenant.pools))
    fields.unique("routes", (route.key for route in tenant.routes))
    fields.unique("listeners", (listener.key for listener in tenant.listeners))
    keys = {pool.key for pool in tenant.pools}
    for index, route in enumerate(tenant.routes):
        if not pools_of(route) <= keys:
            raise BadState(f"routes[{index}].pool", "no pool of this tenant")
    for index, pool in enumerate(tenant.pools):
        fallback_chain(tenant.pools, pool, f"pools[{index}].serving.fallback")
    modes = {pool.key: pool.mode for pool in tenant.pools}
    led = {f"routes[{index}].pool": pools_of(route) for index, route in enumerate(tenant.routes)}
    hold_together(tenant.listeners, modes, led)
    fields.done()
    return tenant


def _but_for(known: Known | None, field: str, read: Callable[[object, str], T]) -> Callable[[object, str], T]:
    """A reader that reads only what is otherwise than in `known`."""
    if known is None:
        return read
    source, tenant = known
    values: tuple[T, ...] = getattr(tenant, field)
    before = {one["key"]: (one, value) for one, value in zip(source[field], values, strict=True)}

    def reader(value: object, at: str) -> T:
        same, found = before.get(value["key"] if type(value) is dict and "key" in value else "", (None, None))
        return found if found is not None and exactly(same) == exactly(value) else read(value, at)

    return reader


def fallback_chain(pools: tuple[Pool, ...], pool: Pool, at: str) -> None:
    """Refuse one that leads nowhere, in a circle, or further than a frontend looks."""
    by_key = {one.key: one for one in pools} if pool.serving.fallback else {}
    steps = 0
    while pool.serving.fallback:
        steps += 1
        if pool.serving.fallback not in by_key:
            raise BadState(at, "no pool of this tenant")
        if steps > FALLBACK_STEPS:
            raise BadState(at, f"a circle, or more than {FALLBACK_STEPS} pools in a row")
        pool = by_key[pool.serving.fallback]


def _pool(value: object, at: str) -> Pool:
    fields = Fields(value, at)
    pool = Pool(
        key=fields.key("key"),
        algorithm=fields.choice("algorithm", Algorithm),
        servers=fields.each("servers", _server),
        health_check=_check(fields.take("health_check"), fields.where("health_check")),
        timeouts=_timeouts(fields.take("timeouts"), fields.where("timeouts")),
        retries=fields.whole("retries", 0, 100),
        serving=read_serving(fields.take("serving"), fields.where("serving")) if fields.has("serving") else PLAIN,
        mode=fields.choice("mode", Mode) if fields.has("mode") else Mode.HTTP,
    )
    fields.unique("servers", (server.key for server in pool.servers))
    if (pool.algorithm is Algorithm.HEADER_HASH) != bool(pool.serving.hash_header):
        raise BadState(fields.where("serving.hash_header"), "a header to hash, and only for that algorithm")
    for field in unfit(pool):
        raise BadState(fields.where(field), "not for a pool in mode tcp")
    fields.done()
    return pool


def _server(value: object, at: str) -> Server:
    return quick_server(value) or strict_server(value, at)


def quick_server(value: object) -> Server | None:
    """One of the usual shape, of which there are tens of thousands; None: whatever else it is, is seen strictly."""
    if type(value) is not dict or len(value) != len(SERVER):
        return None
    try:
        key, address, port, weight, admin, backup, most, check = _SERVER(value)
    except KeyError:
        return None
    usual = (
        type(key) is str
        and is_key(key)
        and type(address) is str
        and _IPV4.fullmatch(address)
        and type(port) is int
        and 1 <= port <= PORT_MAX
        and type(weight) is int
        and 0 <= weight <= WEIGHT_MAX
        and type(admin) is str
        and admin in _ADMIN
        and type(backup) is bool
        and most is None
        and check is None
    )
    return Server(key, address, port, weight, _ADMIN[admin], backup, most, check) if usual else None


def strict_server(value: object, at: str) -> Server:
    fields = Fields(value, at)
    server = Server(
        key=fields.key("key"),
        address=_address(fields),
        port=fields.whole("port", 1, PORT_MAX),
        weight=fields.whole("weight", 0, WEIGHT_MAX),
        admin=fields.choice("admin", AdminState),
        backup=fields.yes_or_no("backup"),
        max_connections=fields.whole_or_none("max_connections", 1, MANY),
        check_port=fields.whole_or_none("check_port", 1, PORT_MAX),
        name=_name(fields) if fields.has("name") else "",
    )
    if server.name and server.address:
        raise BadState(fields.where("name"), "an address is there already")
    fields.done()
    return server


def _name(fields: Fields) -> str:
    value = fields.text("name")
    if DNS_NAME.fullmatch(value) is None or len(value) > DNS_NAME_MAX:
        raise BadState(fields.where("name"), "not a name")
    return value


def _address(fields: Fields) -> str:
    """An IP literal, in whatever spelling; empty where there is a name instead."""
    value = fields.text("address")
    if not value and fields.has("name"):
        return value
    try:
        literal = ipaddress.ip_address(value)
    except ValueError as refusal:
        raise BadState(fields.where("address"), "not an IP address") from refusal
    if isinstance(literal, ipaddress.IPv6Address) and literal.scope_id:
        raise BadState(fields.where("address"), "an address with a scope")
    return value


@read_once
def _timeouts(value: object, at: str) -> Timeouts:
    fields = Fields(value, at)
    timeouts = Timeouts(
        connect_ms=fields.whole("connect_ms", 1, DAY_MS),
        server_ms=fields.whole("server_ms", 1, DAY_MS),
        queue_ms=fields.whole("queue_ms", 1, DAY_MS),
    )
    fields.done()
    return timeouts


@read_once
def _check(value: object, at: str) -> HealthCheck:
    fields = Fields(value, at)
    check = HealthCheck(
        type=fields.choice("type", CheckType),
        method=fields.checked("method", fields.text("method"), http_method),
        path=_path(fields),
        host=_text_or_none(fields, "host"),
        headers=fields.each("headers", _header),
        expected_status=fields.checked("expected_status", fields.text("expected_status"), expected_status),
        interval_ms=fields.whole("interval_ms", 1, DAY_MS),
        timeout_ms=fields.whole("timeout_ms", 1, DAY_MS),
        rise=fields.whole("rise", 1, 1000),
        fall=fields.whole("fall", 1, 1000),
        port=fields.whole_or_none("port", 1, PORT_MAX),
        expected_body=_text_or_none(fields, "expected_body") if fields.has("expected_body") else None,
    )
    if len(check.headers) > HEADERS_MAX:
        raise BadState(fields.where("headers"), f"more than {HEADERS_MAX}")
    fields.done()
    return check


def _path(fields: Fields) -> str:
    """A check may ask with a query string; a route may not."""
    value = fields.text("path")
    fields.checked("path", value.replace("?", "/"), path_prefix)
    return value


def _text_or_none(fields: Fields, field: str) -> str | None:
    value = fields.take(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise BadState(fields.where(field), "not text")
    fields.checked(field, value, log_format)
    return value


def _header(value: object, at: str) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(part, str) for part in value):
        raise BadState(at, "not a pair of texts")
    key, text = value
    fields = Fields({}, at)
    return fields.checked("name", key[: NAME_MAX + 1], name), _header_value(fields, text)


def _header_value(fields: Fields, text: str) -> str:
    fields.checked("value", text, quoted)
    return text
