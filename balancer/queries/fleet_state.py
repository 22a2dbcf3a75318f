"""Which revision each of a tenant's nodes runs, against the newest."""

from dataclasses import dataclass

from balancer.fleet.models import JOINED, Deployment, DeploymentState, Node, Revision


@dataclass(frozen=True, slots=True)
class NodeState:
    """`revision`: the newest that it said it serves; `state`: how far the newest of all has come there."""

    node: str
    revision: int | None
    state: str
    in_step: bool


@dataclass(frozen=True, slots=True)
class FleetState:
    revision: int | None
    digest: str | None
    nodes: list[NodeState]


def newest(tenant_id: str) -> int | None:
    numbers = Revision.objects.filter(tenant=tenant_id).order_by("-number").values_list("number", flat=True)
    return numbers.first()


def of(tenant_id: str) -> FleetState:
    """Four queries."""
    last = Revision.objects.filter(tenant=tenant_id).defer("state").order_by("-number").first()
    nodes = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant_id).order_by("name"))
    rows = Deployment.objects.filter(tenant=tenant_id, node__in=nodes).order_by("node_id", "-generation")
    told = dict(rows.distinct("node_id").values_list("node_id", "state"))
    live = {
        node: (number, digest)
        for node, number, digest in rows.filter(state=DeploymentState.LIVE)
        .distinct("node_id")
        .values_list("node_id", "revision__number", "revision__digest")
    }
    found = [
        NodeState(
            node.name,
            live.get(node.pk, (None, ""))[0],
            told.get(node.pk, "never"),
            last is None or live.get(node.pk, (None, ""))[1] == last.digest,
        )
        for node in nodes
    ]
    return FleetState(last.number if last else None, last.digest if last else None, found)
