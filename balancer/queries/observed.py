"""What the nodes saw, merged into one answer per server, pool and tenant. Values in, values out.

The merge. A node counts while its heartbeat is younger than 15 s and its HAProxy answers. All that count agree: that
is `oper`. They differ: the worst of them, in the order down, stopping, starting, unknown, nocheck, up. A counting node
of the same cluster that has not spoken of a server yet says `unknown` for it; when no node counts, `oper` is `unknown`:
never green without data. `fresh` and `age` are those of the oldest node that counts; `nodes` names every one.
Sessions and rates are sums over the nodes that count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

LIVE_SECONDS = 5.0
STALE_SECONDS = 15.0


class Fresh(StrEnum):
    LIVE = "live"
    STALE = "stale"
    OFFLINE = "offline"


class Oper(StrEnum):
    """Worst first: the merge takes the first that any counting node says."""

    DOWN = "down"
    STOPPING = "stopping"
    STARTING = "starting"
    UNKNOWN = "unknown"
    NOCHECK = "nocheck"
    UP = "up"


WORST_FIRST = tuple(Oper)


def fresh_of(age: float | None) -> Fresh:
    """`age` in seconds; None when nothing was ever heard."""
    if age is None or age >= STALE_SECONDS:
        return Fresh.OFFLINE
    return Fresh.LIVE if age < LIVE_SECONDS else Fresh.STALE


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node's own summary. `at` is epoch seconds; `age` seconds since then; rates per second; `pid` HAProxy's, 0 when
    the node is there and its HAProxy does not answer. `ahead`: seconds by which its clock is before ours at least."""

    name: str
    id: str
    cluster: str
    version: str
    at: float
    age: float
    generation: int
    outcome: str
    sessions: int
    rate: int
    requests: int
    uptime: int
    drift: int
    pid: int
    ahead: int = 0

    @property
    def serving(self) -> bool:
        return self.pid != 0

    @property
    def fresh(self) -> Fresh:
        return fresh_of(self.age)

    @property
    def counts(self) -> bool:
        return self.serving and self.age < STALE_SECONDS


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server as one node saw it. `since` and `at` are epoch seconds: `at` is when it was told, and it holds for as
    long as nothing else is. How old it is, its node's last word says."""

    oper: Oper
    admin: str
    sessions: int
    rate: int
    weight: int
    queue: int
    check: str
    code: int | None
    check_ms: int | None
    detail: str
    since: float
    at: float


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool's traffic on one node; counters since its worker looks. Bytes: in from clients, out to them."""

    sessions: int
    rate: int
    queue: int
    requests: int
    errors_5xx: int
    bytes_in: int
    bytes_out: int
    at: float


@dataclass(frozen=True, slots=True)
class LastCheck:
    """`check` is HAProxy's word (`L7OK`), `code` the HTTP status, `duration_ms` how long it took; `at`: as of when."""

    check: str
    code: int | None
    detail: str
    duration_ms: int | None
    at: float


@dataclass(frozen=True, slots=True)
class OnNode:
    """`oper` is what this node says now: `unknown` once it no longer counts. `age` None: never heard."""

    node: str
    oper: Oper
    admin: str
    age: float | None
    fresh: Fresh
    sessions: int = 0
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """`since` is epoch seconds of the merged `oper`; `age` seconds; None where nothing is known."""

    oper: Oper
    fresh: Fresh
    since: float | None
    age: float | None
    last_check: LastCheck | None
    sessions: int
    rate: int
    queue: int
    nodes: tuple[OnNode, ...]


UNKNOWN = BackendStatus(Oper.UNKNOWN, Fresh.OFFLINE, None, None, None, 0, 0, 0, ())


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """`up` of `total` servers by their merged state; `nocheck` ones serve and are not called up."""

    up: int
    total: int
    down: int
    nocheck: int
    fresh: Fresh
    age: float | None
    sessions: int
    rate: int
    queue: int
    requests: int
    errors_5xx: int
    bytes_in: int = 0
    bytes_out: int = 0


NO_POOL = PoolStatus(0, 0, 0, 0, Fresh.OFFLINE, None, 0, 0, 0, 0, 0)


def merge_server(rows: Mapping[str, ServerRow], nodes: Mapping[str, NodeStatus], peers: Iterable[str]) -> BackendStatus:
    """`rows` by node name; `peers` are the names of the cluster's nodes, spoken or not."""
    names = sorted({*rows, *peers})
    counting = [name for name in names if name in nodes and nodes[name].counts]
    told = tuple(_on_node(name, rows.get(name), nodes.get(name)) for name in names)
    if not counting:
        return BackendStatus(Oper.UNKNOWN, Fresh.OFFLINE, None, None, None, 0, 0, 0, told)
    says = {name: rows[name].oper if name in rows else Oper.UNKNOWN for name in counting}
    oper = min(says.values(), key=WORST_FIRST.index)
    agreed = len(set(says.values())) == 1
    decide = [name for name in counting if name in rows and says[name] is oper]
    deciding = [rows[name] for name in decide]
    heard = [rows[name] for name in counting if name in rows]
    age = max(nodes[name].age for name in counting)
    return BackendStatus(
        oper=oper,
        fresh=fresh_of(age),
        # Together since the last of them came to it; at odds since the first did.
        since=(max if agreed else min)((row.since for row in deciding), default=None),
        age=age,
        last_check=_last_check([(rows[name], nodes[name].at) for name in decide]),
        sessions=sum(row.sessions for row in heard),
        rate=sum(row.rate for row in heard),
        queue=sum(row.queue for row in heard),
        nodes=told,
    )


def _on_node(name: str, row: ServerRow | None, node: NodeStatus | None) -> OnNode:
    age = node.age if node else None
    fresh = fresh_of(age)
    if row is None:
        return OnNode(name, Oper.UNKNOWN, "unknown", age, fresh)
    if node is None or not node.counts:
        return OnNode(name, Oper.UNKNOWN, row.admin, age, fresh, 0, row.weight)
    return OnNode(name, row.oper, row.admin, age, fresh, row.sessions, row.weight)


def _last_check(deciding: Iterable[tuple[ServerRow, float]]) -> LastCheck | None:
    """The one that was told last. It holds as of its node's last word."""
    checked = [(row, heard) for row, heard in deciding if row.check]
    if not checked:
        return None
    row, heard = max(checked, key=lambda one: one[0].at)
    return LastCheck(row.check, row.code, row.detail, row.check_ms, max(row.at, heard))


def merge_pool(
    rows: Mapping[str, PoolRow], servers: Iterable[BackendStatus], nodes: Mapping[str, NodeStatus]
) -> PoolStatus:
    """`servers` are the pool's, merged."""
    opers = [server.oper for server in servers]
    counting = [name for name in rows if name in nodes and nodes[name].counts]
    age = max((nodes[name].age for name in counting), default=None)
    heard = [rows[name] for name in counting]
    return PoolStatus(
        up=opers.count(Oper.UP),
        total=len(opers),
        down=opers.count(Oper.DOWN),
        nocheck=opers.count(Oper.NOCHECK),
        fresh=fresh_of(age),
        age=age,
        sessions=sum(row.sessions for row in heard),
        rate=sum(row.rate for row in heard),
        queue=sum(row.queue for row in heard),
        requests=sum(row.requests for row in heard),
        errors_5xx=sum(row.errors_5xx for row in heard),
        bytes_in=sum(row.bytes_in for row in heard),
        bytes_out=sum(row.bytes_out for row in heard),
    )
