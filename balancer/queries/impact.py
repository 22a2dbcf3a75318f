"""What a change would take on each node: by the planner that the nodes use, with what each runs and can do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from balancer.fleet.models import JOINED, Deployment, DeploymentState, Node
from balancer.haproxy import codec
from balancer.haproxy.assumed import as_running
from balancer.haproxy.capabilities import OLDEST, Capabilities, UnknownVersion, parse_version
from balancer.haproxy.desired import Tenant
from balancer.haproxy.planner import plan_steps
from balancer.queries import names


@dataclass(frozen=True, slots=True)
class NodeImpact:
    """`commands`: how many the Runtime API is given; `reload`: why one is needed, empty where none is."""

    node: str
    commands: int
    reload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    nodes: tuple[NodeImpact, ...] = ()
    reasons: tuple[str, ...] = field(default=())

    @property
    def reloads(self) -> int:
        return sum(bool(node.reload) for node in self.nodes)

    @property
    def sentence(self) -> str:
        if not self.nodes:
            return "no node serves this tenant yet"
        if self.reloads:
            return f"reload on {self.reloads} node{'s' if self.reloads > 1 else ''}"
        return "runtime only" if any(node.commands for node in self.nodes) else "nothing that traffic would notice"


def of(tenant_id: str, wanted: Tenant) -> Impact:
    """Two queries, and more for each state in which names stand for addresses."""
    wanted = names.resolved(wanted, tenant_id)
    nodes = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant_id).order_by("name"))
    live = live_states(tenant_id, nodes)
    found = tuple(on_node(node, live.get(node.pk), wanted) for node in nodes)
    return Impact(found, tuple(dict.fromkeys(reason for node in found for reason in node.reload)))


def live_states(tenant_id: str, nodes: Sequence[Node]) -> dict[str, Tenant]:
    """Node id → what it said that it runs."""
    rows = Deployment.objects.filter(tenant=tenant_id, node__in=nodes, state=DeploymentState.LIVE)
    newest = rows.order_by("node_id", "-generation").distinct("node_id").select_related("revision")
    states: dict[str, Tenant] = {}
    by_node = {}
    for row in newest:
        if row.revision_id not in states:
            states[row.revision_id] = names.resolved(codec.from_json(row.revision.state, names=True), tenant_id)
        by_node[row.node_id] = states[row.revision_id]
    return by_node


def on_node(node: Node, live: Tenant | None, wanted: Tenant) -> NodeImpact:
    steps = plan_steps(live, wanted, as_running(live), capabilities_of(node))
    return NodeImpact(node.name, len(steps.commands), steps.reload)


def capabilities_of(node: Node) -> Capabilities:
    """Of a node that never spoke, the least that we run on."""
    try:
        return parse_version(node.version)
    except UnknownVersion:
        return Capabilities(OLDEST)
