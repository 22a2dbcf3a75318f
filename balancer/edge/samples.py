"""One reading of HAProxy's counters: CSV in, values out."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from balancer.edge.runtime import Runtime
from balancer.haproxy.desired import AdminState
from balancer.haproxy.listeners import port_of
from balancer.haproxy.render.inner import INNER
from balancer.haproxy.render.listeners import WAYS
from balancer.haproxy.running import Oper
from balancer.haproxy.show import parse_info, parse_table
from balancer.haproxy.sites import is_router

FRONTEND, SERVER = "0", "2"  # in the column `type`
Field = Callable[[str], str]


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
    sessions: int
    queue: int
    total: int
    requests: int
    errors_5xx: int
    bytes_in: int = 0
    bytes_out: int = 0


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
    (`render.listeners.ways_of`), where it counted anything."""

    pid: int
    uptime: int
    version: str
    sessions: int
    requests: int
    servers: Mapping[str, ServerSample]
    pools: Mapping[str, PoolSample]
    ways: Mapping[str, WaySample] = field(default_factory=dict)


def read_sample(runtime: Runtime) -> Sample:
    """CSV: JSON is 53 times larger (`haproxy.md 1.2`). Raises NodeUnreachable.

    Requests are the frontends': `CumReq` of `show info` also counts what is asked of the admin socket.
    """
    info_text, stat, table = runtime.ask_all(["show info", "show stat -1 7 -1", f"show table {WAYS}"])
    info = parse_info(info_text)
    sessions = requests = 0
    servers: dict[str, ServerSample] = {}
    pools: dict[str, PoolSample] = {}
    ways = {key: _way(counted) for key, counted in parse_table(table).items()}
    for row in _rows(stat):
        tenant, separator, pool = row("pxname").partition("_")
        if row("pxname") in INNER or is_router(row("pxname")):
            continue  # the second hop of a request that is counted
        if row("type") == FRONTEND:
            sessions += _number(row("scur"))
            requests += _number(row("req_tot"))
            if port_of(row("pxname")):
                ways[row("pxname")] = _port(row)
        elif not separator or tenant == "st":
            continue  # a section of ours
        elif row("type") == SERVER:
            servers[f"{tenant}/{pool}/{row('svname')}"] = _server(row)
        else:
            pools[f"{tenant}/{pool}"] = _pool(row)
    return Sample(
        pid=_number(info.get("Pid", "")),
        uptime=_number(info.get("Uptime_sec", "")),
        version=info.get("Version", ""),
        sessions=sessions,
        requests=requests,
        servers=servers,
        pools=pools,
        ways=ways,
    )


def _rows(stat: str) -> Iterator[Field]:
    header, _, body = stat.lstrip("# ").partition("\n")
    columns = {name: at for at, name in enumerate(header.split(","))}
    for line in body.splitlines():
        # Quotes are rare, and the csv module costs thrice as much as splitting.
        values = next(csv.reader([line])) if '"' in line else line.split(",")
        if len(values) >= 2:
            yield _field(columns, values)


def _field(columns: Mapping[str, int], values: list[str]) -> Field:
    def field(name: str) -> str:
        at = columns.get(name, -1)
        return values[at] if 0 <= at < len(values) else ""

    return field


def _server(row: Field) -> ServerSample:
    status = row("status")
    return ServerSample(
        oper=_oper(status, row("check_status")),
        admin=_admin(status),
        weight=_number(row("uweight") or row("weight")),
        sessions=_number(row("scur")),
        queue=_number(row("qcur")),
        total=_number(row("stot")),
        check=row("check_status").removeprefix("* "),
        code=int(row("check_code")) if row("check_code").isdecimal() else None,
        check_ms=int(row("check_duration")) if row("check_duration").isdecimal() else None,
        detail=": ".join(filter(None, (row("check_desc"), row("last_chk")))),
        changed_s=_number(row("lastchg")),
    )


def _pool(row: Field) -> PoolSample:
    return PoolSample(
        sessions=_number(row("scur")),
        queue=_number(row("qcur")),
        total=_number(row("stot")),
        requests=_number(row("req_tot") or row("stot")),
        errors_5xx=_number(row("hrsp_5xx")),
        bytes_in=_number(row("bin")),
        bytes_out=_number(row("bout")),
    )


def _port(row: Field) -> WaySample:
    return WaySample(*(_number(row(name)) for name in ("scur", "stot", "bin", "bout")))


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


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
