"""How far drains have come: what was asked, and what each node of the tenant's cluster shows, with its age.

Measured, never assumed: a node that is silent is said to be silent and holds an unknown number of sessions; nobody is
left on a backend only when every node was heard lately, runs the drain, and shows no session and nobody who waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from balancer.fleet.models import JOINED, Drain, Node
from balancer.haproxy.desired import AdminState
from balancer.models import Backend
from balancer.queries import backend_status, status
from balancer.queries.observed import BackendStatus, NodeStatus

# A node reads its HAProxy once a second. What it said sooner after the drain began may be of before it.
SETTLED_S = 2.0


@dataclass(frozen=True, slots=True)
class OnNode:
    """`sessions` None: the node is silent. `age` seconds since it was heard; None: never."""

    node: str
    confirmed: bool
    silent: bool
    sessions: int | None
    age: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """`began_at` None: it was set to drain without asking for what follows. `queue`: requests that wait for it."""

    began_at: datetime | None
    deadline_at: datetime | None
    then: str
    emptied_at: datetime | None
    queue: int
    empty: bool
    nodes: tuple[OnNode, ...]

    @property
    def sessions(self) -> int:
        """Of the nodes that were heard."""
        return sum(node.sessions or 0 for node in self.nodes)

    @property
    def silent(self) -> list[str]:
        return [node.node for node in self.nodes if node.silent]

    def seconds_left(self, now: datetime) -> int | None:
        if self.deadline_at is None:
            return None
        return max(0, round((self.deadline_at - now).total_seconds()))


def progress(tenant_id: str, backends: Sequence[Backend], *, now: datetime) -> dict[str, Progress]:
    """Of those that drain, by id. Without any, nothing is asked; else two queries and two round trips to Redis."""
    draining = [one for one in backends if one.admin == AdminState.DRAIN.value]
    if not draining:
        return {}
    rows = {row.backend: row for row in Drain.objects.filter(backend__in=[d.pk for d in draining], ended_at=None)}
    expected = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant_id).values_list("name", flat=True))
    heard = {node.name: node for node in status.nodes(now=now)}
    seen = backend_status.of(tenant_id, draining, now=now)
    return {
        one.pk: of(rows.get(one.pk), seen[one.pk].status, expected, heard, nowhere=seen[one.pk].nowhere)
        for one in draining
    }


def of(
    row: Drain | None,
    seen: BackendStatus,
    expected: Sequence[str],
    heard: Mapping[str, NodeStatus],
    *,
    nowhere: bool = False,
) -> Progress:
    """Values in, values out. `expected`: the nodes that must say so before nobody is left. `nowhere`: it has no server,
    since its name has no address: there is nothing that a node could confirm."""
    rows = {node.node: node for node in seen.nodes}
    nodes = []
    settled = bool(expected)
    for name in sorted(expected):
        node, said = heard.get(name), rows.get(name)
        silent = node is None or not node.counts
        confirmed = not silent and (nowhere or (said is not None and said.admin == AdminState.DRAIN.value))
        nodes.append(
            OnNode(
                name,
                confirmed,
                silent,
                sessions=None if silent else said.sessions if said else 0,
                age=node.age if node else None,
            )
        )
        begun = row.began_at.timestamp() if row else 0.0
        settled = settled and confirmed and node is not None and node.at >= begun + SETTLED_S
    return Progress(
        began_at=row.began_at if row else None,
        deadline_at=row.deadline_at if row else None,
        then=row.then if row else "",
        emptied_at=row.emptied_at if row else None,
        queue=seen.queue,
        empty=settled and seen.queue == 0 and not any(node.sessions for node in nodes),
        nodes=tuple(nodes),
    )
