"""HAProxy's line for each request: how it is written, and how it is read again.

One JSON object. What a client chose (host, method, path) is cut and passes `json(utf8s)`, which escapes quotes,
backslashes and control characters and drops what is no UTF-8; everything else is HAProxy's or ours. The tenant stands
first, so that whose line it is shows without reading all of it. No query and no header: they hold people's secrets.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LINE_MAX = 4096  # bytes; a path of nothing but escapes is six times as long
HOST_MAX, METHOD_MAX, PATH_MAX = 253, 16, 255  # bytes
PER_SECOND = 50  # lines of one tenant on one node, kept so by HAProxy itself

TENANT = re.compile(r"t[a-z0-9]{1,30}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_.<>-]{0,80}")
_START = b'{"tenant":"'


def _text(name: str, most: int) -> str:
    return f'"%[var(txn.{name}),bytes(0,{most}),json(utf8s)]"'


FORMAT = (
    '{"tenant":"%[var(txn.tenant)]","id":"%ID","at":%Ts.%ms,"status":%ST,"bytes":%B,"ended":"%ts",'
    '"request_ms":%TR,"queue_ms":%Tw,"connect_ms":%Tc,"response_ms":%Tr,"total_ms":%Ta,'
    '"proxy":"%b","server":"%s","source":"%ci","tls":%[ssl_fc],"left_out":%[var(txn.left_out),add(0)],'
    '"served":"%[var(txn.served)]",'
    f'"method":{_text("method", METHOD_MAX)},"host":{_text("host", HOST_MAX)},"path":{_text("path", PATH_MAX)}}}'
)
WHOLE = ("bytes", "request_ms", "queue_ms", "connect_ms", "response_ms", "total_ms", "left_out")


@dataclass(frozen=True, slots=True)
class AccessLine:
    """Times in milliseconds, -1 where it did not come to that; `at` in epoch seconds, when the request began.

    `left_out` counts the tenant's lines that this HAProxy did not write since it started.
    """

    tenant: str
    id: str
    at: float
    status: int
    bytes: int
    ended: str
    request_ms: int
    queue_ms: int
    connect_ms: int
    response_ms: int
    total_ms: int
    proxy: str
    server: str
    source: str
    tls: bool
    left_out: int
    method: str
    host: str
    path: str


def tenant_of(line: bytes) -> str:
    """Whose line it is, "" for nobody's: read from its start alone."""
    if not line.startswith(_START):
        return ""
    found = line[len(_START) : len(_START) + 33].partition(b'"')[0].decode("ascii", "replace")
    return found if TENANT.fullmatch(found) else ""


def parse(line: bytes) -> AccessLine | None:
    """None for what is no whole line of ours: a notice of HAProxy's, or something cut off."""
    try:
        told = json.loads(line, parse_constant=_no_number)
        return _read(told) if isinstance(told, dict) else None
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _read(told: Mapping[str, Any]) -> AccessLine | None:
    words = {name: str(told[name]) for name in ("tenant", "id", "proxy", "server", "ended", "source")}
    # What has a router was served behind it, and HAProxy's own fields name the first hop.
    proxy, behind, server = str(told.get("served", "")).partition("/")
    if behind:
        words["proxy"], words["server"] = proxy, server or "<NOSRV>"
    if TENANT.fullmatch(words["tenant"]) is None or UUID.fullmatch(words["id"]) is None:
        return None
    if not all(_NAME.fullmatch(words[name]) for name in ("proxy", "server", "ended")):
        return None
    numbers = {name: int(told[name]) for name in WHOLE}
    return AccessLine(
        tenant=words["tenant"],
        id=words["id"],
        at=float(told["at"]),
        status=int(told["status"]),
        bytes=numbers["bytes"],
        ended=words["ended"],
        request_ms=numbers["request_ms"],
        queue_ms=numbers["queue_ms"],
        connect_ms=numbers["connect_ms"],
        response_ms=numbers["response_ms"],
        total_ms=numbers["total_ms"],
        proxy=words["proxy"],
        server=words["server"],
        source=words["source"],
        tls=bool(told["tls"]),
        left_out=numbers["left_out"],
        method=_clean(told["method"], METHOD_MAX),
        host=_clean(told["host"], HOST_MAX),
        path=_clean(told["path"], PATH_MAX),
    )


def _clean(value: object, most: int) -> str:
    """Half of a pair of surrogates is no text that could be written anywhere."""
    return str(value)[:most].encode("utf-8", "replace").decode()


def _no_number(name: str) -> float:
    raise ValueError(name)
