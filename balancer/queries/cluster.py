"""Clusters and their nodes: which exist (the database), and how they are (Redis, else the row's own heartbeat)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from balancer.fleet.models import Cluster, Node, Outcome, Placement
from balancer.queries import status
from balancer.queries.observed import Fresh, NodeStatus, fresh_of


class Sync(StrEnum):
    IN_SYNC = "in_sync"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NodeView:
    """`age` in seconds since its last word, None when it never spoke. `serving` None: Redis cannot tell."""

    id: str
    name: str
    version: str
    heard_at: float | None
    age: float | None
    generation: int
    outcome: str
    sync: Sync
    serving: bool | None

    @property
    def fresh(self) -> Fresh:
        return fresh_of(self.age)

    @property
    def healthy(self) -> bool:
        return self.fresh is not Fresh.OFFLINE and self.serving is not False and self.outcome != Outcome.FAILED


@dataclass(frozen=True, slots=True)
class ClusterView:
    id: str
    name: str
    generation: int
    nodes: tuple[NodeView, ...]


def of_tenant(tenant_id: str, *, now: datetime) -> tuple[ClusterView, ...]:
    """The one that serves it; empty before it is placed."""
    placed = Placement.objects.filter(tenant_id=tenant_id).values("cluster_id")
    return _views(Cluster.objects.filter(pk__in=placed), now)


def of_fleet(*, now: datetime) -> tuple[ClusterView, ...]:
    return _views(Cluster.objects.all(), now)


def _views(clusters: QuerySet[Cluster], now: datetime) -> tuple[ClusterView, ...]:
    seen = {node.id: node for node in status.nodes(now=now)}
    return tuple(
        ClusterView(
            cluster.pk,
            cluster.name,
            cluster.generation,
            tuple(_view(node, cluster, seen.get(node.pk), now) for node in cluster.nodes.all() if node.joined_at),
        )
        for cluster in clusters.prefetch_related("nodes").order_by("name", "pk")
    )


def _view(node: Node, cluster: Cluster, seen: NodeStatus | None, now: datetime) -> NodeView:
    kept = node.heartbeat_at.timestamp() if node.heartbeat_at else None
    heard = seen.at if seen and (kept is None or seen.at > kept) else kept
    age = None if heard is None else max(0.0, now.timestamp() - heard)
    return NodeView(
        id=node.pk,
        name=node.name,
        version=seen.version if seen else node.version,
        heard_at=heard,
        age=age,
        generation=node.generation,
        outcome=node.outcome,
        sync=_sync(node, cluster, age),
        serving=seen.serving if seen else None,
    )


def _sync(node: Node, cluster: Cluster, age: float | None) -> Sync:
    if fresh_of(age) is Fresh.OFFLINE:
        return Sync.UNKNOWN
    if node.outcome == Outcome.FAILED:
        return Sync.FAILED
    return Sync.IN_SYNC if node.generation >= cluster.generation else Sync.PENDING
