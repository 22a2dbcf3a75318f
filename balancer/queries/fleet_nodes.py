"""What staff see of nodes: their rows beside what they said last, and how their keys stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from balancer.fleet.models import Node
from balancer.queries import cluster, drifts, status
from balancer.queries.cluster import NodeView


class KeyState(StrEnum):
    ANNOUNCED = "announced"  # nobody came yet, and may
    EXPIRED = "expired"  # nobody came, and the one-time key is too old
    CURRENT = "current"
    ASKED = "asked"  # a one-time key waits to be used
    FETCHED = "fetched"  # the node has another one, and has not spoken with it; the one before counts too


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """`seen` None: it never came. `lag` counts snapshots of its cluster that it does not have; `drift` are lines that
    HAProxy ran otherwise than it was told, of all tenants; ages in seconds."""

    node: Node
    seen: NodeView | None
    lag: int
    drift: tuple[str, ...]
    key_state: KeyState
    key_age: float | None
    sessions: int | None
    rate: int | None


def facts(nodes: Iterable[Node], *, now: datetime) -> dict[str, NodeFacts]:
    """By id. Two queries and two round trips to Redis for any number of nodes, with their clusters read already."""
    seen = {node.id: node for one in cluster.of_fleet(now=now) for node in one.nodes}
    heard = {one.id: one for one in status.nodes(now=now)}
    found = drifts.all_nodes()
    answers = {}
    for node in nodes:
        told = heard.get(node.pk)
        lines = found[node.name].lines if node.name in found else {}
        answers[node.pk] = NodeFacts(
            node=node,
            seen=seen.get(node.pk),
            lag=max(0, node.cluster.generation - node.generation) if node.joined_at else 0,
            drift=tuple(f"{tenant}: {line}" for tenant, many in sorted(lines.items()) for line in many),
            key_state=key_state(node, now=now),
            key_age=(now - node.key_since).total_seconds() if node.key_since else None,
            sessions=told.sessions if told and told.counts else None,
            rate=told.rate if told and told.counts else None,
        )
    return answers


def key_state(node: Node, *, now: datetime) -> KeyState:
    asked = node.join_until is not None and node.join_until > now
    if node.joined_at is None:
        return KeyState.ANNOUNCED if asked else KeyState.EXPIRED
    if node.old_key or node.key_heard_at is None:
        return KeyState.FETCHED
    return KeyState.ASKED if asked else KeyState.CURRENT
