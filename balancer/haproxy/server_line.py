"""The keywords of one server, the same in a file and in `add server`.

Everything is said in full: `default-server` is not applied to servers added at run time, and without pool
keywords such a server never reuses a connection (`haproxy.md` 1.2).
"""

import re
from functools import lru_cache

from .desired import AdminState, CheckType, HealthCheck, Server
from .text import Unprintable

_ADDRESS = re.compile(r"[0-9.]{7,15}|[0-9a-fA-F:.]{2,45}")


def socket_address(address: str, port: int) -> str:
    """`10.0.0.1:80` or `[2001:db8::1]:80`. Raises `Unprintable` for what is no IP literal by its characters."""
    if _ADDRESS.fullmatch(address) is None:
        raise Unprintable("not an IP address")
    return f"[{address}]:{port:d}" if ":" in address else f"{address}:{port:d}"


@lru_cache(maxsize=4096)
def check_keywords(check: HealthCheck, check_port: int | None) -> str:
    """`check` and what belongs to it, or nothing."""
    pooling = "pool-max-conn -1 pool-purge-delay 5000ms"
    if check.type is CheckType.NONE:
        return pooling
    port = check_port or check.port
    where = f"port {port:d} " if port else ""
    return f"check {where}inter {check.interval_ms:d}ms rise {check.rise:d} fall {check.fall:d} {pooling}"


def server_keywords(server: Server, check: HealthCheck, *, weight: int) -> str:
    """Everything after the address, without the administrative state."""
    text = f"weight {weight:d} {check_keywords(check, server.check_port)}"
    if server.max_connections:
        text += f" maxconn {server.max_connections:d}"
    return f"{text} backup" if server.backup else text


def file_weight(server: Server) -> int:
    """A file cannot say drain: weight 0 until the runtime is told the exact state."""
    return 0 if server.admin is AdminState.DRAIN else server.weight
