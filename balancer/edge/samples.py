"""One reading of HAProxy's counters: CSV in, values out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from balancer.edge.stat_lines import rows
from balancer.haproxy.desired import AdminState
from balancer.haproxy.listeners import port_of
from balancer.haproxy.render.inner import INNER
from balancer.haproxy.running import Oper
from balancer.haproxy.show import parse_table
from balancer.haproxy.sites import is_router

OF_SERVERS = (
    "status", "uweight", "weight", "scur", "qcur", "stot", "check_status", "check_code", "check_duration", "check_desc",
    "last_chk", "lastchg",
)  # fmt: skip
OF_POOLS = (
    "status", "weight", "act", "bck", "chkdown", "scur", "qcur", "stot", "req_tot", "hrsp_5xx", "bin", "bout"
)  # fmt: skip
OF_FRONTENDS = ("pxname", "scur", "req_tot", "stot", "bin", "bout")


@dataclass(frozen=True, slots=True)
class ServerSample:
    """Counters are HAProxy's own: they start again with each worker. `changed_s`: seconds since the last change."""

    oper: Oper
    admin: AdminState
    weight: int
    sessions: int
    queue: int
    total: int
    check: str
    code: int | None
    check_ms: int | None
    detail: str
    changed_s: int


@dataclass(frozen=True, slots=True)
class PoolSample:
    """`health`: what HAProxy says of its servers together."""

    sessions: int
    queue: int
    total: int
    requests: int
    errors_5xx: int
    bytes_in: int = 0
    bytes_out: int = 0
    health: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaySample:
    """A listener: `sessions` are open, `total` were. Bytes as seen from here: in from clients, out to them."""

    sessions: int = 0
    total: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Keys are `<tenant key>/<pool key>[/<server key>]`; of listeners what HAProxy counts them under
    (`render.listeners.ways_of`), where it counted anything.

    `moved`: the keys of servers and pools that are new, other or gone since the last sample. `looked`: the pools whose
    servers were read; None: all of them.
    """

    pid: int
    uptime: int
    version: str
    sessions: int
    requests: int
    servers: Mapping[str, ServerSample]
    pools: Mapping[str, PoolSample]
    ways: Mapping[str, WaySample] = field(default_factory=dict)
    moved: Collection[str] = ()
    looked: Collection[str] | None = None


def server_key(proxy: str, server: str) -> str:
    return f"{pool}/{server}" if (pool := pool_key(proxy)) else ""


def pool_key(proxy: str, _: str = "") -> str:
    """ "" for a section of ours, and for the second hop of a request that is counted."""
    tenant, separator, pool = proxy.partition("_")
    if not separator or tenant == "st" or proxy in INNER or is_router(proxy):
        return ""
    return f"{tenant}/{pool}"


def fronts(stat: str, table: str) -> tuple[int, int, dict[str, WaySample]]:
    """Sessions and requests of all, and the listeners'. Requests are the frontends': `CumReq` of `show info` also
    counts what is asked of the admin socket."""
    sessions = requests = 0
    ways = {key: _way(counted) for key, counted in parse_table(table).items()}
    for name, current, req_tot, total, bytes_in, bytes_out in rows(stat, OF_FRONTENDS):
        if name in INNER or is_router(name):
            continue
        sessions += number(current)
        requests += number(req_tot)
        if port_of(name):
            ways[name] = WaySample(number(current), number(total), number(bytes_in), number(bytes_out))
    return sessions, requests, ways


def read_server(
    status: str, uweight: str, weight: str, scur: str, qcur: str, stot: str, check: str, code: str, took: str,
    about: str, heard: str, lastchg: str,
) -> ServerSample:  # fmt: skip
    """Of the columns `OF_SERVERS`."""
    return ServerSample(
        oper=_oper(status, check),
        admin=_admin(status),
        weight=number(uweight or weight),
        sessions=number(scur),
        queue=number(qcur),
        total=number(stot),
        check=check.removeprefix("* "),
        code=number(code) or None,  # 0: it was not asked yet, and how it was is from before a reload
        check_ms=int(took) if took.isdecimal() else None,
        detail=f"{about}: {heard}" if about and heard else about or heard,
        changed_s=number(lastchg),
    )


def read_pool(
    status: str, weight: str, act: str, bck: str, chkdown: str, scur: str, qcur: str, stot: str, req_tot: str,
    hrsp_5xx: str, bytes_in: str, bytes_out: str,
) -> PoolSample:  # fmt: skip
    """Of the columns `OF_POOLS`."""
    return PoolSample(
        sessions=number(scur),
        queue=number(qcur),
        total=number(stot),
        requests=number(req_tot or stot),
        errors_5xx=number(hrsp_5xx),
        bytes_in=number(bytes_in),
        bytes_out=number(bytes_out),
        health=(status, weight, act, bck, chkdown),
    )


def _way(counted: Mapping[str, int]) -> WaySample:
    return WaySample(*(counted.get(name, 0) for name in ("conn_cur", "conn_cnt", "bytes_in_cnt", "bytes_out_cnt")))


def _admin(status: str) -> AdminState:
    if status.startswith("MAINT"):
        return AdminState.MAINT
    return AdminState.DRAIN if status.startswith("DRAIN") else AdminState.READY


def _oper(status: str, check: str) -> Oper:
    """`status` mixes what was ordered and what was heard: under an order, the last check is what we know."""
    if status.startswith("MAINT"):
        return Oper.UNKNOWN
    if status.startswith("DRAIN"):
        heard = check.removeprefix("* ")
        if not heard or heard in ("UNK", "INI"):
            return Oper.NOCHECK if not heard else Oper.UNKNOWN
        return Oper.UP if heard.endswith(("OK", "OKC", "PASS")) else Oper.DOWN
    if status == "no check":
        return Oper.NOCHECK
    if status.startswith("NOLB"):
        return Oper.STOPPING
    return Oper.UP if status.startswith("UP") else Oper.DOWN if status.startswith("DOWN") else Oper.UNKNOWN


def number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
