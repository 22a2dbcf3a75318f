from balancer.fleet.models.cluster import Cluster, Node, Outcome, Placement
from balancer.fleet.models.deployment import Deployment, DeploymentState
from balancer.fleet.models.domain import DomainProof, ProofMethod
from balancer.fleet.models.edit import Act, Edit
from balancer.fleet.models.host import HostClaim
from balancer.fleet.models.revision import Revision, Snapshot

__all__ = [
    "Act",
    "Cluster",
    "Deployment",
    "DeploymentState",
    "DomainProof",
    "Edit",
    "HostClaim",
    "Node",
    "Outcome",
    "Placement",
    "ProofMethod",
    "Revision",
    "Snapshot",
]
