"""The lines and keywords of servers, the same in a file and in `add server`.

Everything is said in full: `default-server` is not applied to servers added at run time, and without pool
keywords such a server never reuses a connection (`haproxy.md` 1.2).
"""

import ipaddress
import re
from functools import lru_cache

from .desired import AdminState, CheckType, HealthCheck, Server
from .naming import is_a_place
from .reaching import reaching_keywords
from .serving import BY_COOKIE, PLAIN, Serving
from .text import NAME_MAX, Unprintable, name

# To a place of a name, whose address changes: a kept connection would lead to the one before, for as long as there is
# traffic (`naming`). Of HTTP/2 one is kept while it is in use, and for so many requests at most.
UNPOOLED = "pool-max-conn 0 pool-purge-delay 5000ms"
REUSES = 100
POOLING = "pool-max-conn -1 pool-purge-delay 5000ms"
_ADDRESS = re.compile(r"[0-9.]{7,15}|[0-9a-fA-F:.]{2,45}")
_KEY = rf"[A-Za-z0-9_.-]{{1,{NAME_MAX}}}"
_KEYS = re.compile(rf"{_KEY}(?: {_KEY})*")
_IPV4S = re.compile(r"[0-9.]{7,15}(?: [0-9.]{7,15})*")


def socket_address(address: str, port: int) -> str:
    """`10.0.0.1:80` or `[2001:db8::1]:80`. Raises `Unprintable` for what is no IP literal by its characters."""
    if _ADDRESS.fullmatch(address) is None:
        raise Unprintable("not an IP address")
    return f"[{address}]:{port:d}" if ":" in address else f"{address}:{port:d}"


def server_lines(servers: tuple[Server, ...], check: HealthCheck, usual: str, serving: Serving = PLAIN) -> str:
    """Every server of one pool, as a file has them. Raises `Unprintable`. `usual` is `check_keywords(check, None, …)`.

    Names and addresses are looked at all at once: a match for each took half of the time to render a fleet.
    """
    if not servers:
        return ""
    if not _KEYS.fullmatch(" ".join([server.key for server in servers])):
        for server in servers:
            name(server.key)
    ipv4 = _IPV4S.fullmatch(" ".join([server.address for server in servers]))
    if not ipv4 or serving.sticky.type in BY_COOKIE:
        return "".join([_careful_line(server, check, serving) for server in servers])
    ready = AdminState.READY
    return "".join(
        [
            f"    server {server.key} {server.address}:{server.port:d} weight {server.weight:d} {usual}\n"
            if server.admin is ready
            and not server.backup
            and server.max_connections is None
            and server.check_port is None
            else _careful_line(server, check, serving)
            for server in servers
        ]
    )


def _careful_line(server: Server, check: HealthCheck, serving: Serving) -> str:
    """A file cannot say drain: weight 0, until the state file or the runtime tell the exact state."""
    weight = 0 if server.admin is AdminState.DRAIN else server.weight
    disabled = " disabled" if server.admin is AdminState.MAINT else ""
    where = socket_address(server.address, server.port)
    if is_a_place(server.key) and serving.h2:
        disabled = f" max-reuse {REUSES}{disabled}"
    return f"    server {name(server.key)} {where} {server_keywords(server, check, serving, weight=weight)}{disabled}\n"


@lru_cache(maxsize=1024)
def check_keywords(check: HealthCheck, check_port: int | None, serving: Serving = PLAIN) -> str:
    """`check` and what belongs to it, and how a server is reached and its connections kept."""
    reached = reaching_keywords(check, check_port, serving)
    if check.type is CheckType.NONE:
        return f"{POOLING}{reached}"
    port = check_port or check.port
    where = f"port {port:d} " if port else ""
    return f"check {where}inter {check.interval_ms:d}ms rise {check.rise:d} fall {check.fall:d} {POOLING}{reached}"


def server_keywords(server: Server, check: HealthCheck, serving: Serving = PLAIN, *, weight: int) -> str:
    """Everything after the address, without the administrative state."""
    text = f"weight {weight:d} {check_keywords(check, server.check_port, serving)}"
    if is_a_place(server.key):
        text = text.replace(POOLING, UNPOOLED)
    if server.max_connections:
        text += f" maxconn {server.max_connections:d}"
    if serving.sticky.type in BY_COOKIE:
        text += f" cookie {serving.sticky.cookie(server.key)}"
    return f"{text} backup" if server.backup else text


def same_address(one: str, other: str) -> bool:
    """Compare spellings: HAProxy shows an IPv6 address in its own."""
    if one == other:
        return True
    if ":" not in one or ":" not in other:
        return False
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False
