"""What the nodes saw of a listener, merged. Values in, values out.

A node counts as with backends (`observed`): one that does not is named, and in no sum.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from balancer.queries.observed import Fresh, NodeStatus, fresh_of


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """On one node. `sessions` are open, `connections` came since its worker looks; rates a second, of new connections
    and of bytes; in from clients, out to them."""

    sessions: int
    rate: int
    in_rate: int
    out_rate: int
    connections: int
    bytes_in: int
    bytes_out: int
    at: float


@dataclass(frozen=True, slots=True)
class ListenedOn:
    """`row` None: this node has not spoken of it."""

    node: str
    fresh: Fresh
    age: float | None
    row: ListenerRow | None


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """`age` in seconds, of the oldest node that counts; None where none does."""

    fresh: Fresh
    age: float | None
    sessions: int = 0
    rate: int = 0
    in_rate: int = 0
    out_rate: int = 0
    connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    nodes: tuple[ListenedOn, ...] = ()


NOT_HEARD = ListenerStatus(Fresh.OFFLINE, None)
SUMMED = ("sessions", "rate", "in_rate", "out_rate", "connections", "bytes_in", "bytes_out")


def merge_listener(
    rows: Mapping[str, ListenerRow], nodes: Mapping[str, NodeStatus], peers: Iterable[str]
) -> ListenerStatus:
    """`rows` by node name; `peers` are the names of the cluster's nodes, spoken or not."""
    counting = [name for name in rows if name in nodes and nodes[name].counts]
    age = max((nodes[name].age for name in counting), default=None)
    heard = [rows[name] for name in counting]
    return ListenerStatus(
        fresh=fresh_of(age),
        age=age,
        sessions=sum(row.sessions for row in heard),
        rate=sum(row.rate for row in heard),
        in_rate=sum(row.in_rate for row in heard),
        out_rate=sum(row.out_rate for row in heard),
        connections=sum(row.connections for row in heard),
        bytes_in=sum(row.bytes_in for row in heard),
        bytes_out=sum(row.bytes_out for row in heard),
        nodes=tuple(_on(name, rows.get(name), nodes.get(name)) for name in sorted({*rows, *peers})),
    )


def _on(name: str, row: ListenerRow | None, node: NodeStatus | None) -> ListenedOn:
    age = node.age if node else None
    return ListenedOn(name, fresh_of(age), age, row)
