"""Whether a cluster serves a tenant as the one does that it leaves: told by its nodes, and measured through them."""

from collections.abc import Sequence
from datetime import datetime

from balancer.fleet.models import Deployment, DeploymentState, Node, Snapshot
from balancer.queries import status
from balancer.queries.observed import OnNode, Oper

SERVES = frozenset({Oper.UP, Oper.NOCHECK})


def lacking(tenant_id: str, there: Snapshot, origin: Sequence[Node], target: Sequence[Node], *, now: datetime) -> str:
    """What is missing before `target` may take over, in a sentence; empty when nothing is."""
    heard = {node.name: node for node in status.nodes(now=now)}
    silent = [node.name for node in target if node.name not in heard or not heard[node.name].counts]
    if silent:
        return f"Not heard lately: {', '.join(silent)}."
    live = Deployment.objects.filter(
        tenant=tenant_id, generation=there.generation, node__in=target, state=DeploymentState.LIVE
    )
    served = set(live.values_list("node__name", flat=True))
    behind = [node.name for node in target if node.name not in served]
    if behind:
        return f"Not live yet on {', '.join(behind)}."
    return _worse(tenant_id, [node.name for node in origin], [node.name for node in target], now=now)


def _worse(tenant_id: str, origin: Sequence[str], target: Sequence[str], *, now: datetime) -> str:
    """A pool of which a node of the old cluster has a backend that is well needs one on each of the new nodes too."""
    seen = status.tenant_snapshot(f"t{tenant_id}", now=now)
    well: dict[str, set[str]] = {}
    for (pool, _), backend in seen.backends.items():
        well.setdefault(pool, set()).update(node.node for node in backend.nodes if _serves(node))
    for pool, nodes in sorted(well.items()):
        without = [name for name in target if name not in nodes]
        if without and nodes.intersection(origin):
            return f"The checks of the pool {pool.removeprefix('p')} have not passed yet on {', '.join(without)}."
    return ""


def _serves(node: OnNode) -> bool:
    return node.oper in SERVES


def still_there(origin: Sequence[Node], generation: int) -> list[str]:
    """Nodes that have not said yet that they let go."""
    return [node.name for node in origin if node.generation < generation]
