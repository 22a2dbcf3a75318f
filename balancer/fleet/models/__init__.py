from balancer.fleet.models.cluster import JOINED, Cluster, Node, Outcome, Placement, Service
from balancer.fleet.models.delivery import Delivery, Deploy, Trial
from balancer.fleet.models.deployment import Deployment, DeploymentState
from balancer.fleet.models.domain import DomainProof, ProofMethod
from balancer.fleet.models.drain import Drain, Ending, Then
from balancer.fleet.models.edit import Act, Edit
from balancer.fleet.models.host import HostClaim
from balancer.fleet.models.imported import ImportReport
from balancer.fleet.models.move import Move, MoveEnding
from balancer.fleet.models.name import Name, NameUse
from balancer.fleet.models.port import PortClaim
from balancer.fleet.models.revision import Contents, Revision, Snapshot
from balancer.fleet.models.upstream import UpstreamFile

__all__ = [
    "JOINED",
    "Act",
    "Cluster",
    "Contents",
    "Delivery",
    "Deploy",
    "Deployment",
    "DeploymentState",
    "DomainProof",
    "Drain",
    "Edit",
    "Ending",
    "HostClaim",
    "ImportReport",
    "Move",
    "MoveEnding",
    "Name",
    "NameUse",
    "Node",
    "Outcome",
    "Placement",
    "PortClaim",
    "ProofMethod",
    "Revision",
    "Service",
    "Snapshot",
    "Then",
    "Trial",
    "UpstreamFile",
]
